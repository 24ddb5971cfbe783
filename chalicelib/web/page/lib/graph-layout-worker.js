// The worker that computes where the boxes, lines and frames of a graph lie.
import { planGraph } from "./graph-plan.js";

/** @param {MessageEvent<import("./graph-layout.js").Order>} event */
onmessage = ({ data: { key, shape, box, room } }) => {
  postMessage({ key, plan: planGraph(shape, box, room) });
};

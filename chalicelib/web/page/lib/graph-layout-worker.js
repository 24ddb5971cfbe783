// The worker that computes where the boxes and lines of a graph lie.
import { Graph, layout } from "../vendor/dagre.js";

const LONG = 60; // nodes: a graph with more runs from left to right

/** @param {MessageEvent<{ key: string, graph: Api.Graph, size: import("./graph-layout.js").Size }>} event */
onmessage = ({ data: { key, graph, size } }) => {
  const plan = new Graph()
    .setGraph({ rankdir: graph.nodes.length > LONG ? "LR" : "TB", nodesep: 16, ranksep: 30, marginx: 6, marginy: 6 })
    .setDefaultEdgeLabel(() => ({}));
  for (const id of graph.nodes) plan.setNode(id, { ...size });
  for (const { source, target } of graph.edges) plan.setEdge(source, target);
  layout(plan);
  postMessage({
    key,
    width: Math.ceil(plan.graph().width),
    height: Math.ceil(plan.graph().height),
    places: graph.nodes.map((id) => ({ id, x: plan.node(id).x, y: plan.node(id).y })),
    lines: plan.edges().map((/** @type {any} */ edge) => curve(plan.edge(edge).points)),
  });
};

/** A smooth line through points, as an SVG path. @param {{ x: number, y: number }[]} points */
function curve([first, ...rest]) {
  const end = rest[rest.length - 1];
  if (rest.length < 2) return `M${first.x},${first.y} L${end.x},${end.y}`;
  const middle = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1];
    return `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return `M${first.x},${first.y} ${middle.join(" ")} L${end.x},${end.y}`;
}

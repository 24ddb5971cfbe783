// The graph of a DAG with the states of its newest run, live.
import { all, get, path } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { shortMoment } from "../lib/format.js";
import { here, runLink } from "../lib/router.js";
import { badge } from "../widgets/badge.js";
import { drawGraph, fold } from "../widgets/task-graph.js";

export async function tab(body, dag, context) {
  const caption = h("p", { class: "quiet" });
  const box = h("div", {
    class: "box",
    id: "dag-graph",
    tabindex: 0,
    role: "region",
    "aria-label": "Graph",
    "data-scroll": true,
  });
  show(body, caption, box);
  let last = null;
  let draw = async () => {};
  context.onQuery = () => draw();
  await context.poll(2, async () => {
    const [run] = (await get(`dags/${path(dag.dag_id)}/runs`, { limit: 1 }, context.signal)).runs;
    if (!run) {
      show(caption, "This DAG has not run yet.");
      draw = () => drawGraph(box, dag, new Map(), { chosen: here().query.get("task") });
      return draw();
    }
    const { items, first } = await all(`runs/${path(run.run_id)}`, "task_instances", {}, 10_000, context.signal);
    if (first === last) return;
    last = first;
    show(
      caption,
      "As in the newest run, ",
      h("a", { href: runLink(run.run_id) }, shortMoment(run.logical_date)),
      " ",
      badge(run.state),
    );
    const boxes = fold(items);
    draw = () => drawGraph(box, dag, boxes, { chosen: here().query.get("task"), runId: run.run_id });
    await draw();
  });
}

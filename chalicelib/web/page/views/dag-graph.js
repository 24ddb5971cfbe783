// The graph of a DAG with the states of its latest run, live.
import { get, getAll, segment } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { shortTime } from "../lib/format.js";
import { currentRoute, runLink } from "../lib/router.js";
import { badge } from "../widgets/badge.js";
import { drawGraph, summaries } from "../widgets/task-graph.js";

const MOST_TASKS = 10_000;

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const caption = h("p", { class: "quiet" });
  const box = h("div", { class: "graph tall", id: "dag-graph" });
  show(body, caption, box);
  const chosen = () => currentRoute().query.get("task");
  /** @type {Api.RunDetail | null} */
  let last = null;
  let draw = async () => {};
  context.onQuery = () => draw();
  await context.poll(2, async () => {
    const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/runs`);
    const [run] = (await get(path, { limit: 1 }, context.signal)).runs;
    if (!run) {
      show(caption, "This DAG has not run yet.");
      draw = () => drawGraph(box, dag, new Map(), { chosen: chosen() });
      return draw();
    }
    const runPath = /** @type {const} */ (`runs/${segment(run.run_id)}`);
    const options = { most: MOST_TASKS, signal: context.signal };
    const { items, first } = await getAll(runPath, "task_instances", options);
    if (first === last) return;
    last = first;
    const link = h("a", { href: runLink(run.run_id) }, shortTime(run.logical_date));
    show(caption, "States of the latest run, ", link, " ", badge(run.state));
    const tasks = summaries(items);
    draw = () => drawGraph(box, dag, tasks, { chosen: chosen(), runId: run.run_id });
    await draw();
  });
}

// One run: how it went in one line, why it failed, its graph and its times, its tasks and their logs.
import { all, get, orElse, path } from "../lib/api.js";
import { h, show } from "../lib/dom.js";
import { firstFailures, taskName } from "../lib/failures.js";
import { count, dollars, duration, how, live, median, shortMoment } from "../lib/format.js";
import { shown } from "../lib/json.js";
import { dagLink, here } from "../lib/router.js";
import { ENDED, badge, isActive } from "../widgets/badge.js";
import { cause } from "../widgets/failure.js";
import { drawGantt } from "../widgets/gantt.js";
import { runButtons } from "../widgets/run-actions.js";
import { drawGraph, fold } from "../widgets/task-graph.js";
import { history as removedTasks, taskList } from "../widgets/task-list.js";
import { taskPanel } from "../widgets/task-panel.js";
import { waits } from "../widgets/wait-reasons.js";

const MOST = 10_000;

export async function view(main, context) {
  const runId = context.args[0];
  const where = `runs/${path(runId)}`;
  const parts = {
    head: h("div"),
    graph: h("div", {
      class: "box",
      id: "graph-box",
      "data-scroll": true,
      tabindex: 0,
      role: "region",
      "aria-label": "Graph",
    }),
    gantt: h("div", { class: "box", id: "gantt-box", tabindex: 0, role: "region", "aria-label": "Times" }),
    list: h("div"),
    panel: h("div"),
  };
  const panel = taskPanel(parts.panel, context, () => refresh());
  let state = null;
  const refresh = async () => {
    const { items, first } = await all(where, "task_instances", {}, MOST, context.signal);
    if (state?.pages === items.length && state.run === first && items.length <= 500) return;
    // The run may have taken the file's latest version meanwhile.
    const dag = state?.run.version === first.version ? state.dag : await definition(first, context);
    state = {
      run: first,
      tasks: inOrder(
        items.filter((task) => !task.removed_at),
        dag,
      ),
      history: items.filter((task) => task.removed_at),
      pages: items.length,
      dag,
      usual: state?.usual ?? (await usually(first, context)),
    };
    context.title(`${state.dag.name} ${shortMoment(first.logical_date)}`);
    draw();
  };
  const draw = () => {
    const chosen = choose(state.tasks, state.history);
    drawHead(parts.head, state, refresh);
    drawGantt(parts.gantt, state, chosen, context.signal);
    const room = parts.gantt.clientWidth;
    drawGraph(parts.graph, state.dag, fold(state.tasks), { chosen: chosen?.task_id, runId })
      .catch((error) => show(parts.graph, error.message))
      .then(() => {
        // A wide graph takes the place beside it.
        if (parts.gantt.clientWidth !== room) drawGantt(parts.gantt, state, chosen, context.signal);
      });
    show(parts.list, taskList(state.tasks, chosen, runId), removedTasks(state.history, chosen, runId));
    panel.choose(chosen);
  };
  await refresh();
  show(
    main,
    parts.head,
    h(
      "div",
      { class: "pair" },
      h("section", { "aria-label": "Graph of the tasks" }, h("h2", null, "Graph"), parts.graph),
      h("section", { "aria-label": "When each task ran" }, h("h2", null, "Times"), parts.gantt),
    ),
    h(
      "div",
      { class: "pair tasks" },
      h("section", { "aria-label": "Tasks" }, h("h2", null, "Tasks"), parts.list),
      h("section", { "aria-label": "The chosen task" }, parts.panel),
    ),
  );
  draw();
  context.onQuery = draw;
  const pages = Math.ceil(state.tasks.length / 500);
  await context.poll(Math.max(2, pages * 2), refresh);
}

async function definition(run, context) {
  const dag = await get(`dags/${path(run.dag_id)}`, {}, context.signal).catch(orElse(null));
  return dag ?? { dag_id: run.dag_id, name: run.dag_id, graph: { nodes: [], edges: [] }, tasks: [] };
}

/** In the order in which they can run; copies by their number. */
function inOrder(tasks, dag) {
  const place = new Map(dag.graph.nodes.map((id, index) => [id, index]));
  const at = (task) => place.get(task.task_id) ?? place.size;
  return [...tasks].sort((a, b) => at(a) - at(b) || a.map_index - b.map_index);
}

async function usually(run, context) {
  const page = await get(`dags/${path(run.dag_id)}/runs`, { state: "success", limit: 20 }, context.signal).catch(
    orElse({ runs: [] }),
  );
  return {
    run: median(
      page.runs
        .filter((other) => other.run_id !== run.run_id && other.duration !== null)
        .map((other) => other.duration),
    ),
  };
}

/** The task of the address; without one the first failure, what runs, or what ended last. */
export function choose(tasks, history = []) {
  const { query } = here();
  const asked = query.get("task");
  if (asked) {
    const copies = [...tasks, ...history].filter((task) => task.task_id === asked);
    const copy = query.get("copy");
    return (
      copies.find((task) => String(task.map_index) === copy) ??
      copies.find((task) => task.state === "failed") ??
      copies[0] ??
      null
    );
  }
  const first = [...firstFailures(tasks).values()][0];
  const ended = tasks
    .filter((task) => task.started_at)
    .sort((a, b) => (a.ended_at ?? "").localeCompare(b.ended_at ?? ""));
  return (
    first ??
    tasks.find((task) => task.state === "running") ??
    tasks.find((task) => task.state === "up_for_retry") ??
    ended.at(-1) ??
    tasks[0] ??
    null
  );
}

function version(run, dag) {
  const link = (query, text) => h("a", { href: dagLink(run.dag_id, { tab: "source", ...query }) }, text);
  const isOld = dag.version && dag.version !== run.version;
  return h(
    "span",
    null,
    link({ version: run.version }, `version ${run.version}`),
    isOld
      ? [" (", link({ version: dag.version, against: run.version }, `the file has version ${dag.version}`), ")"]
      : null,
  );
}

function drawHead(head, { run, tasks, dag, usual }, refresh) {
  const done = tasks.filter((task) => ENDED.has(task.state)).length;
  const first = firstFailures(tasks).get(run.run_id);
  const others = tasks.filter((task) => task.state === "failed").length - 1;
  show(
    head,
    h(
      "p",
      { class: "quiet crumbs" },
      h("a", { href: "#/dags" }, "DAGs"),
      " / ",
      h("a", { href: dagLink(run.dag_id) }, dag.name),
    ),
    h(
      "div",
      { class: "head" },
      h("h1", null, `${dag.name}, ${shortMoment(run.logical_date)}`),
      h("div", { class: "row" }, runButtons(run, tasks, refresh)),
    ),
    h(
      "div",
      { class: "facts" },
      badge(run.state, run.stopping ? "being stopped" : undefined),
      isActive(run.state) ? h("span", null, `${done} of ${count(tasks.length, "task")} done`) : null,
      run.started_at
        ? h("span", null, "started ", live("ago", run.started_at), ` ${how(run)}`)
        : h("span", null, how(run)),
      h(
        "span",
        null,
        run.duration !== null
          ? `took ${duration(run.duration)}`
          : run.started_at
            ? ["for ", live("since", run.started_at)]
            : null,
        usual.run !== null ? `, usually ${duration(usual.run)}` : "",
      ),
      run.cost?.requests
        ? h("span", { title: `${run.cost.gb_seconds} GB-seconds; ${run.cost.prices}` }, `cost ${dollars(run.cost)}`)
        : null,
      version(run, dag),
    ),
    run.note ? h("p", { class: "note" }, h("span", { class: "quiet" }, "Note: "), run.note) : null,
    Object.keys(run.params).length
      ? h(
          "p",
          { class: "quiet" },
          "With ",
          Object.entries(run.params).map(([name, value], i) => [
            i ? ", " : "",
            h("code", null, `${name}=${shown(value)}`),
          ]),
        )
      : null,
    waits(run),
    run.acknowledged_at
      ? h(
          "p",
          { class: "quiet note" },
          `Acknowledged by ${run.acknowledged_by} `,
          live("ago", run.acknowledged_at),
          run.acknowledged_note ? `: ${run.acknowledged_note}` : "",
        )
      : null,
    first
      ? h(
          "div",
          null,
          cause(first, { isSmall: false }),
          others > 0
            ? h(
                "p",
                { class: "quiet" },
                `${count(others, "more task")} failed: ${tasks
                  .filter((task) => task.state === "failed" && task !== first)
                  .slice(0, 5)
                  .map(taskName)
                  .join(", ")}${others > 5 ? "…" : ""}`,
              )
            : null,
        )
      : null,
    run.state === "failed" && !first ? h("p", { class: "cause" }, run.reason || "failed") : null,
  );
}

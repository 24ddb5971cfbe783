// Runs of all DAGs, newest first, each failure with its cause.
import { get } from "../lib/api.js";
import { button, empty, h, show, table } from "../lib/dom.js";
import { firstFailures } from "../lib/failures.js";
import { duration, how, live, shortMoment } from "../lib/format.js";
import { dagLink, here, runLink, setQuery } from "../lib/router.js";
import { badge } from "../widgets/badge.js";
import { cause } from "../widgets/failure.js";
import { briefly } from "../widgets/wait-reasons.js";

const STATES = ["queued", "running", "success", "failed", "cancelled"];
const STEP = 50;

export async function view(main, context) {
  const list = h("div");
  let last = null;
  let failures = [];
  const load = async () => {
    const { query } = here();
    const limit = Math.min(500, Number(query.get("show")) || STEP);
    const asked = { state: query.get("state"), acknowledged: query.get("acknowledged"), dag_id: query.get("dag") };
    const page = await get("runs", { limit, ...asked }, context.signal);
    if (page === last) return;
    last = page;
    if (page.runs.some((run) => run.state === "failed")) {
      failures = (
        await get("task_instances", { state: "failed", limit: 500, dag_id: query.get("dag") }, context.signal)
      ).task_instances;
    }
    draw(list, page, failures, limit);
  };
  show(main, h("h1", null, "Runs"), filters(), list);
  context.onQuery = () => load().catch(() => {});
  await context.poll(2, load);
}

function filters() {
  const { query } = here();
  const state = h(
    "select",
    { id: "state", "aria-label": "State", onchange: () => setQuery({ state: state.value }) },
    h("option", { value: "" }, "In any state"),
    STATES.map((value) => h("option", { value, selected: query.get("state") === value }, value)),
  );
  const known = h(
    "select",
    {
      id: "acknowledged",
      "aria-label": "Acknowledged",
      onchange: () => setQuery({ acknowledged: known.value }),
    },
    [
      ["", "acknowledged or not"],
      ["false", "not acknowledged"],
      ["true", "acknowledged"],
    ].map(([value, label]) => h("option", { value, selected: query.get("acknowledged") === value }, label)),
  );
  let timer = null;
  const dag = h("input", {
    type: "search",
    id: "dag",
    placeholder: "DAG id",
    "aria-label": "Of the DAG with this id",
    value: query.get("dag") ?? "",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => setQuery({ dag: dag.value.trim() }), 300);
    },
  });
  return h("div", { class: "row" }, dag, state, known);
}

function draw(list, page, failures, limit) {
  if (!page.runs.length) {
    return show(list, empty("No run is like that. Start one from the page of its DAG, or change the filters above."));
  }
  const first = firstFailures(failures);
  const rows = page.runs.map((run) => [
    [
      h("a", { href: runLink(run.run_id), "data-item": true }, shortMoment(run.logical_date)),
      run.note ? h("div", { class: "quiet note" }, run.note) : null,
    ],
    h("a", { href: dagLink(run.dag_id) }, run.dag_id),
    [
      badge(run.state),
      run.state === "failed" && first.get(run.run_id) ? cause(first.get(run.run_id)) : null,
      run.waiting_for?.length ? h("div", { class: "quiet reason" }, briefly(run)) : null,
      run.acknowledged_at ? h("div", { class: "quiet" }, `acknowledged by ${run.acknowledged_by}`) : null,
    ],
    how(run),
    run.started_at ? live("ago", run.started_at) : "not yet",
    run.duration !== null ? duration(run.duration) : run.started_at ? live("since", run.started_at) : "",
  ]);
  show(
    list,
    table("Runs", ["Run for", "DAG", "State", "Started", "When", "Took"], rows, "stack tight"),
    page.next_cursor && limit < 500
      ? h(
          "p",
          null,
          button("Show more", () => setQuery({ show: Math.min(500, limit * 2) }), { id: "more" }),
        )
      : null,
  );
}

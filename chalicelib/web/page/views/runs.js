// The runs of all DAGs, newest first, each failure with its cause.
import { get } from "../lib/api.js";
import { button, empty, h, searchField, select, show, table } from "../lib/dom.js";
import { firstFailures } from "../lib/failures.js";
import { duration, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, runLink, setQuery } from "../lib/router.js";
import { RUN_STATES, runLook, runWord, startedBy, word } from "../lib/vocabulary.js";
import { badge } from "../widgets/badge.js";
import { failureCause } from "../widgets/failure.js";
import { firstReason } from "../widgets/wait-reasons.js";

const STEP = 50;
const MOST = 500;

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.RunList | null} */
  let last = null;
  /** @type {Api.TaskInstance[]} */
  let failed = [];
  const load = async () => {
    const { query } = currentRoute();
    const limit = Math.min(MOST, Number(query.get("show")) || STEP);
    const dagId = query.get("dag");
    const filters = { state: query.get("state"), acknowledged: query.get("acknowledged"), dag_id: dagId };
    const page = await get("runs", { limit, ...filters }, context.signal);
    if (page === last) return;
    last = page;
    if (page.runs.some((run) => run.state === "failed")) {
      const wanted = { state: "failed", limit: MOST, dag_id: dagId };
      failed = (await get("task_instances", wanted, context.signal)).task_instances;
    }
    draw(list, page, failed, limit);
  };
  show(main, h("h1", null, "Runs"), filterRow(), list);
  context.onQuery = () => load().catch(() => {}); // the next poll tells what is wrong
  await context.poll(2, load);
}

function filterRow() {
  const { query } = currentRoute();
  const dag = searchField(
    { id: "dag", placeholder: "DAG id", "aria-label": "DAG id", value: query.get("dag") ?? "" },
    (text) => setQuery({ dag: text }),
  );
  const state = select(
    { id: "state", "aria-label": "State", onchange: () => setQuery({ state: state.value }) },
    [["", "Any state"], ...RUN_STATES.map((name) => /** @type {const} */ ([name, word(name)]))],
    query.get("state"),
  );
  const acknowledged = select(
    {
      id: "acknowledged",
      "aria-label": "Acknowledged",
      onchange: () => setQuery({ acknowledged: acknowledged.value }),
    },
    [
      ["", "Acknowledged or not"],
      ["false", "Not acknowledged"],
      ["true", "Acknowledged"],
    ],
    query.get("acknowledged"),
  );
  return h("div", { class: "row" }, dag, state, acknowledged);
}

/** @param {HTMLElement} list @param {Api.RunList} page @param {Api.TaskInstance[]} failed @param {number} limit */
function draw(list, page, failed, limit) {
  if (!page.runs.length) return show(list, empty("No run matches these filters. To start a run, open a DAG."));
  const causes = firstFailures(failed);
  const more = button("Show more", () => setQuery({ show: Math.min(MOST, limit * 2) }), { id: "more" });
  show(
    list,
    table(
      "Runs",
      ["Logical date", "DAG", "State", "Started by", "Started", "Duration"],
      page.runs.map((run) => cells(run, causes.get(run.run_id))),
      "stack tight",
    ),
    page.next_cursor && limit < MOST ? h("p", null, more) : null,
  );
}

/** @param {Api.Run} run @param {Api.TaskInstance | undefined} cause */
function cells(run, cause) {
  return [
    [
      h("a", { href: runLink(run.run_id), "data-item": true }, shortTime(run.logical_date)),
      run.note ? h("div", { class: "quiet note" }, run.note) : null,
    ],
    h("a", { href: dagLink(run.dag_id) }, run.dag_id),
    [
      badge(runLook(run), runWord(run)),
      run.state === "failed" && cause ? failureCause(cause) : null,
      run.waiting_for?.length ? h("div", { class: "quiet reason" }, firstReason(run)) : null,
      run.acknowledged_at ? h("div", { class: "quiet" }, `acknowledged by ${run.acknowledged_by}`) : null,
    ],
    startedBy(run),
    run.started_at ? liveTime("ago", run.started_at) : "not started",
    run.duration !== null ? duration(run.duration) : liveTime("since", run.started_at),
  ];
}

// The first page: one sentence, then what failed, what runs and what is due, and a timeline of all three.
import { get, orElse, segment } from "../lib/api.js";
import { empty, h, section, show } from "../lib/dom.js";
import { duration, median, plural, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, runLink, setQuery } from "../lib/router.js";
import { actionButton } from "../lib/session.js";
import { RUN_LEGEND, runLook, runWord, startedBy } from "../lib/vocabulary.js";
import { acknowledge } from "../widgets/acknowledge.js";
import { badge, legend } from "../widgets/badge.js";
import { runCause } from "../widgets/failure.js";
import { firstSteps } from "../widgets/first-steps.js";
import { scheduleOf } from "../widgets/schedule.js";
import { timeline } from "../widgets/timeline.js";
import { firstReason } from "../widgets/wait-reasons.js";

const MOST_ITEMS = 8; // of a list
const MOST_OPEN = 100; // the API counts no more
const ROWS = 14; // of the timeline
const HOURS = [1, 6, 24]; // before and after now
const USUAL_HOURS = 6;
const DAY_MS = 86_400_000;

/** @typedef {import("../lib/dom.js").Child} Child */
/**
 * @typedef {object} HomeData
 * @property {Api.Overview} overview
 * @property {Api.DagSummary[]} upcoming by their next fire time
 * @property {Map<string, string[]>} fireTimes the next ones, by DAG
 */

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const { signal } = context;
  /** @type {HomeData | null} */
  let drawn = null;
  const refresh = async () => {
    const [overview, { dags: upcoming }] = await Promise.all([
      get("overview", { hours: chosenHours() }, signal),
      get("upcoming", { limit: 200 }, signal),
    ]);
    if (drawn?.overview === overview && drawn.upcoming === upcoming) return;
    const fireTimes = upcoming === drawn?.upcoming ? drawn.fireTimes : await nextFireTimes(upcoming, signal);
    drawn = { overview, upcoming, fireTimes };
    draw(main, drawn, refresh);
  };
  context.onQuery = () => refresh().catch(() => {}); // the next refresh tells what is wrong
  await context.poll(2, refresh);
}

/** @type {Map<string, { at: string | null, times: string[] }>} by DAG, for the fire time that comes next */
const knownTimes = new Map();

/** Of the DAGs that are due first. @param {Api.DagSummary[]} upcoming @param {AbortSignal} signal */
async function nextFireTimes(upcoming, signal) {
  const entries = await Promise.all(
    upcoming.slice(0, ROWS).map(async ({ dag_id: dagId, next_fire_at: at }) => {
      const known = knownTimes.get(dagId);
      if (known?.at === at) return /** @type {const} */ ([dagId, known.times]);
      const path = /** @type {const} */ (`dags/${segment(dagId)}/next`);
      const answer = await get(path, { count: 100 }, signal).catch(orElse(null));
      const times = answer?.next_fire_times ?? [];
      if (knownTimes.size > 10 * ROWS) knownTimes.clear();
      if (answer) knownTimes.set(dagId, { at, times });
      return /** @type {const} */ ([dagId, times]);
    }),
  );
  return new Map(entries);
}

/** @param {HTMLElement} main @param {HomeData} data @param {() => Promise<unknown>} refresh */
function draw(main, { overview, upcoming, fireTimes }, refresh) {
  if (!overview.has_dags && !overview.import_errors.length) {
    return show(main, h("h1", null, "No DAGs yet"), firstSteps());
  }
  const names = new Map([...upcoming, ...overview.dags].map((dag) => [dag.dag_id, dag.name]));
  /** @param {string} dagId */
  const nameOf = (dagId) => names.get(dagId) ?? dagId;
  const due = upcoming.filter((dag) => Date.parse(dag.next_fire_at ?? "") < Date.now() + DAY_MS);
  const room = h("div", { class: "room" });
  show(
    main,
    h("h1", { class: "unseen" }, "Home"),
    h("p", { class: "lead" }, summary(overview), nextRun(due[0])),
    h(
      "div",
      { class: "home" },
      attentionCard(overview, refresh),
      activeCard(overview, nameOf),
      upcomingCard(due),
      h(
        "section",
        { "aria-labelledby": "h-time" },
        h("div", { class: "head" }, h("h2", { id: "h-time" }, "Past and upcoming runs"), periodButtons()),
        room,
        legend(RUN_LEGEND, "◦ scheduled"),
      ),
    ),
  );
  const size = { hours: chosenHours(), rows: ROWS, width: room.clientWidth };
  room.append(timeline({ dags: overview.dags, fireTimes, nameOf }, size));
}

/** @param {Api.Overview} overview */
function summary({ failing_dags: failing, import_errors: errors, running_runs: running, waiting_runs: waiting }) {
  const problems = [
    failing ? plural(failing, "DAG needs attention", "DAGs need attention") : null,
    errors.length ? plural(errors.length, "file has errors", "files have errors") : null,
  ].filter(Boolean);
  const active = [
    running ? plural(running, "run is in progress", "runs are in progress") : "nothing is running",
    waiting ? plural(waiting, "run is waiting", "runs are waiting") : null,
  ].filter(Boolean);
  return `${problems.join(", ") || "No failures"}, ${active.join(", ")}`;
}

/** @param {Api.DagSummary | undefined} dag */
function nextRun(dag) {
  return dag ? [`. Next: ${dag.name}, `, liveTime("in", dag.next_fire_at), "."] : ".";
}

/** @param {string} title @param {...Child} children */
function card(title, ...children) {
  const element = section(title, ...children);
  element.classList.add("card");
  return element;
}

/**
 * The first items of a list, and a link to the others; `otherwise` if there are none.
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => Child} drawItem
 * @param {string} otherwise
 * @param {string} link
 */
function shortList(items, drawItem, otherwise, link) {
  if (!items.length) return empty(otherwise);
  const rest = items.length - MOST_ITEMS;
  return [
    h(
      "ul",
      { class: "list" },
      items.slice(0, MOST_ITEMS).map((item) => h("li", null, drawItem(item))),
    ),
    rest > 0 ? h("p", null, h("a", { href: link }, `and ${rest} more`)) : null,
  ];
}

/** @typedef {(dagId: string) => string} NameOf */

/** @param {Api.Overview} overview @param {() => Promise<unknown>} refresh */
function attentionCard({ failures, failing_dags: failing, import_errors: errors, warning_count: warnings }, refresh) {
  const items = [...failures.map((failure) => failureItem(failure, refresh)), ...errors.map(importErrorItem)];
  const hidden = failing - failures.length;
  return card(
    "Needs attention",
    shortList(items, (item) => item, "No open failures.", "#/dags?failing=true"),
    hidden > 0 ? h("p", { class: "quiet" }, `${plural(hidden, "more DAG", "more DAGs")} with open failures`) : null,
    warnings
      ? h("p", null, h("a", { href: "#/errors" }, plural(warnings, "DAG has warnings", "DAGs have warnings")))
      : null,
  );
}

/** @param {Api.OpenFailure} failure @param {() => Promise<unknown>} refresh */
function failureItem({ run, name, count }, refresh) {
  return [
    h("a", { href: runLink(run.run_id), "data-item": true }, name),
    run.state === "success" ? h("div", null, badge(runLook(run), runWord(run))) : null,
    runCause(run),
    h(
      "div",
      { class: "sub" },
      h("span", null, liveTime("ago", run.ended_at)),
      count > 1 ? h("span", null, `${count === MOST_OPEN ? `${count} or more` : count} open failures`) : null,
      actionButton("Acknowledge…", () => acknowledge(run, refresh), {
        id: `acknowledge-${run.run_id}`,
        class: "plain small",
        "aria-label": `Acknowledge the failure of ${name}`,
      }),
    ),
  ];
}

/** @param {Api.DagImportError} error */
function importErrorItem({ file_key: file, problems, recorded_at: since }) {
  const [first] = problems;
  return [
    h("a", { href: "#/errors", "data-item": true }, file),
    h("span", { class: "cause small" }, first ? `line ${first.line}: ${first.message}` : "cannot be read"),
    h(
      "div",
      { class: "sub" },
      h("span", null, liveTime("ago", since)),
      problems.length > 1 ? h("span", null, plural(problems.length, "problem")) : null,
    ),
  ];
}

/** What runs and what waits; a backfill's runs are one row. @param {Api.Overview} overview @param {NameOf} nameOf */
function activeCard({ runs, backfills, dags, running_runs: running, waiting_runs: waiting }, nameOf) {
  const recent = new Map(dags.map((dag) => [dag.dag_id, dag.recent_runs]));
  const items = [
    ...runs
      .filter((run) => run.state === "running")
      .map((run) => activeItem(run, recent.get(run.dag_id) ?? [], nameOf)),
    ...backfills.map(backfillItem),
    ...runs.filter((run) => run.state === "queued").map((run) => activeItem(run, [], nameOf)),
  ];
  const title = running || !waiting ? "Running now" : "Waiting";
  const counts = running && waiting ? `${running} running, ${waiting} waiting` : null;
  const list = shortList(items, (item) => item, "No runs in progress. To start one, open a DAG.", moreRuns(running));
  return card(title, counts ? h("p", { class: "quiet counts" }, counts) : null, list);
}

/** @param {number} running */
const moreRuns = (running) => (running ? "#/runs?state=running" : "#/runs?state=queued");

/** @param {Api.ActiveBackfill} backfill */
function backfillItem({ backfill_id: id, dag_id: dagId, name, running_runs: running, waiting_runs: waiting }) {
  const parts = [running ? `${running} running` : null, waiting ? `${waiting} waiting` : null].filter(Boolean);
  return [
    h(
      "div",
      { class: "row" },
      h("a", { href: dagLink(dagId, { tab: "backfill" }), "data-item": true }, name),
      badge(running ? "running" : "queued", running ? "backfill" : "backfill, waiting"),
    ),
    h("div", { class: "sub" }, h("span", null, parts.join(", ")), h("span", null, `backfill ${id}`)),
  ];
}

/** @param {Api.Run} run @param {readonly Api.RecentRun[]} recent @param {NameOf} nameOf */
function activeItem(run, recent, nameOf) {
  const typical = median(recent.filter((other) => other.state === "success").map((other) => other.duration));
  const progress = run.started_at
    ? ["for ", liveTime("since", run.started_at), typical === null ? "" : `, usually ${duration(typical)}`]
    : (firstReason(run) ?? "queued");
  return [
    h(
      "div",
      { class: "row" },
      h("a", { href: runLink(run.run_id), "data-item": true }, nameOf(run.dag_id)),
      badge(run.state),
    ),
    h("div", { class: "sub" }, h("span", null, progress), h("span", null, startedBy(run))),
  ];
}

/** @param {Api.DagSummary[]} due */
function upcomingCard(due) {
  return card("Next 24 hours", shortList(due, upcomingItem, "Nothing is scheduled in the next 24 hours.", "#/dags"));
}

/** @param {Api.DagSummary} dag */
function upcomingItem(dag) {
  return [
    h(
      "div",
      { class: "row" },
      h("a", { href: dagLink(dag.dag_id), "data-item": true }, dag.name),
      h("span", { class: "end" }, liveTime("in", dag.next_fire_at)),
    ),
    h("div", { class: "sub" }, scheduleOf(dag), h("span", null, shortTime(dag.next_fire_at))),
  ];
}

function chosenHours() {
  const hours = Number(currentRoute().query.get("hours"));
  return HOURS.includes(hours) ? hours : USUAL_HOURS;
}

function periodButtons() {
  return h(
    "div",
    { class: "row", role: "group", "aria-label": "Period" },
    HOURS.map((hours) =>
      h(
        "button",
        {
          type: "button",
          id: `span-${hours}`,
          "aria-pressed": String(hours === chosenHours()),
          onclick: () => setQuery({ hours: hours === USUAL_HOURS ? null : hours }),
        },
        `± ${hours} h`,
      ),
    ),
  );
}

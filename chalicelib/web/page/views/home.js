// The first page: one sentence, then what failed, what runs and what is due, and a timeline of all three.
import { get, orElse, segment } from "../lib/api.js";
import { empty, h, section, show } from "../lib/dom.js";
import { firstFailures, openFailures } from "../lib/failures.js";
import { duration, median, plural, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, runLink, setQuery } from "../lib/router.js";
import { actionButton } from "../lib/session.js";
import { RUN_LEGEND, isActive, startedBy } from "../lib/vocabulary.js";
import { acknowledge } from "../widgets/acknowledge.js";
import { badge, legend } from "../widgets/badge.js";
import { failureCause } from "../widgets/failure.js";
import { scheduleOf } from "../widgets/schedule.js";
import { timeline } from "../widgets/timeline.js";
import { firstReason } from "../widgets/wait-reasons.js";
import { warningsLink } from "../widgets/warnings.js";

const MOST_RUNS = 400;
const MOST_ITEMS = 8; // of a list
const ROWS = 14; // of the timeline
const HOURS = [1, 6, 24]; // before and after now
const USUAL_HOURS = 6;
const DAY_MS = 86_400_000;

/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {import("../lib/failures.js").OpenFailure} OpenFailure */
/**
 * @typedef {object} HomeData
 * @property {Api.Run[]} runs
 * @property {Api.DagSummary[]} dags
 * @property {Api.DagSummary[]} upcoming by their next fire time
 * @property {Map<string, string[]>} fireTimes the next ones, by DAG
 * @property {Api.DagImportError[]} importErrors
 * @property {Api.TaskInstance[]} failedTasks
 */

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const { signal } = context;
  /** @type {HomeData} */
  let data = { runs: [], dags: [], upcoming: [], fireTimes: new Map(), importErrors: [], failedTasks: [] };
  /** @type {HomeData | null} */
  let drawn = null;
  const refreshDags = async () => {
    const [{ dags }, { dags: upcoming }] = await Promise.all([
      get("dags", { limit: 500 }, signal),
      get("upcoming", { limit: 200 }, signal),
    ]);
    data = { ...data, dags, upcoming, fireTimes: await nextFireTimes(upcoming, signal) };
  };
  const refreshRuns = async () => {
    const { runs } = await get("runs", { limit: MOST_RUNS }, signal);
    const { import_errors: importErrors } = await get("import_errors", { limit: 20 }, signal);
    if (runs !== data.runs) {
      const { task_instances: failedTasks } = await get("task_instances", { state: "failed", limit: 200 }, signal);
      data = { ...data, failedTasks };
    }
    data = { ...data, runs, importErrors };
    if (!drawn || isChanged(drawn, data)) redraw();
  };
  const redraw = () => {
    drawn = data;
    draw(main, data, refreshRuns);
  };
  context.onQuery = () => {
    if (drawn) redraw();
  };
  await context.poll(30, refreshDags);
  await context.poll(2, refreshRuns);
}

/** @param {HomeData} before @param {HomeData} after */
function isChanged(before, after) {
  const names = /** @type {(keyof HomeData)[]} */ (Object.keys(after));
  return names.some((name) => before[name] !== after[name]);
}

/** Of the DAGs that are due first. @param {Api.DagSummary[]} upcoming @param {AbortSignal} signal */
async function nextFireTimes(upcoming, signal) {
  const answers = await Promise.all(
    upcoming.slice(0, ROWS).map((dag) => {
      const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/next`);
      return get(path, { count: 100 }, signal).catch(orElse(null));
    }),
  );
  return new Map(answers.flatMap((answer) => (answer ? [[answer.dag_id, answer.next_fire_times]] : [])));
}

/** @param {HTMLElement} main @param {HomeData} data @param {() => Promise<unknown>} refresh */
function draw(main, data, refresh) {
  const { runs, upcoming, importErrors } = data;
  const dags = [...data.dags, ...upcoming];
  if (!dags.length && !runs.length && !importErrors.length) {
    return show(main, h("h1", null, "No DAGs yet"), firstSteps());
  }
  const names = new Map(dags.map((dag) => [dag.dag_id, dag.name]));
  /** @param {string} dagId */
  const nameOf = (dagId) => names.get(dagId) ?? dagId;
  const failures = openFailures(runs);
  const active = runs.filter((run) => isActive(run.state));
  const due = upcoming.filter((dag) => Date.parse(dag.next_fire_at ?? "") < Date.now() + DAY_MS);
  const room = h("div", { class: "room" });
  show(
    main,
    h("h1", { class: "unseen" }, "Home"),
    h("p", { class: "lead" }, summary(failures.length, importErrors.length, active.length), nextRun(due[0])),
    h(
      "div",
      { class: "home" },
      attentionCard(data, failures, nameOf, refresh),
      runningCard(runs, active, nameOf),
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
  room.append(timeline({ runs, dags, fireTimes: data.fireTimes, failures }, size));
}

/** @param {number} failures @param {number} importErrors @param {number} active */
function summary(failures, importErrors, active) {
  const problems = [
    failures ? plural(failures, "DAG needs attention", "DAGs need attention") : null,
    importErrors ? plural(importErrors, "file has errors", "files have errors") : null,
  ].filter(Boolean);
  const running = active ? plural(active, "run is in progress", "runs are in progress") : "nothing is running";
  return `${problems.join(", ") || "No failures"}, ${running}`;
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

/** @param {HomeData} data @param {OpenFailure[]} failures @param {NameOf} nameOf @param {() => Promise<unknown>} refresh */
function attentionCard({ importErrors, failedTasks, dags }, failures, nameOf, refresh) {
  const tasks = firstFailures(failedTasks);
  const items = [
    ...failures.map((failure) => failureItem(failure, tasks.get(failure.run.run_id), nameOf, refresh)),
    ...importErrors.map(importErrorItem),
  ];
  const link = "#/runs?state=failed&acknowledged=false";
  return card(
    "Needs attention",
    shortList(items, (item) => item, "No open failures.", link),
    warningsLink(dags),
  );
}

/** @param {OpenFailure} failure @param {Api.TaskInstance | undefined} task @param {NameOf} nameOf @param {() => Promise<unknown>} refresh */
function failureItem({ run, count }, task, nameOf, refresh) {
  return [
    h("a", { href: runLink(run.run_id), "data-item": true }, nameOf(run.dag_id)),
    task ? failureCause(task) : h("span", { class: "cause small" }, run.reason || "failed"),
    h(
      "div",
      { class: "sub" },
      h("span", null, liveTime("ago", run.ended_at)),
      count > 1 ? h("span", null, `${count} open failures`) : null,
      actionButton("Acknowledge…", () => acknowledge(run, refresh), {
        id: `acknowledge-${run.run_id}`,
        class: "plain small",
        "aria-label": `Acknowledge the failure of ${nameOf(run.dag_id)}`,
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

/** @param {Api.Run[]} runs @param {Api.Run[]} active @param {NameOf} nameOf */
function runningCard(runs, active, nameOf) {
  const otherwise = "No runs in progress. To start one, open a DAG.";
  return card(
    "Running now",
    shortList(active, (run) => runningItem(run, runs, nameOf), otherwise, "#/runs?state=running"),
  );
}

/** @param {Api.Run} run @param {Api.Run[]} runs @param {NameOf} nameOf */
function runningItem(run, runs, nameOf) {
  const successful = runs.filter((other) => other.dag_id === run.dag_id && other.state === "success");
  const typical = median(successful.map((other) => other.duration));
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

function firstSteps() {
  return empty(
    "Copy a DAG file to the dags bucket, and it appears here within seconds. With ",
    h("code", null, "chalice local"),
    ", the files in the examples folder are loaded at the start. Files with errors are listed under ",
    h("a", { href: "#/errors" }, "Import errors"),
    ".",
  );
}

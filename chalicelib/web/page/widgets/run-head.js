// The head of a run: its state, its times, its params, what it waits for, and why it failed.
import { errorText, h, show } from "../lib/dom.js";
import { firstFailures, taskName } from "../lib/failures.js";
import { dollars, duration, plural, shortTime } from "../lib/format.js";
import { displayed } from "../lib/json.js";
import { liveTime } from "../lib/live-time.js";
import { dagLink } from "../lib/router.js";
import { isActive, isFinal, runLook, runWord, startedBy } from "../lib/vocabulary.js";
import { badge } from "./badge.js";
import { failureCause } from "./failure.js";
import { runButtons } from "./run-actions.js";
import { allReasons } from "./wait-reasons.js";

const MOST_NAMES = 5;
const MOST_LETTERS = 160; // of a text that is shown as a whole

/** @typedef {import("../lib/dom.js").Child} Child */

/**
 * @typedef {object} RunHead
 * @property {Api.RunDetail} run
 * @property {Api.TaskInstance[]} tasks
 * @property {{ name: string, version: number | null }} dag version: whose tasks are shown; null if the DAG is gone
 * @property {number | null} typicalSeconds
 */

/** @param {HTMLElement} head @param {RunHead} data @param {() => Promise<unknown>} refresh */
export function drawRunHead(head, data, refresh) {
  const { run, tasks, dag } = data;
  show(
    head,
    h("h1", null, h("a", { href: dagLink(run.dag_id) }, dag.name), `, ${shortTime(run.logical_date)}`),
    h("div", { class: "facts" }, facts(data)),
    h("div", { class: "why" }, failure(run, tasks), allReasons(run)),
    h("div", { class: "row actions" }, runButtons(run, tasks, refresh)),
    about(data),
  );
}

/** What people wrote about the run. @param {RunHead} data */
function about({ run, dag }) {
  const isOther = dag.version !== null && dag.version !== run.version;
  const gone = `Version ${run.version} is no longer kept: the graph is that of version ${dag.version}.`;
  return h(
    "div",
    { class: "about" },
    isOther ? h("p", { class: "quiet" }, gone) : null,
    run.note ? folded("note", [h("span", { class: "quiet" }, "Note: "), run.note], run.note.length) : null,
    paramLine(run.params),
    acknowledgement(run),
  );
}

/** A line of text that is unfolded if it is long. @param {string} id @param {Child[]} text @param {number} letters */
function folded(id, text, letters) {
  if (letters < MOST_LETTERS) return h("p", { class: "note" }, text);
  return h("details", { id: `run-${id}`, class: "note" }, h("summary", null, h("span", null, text)));
}

/** @param {RunHead} data */
function facts({ run, tasks, typicalSeconds }) {
  const done = tasks.filter((task) => isFinal(task.state)).length;
  const usually = typicalSeconds === null ? "" : `, usually ${duration(typicalSeconds)}`;
  return [
    badge(runLook(run), run.stopping ? "stopping" : runWord(run)),
    isActive(run.state) ? h("span", null, `${done} of ${plural(tasks.length, "task")} done`) : null,
    run.started_at
      ? h("span", null, "started ", liveTime("ago", run.started_at), ` ${startedBy(run)}`)
      : h("span", null, `created ${startedBy(run)}`),
    h("span", null, timeTaken(run), usually),
    run.cost.requests
      ? h("span", { title: `${run.cost.gb_seconds} GB-seconds; ${run.cost.prices}` }, `cost ${dollars(run.cost)}`)
      : null,
    versionLinks(run),
  ];
}

/** @param {Api.Run} run */
function timeTaken(run) {
  if (run.duration !== null) return `took ${duration(run.duration)}`;
  return run.started_at ? ["for ", liveTime("since", run.started_at)] : null;
}

/** @param {Api.RunDetail} run */
function versionLinks(run) {
  const { latest_version: latest } = run;
  /** @param {import("../lib/router.js").Query} query @param {string} text */
  const link = (query, text) => h("a", { href: dagLink(run.dag_id, { tab: "source", ...query }) }, text);
  const own = link({ version: run.version }, `version ${run.version}`);
  if (latest === run.version) return h("span", null, own);
  return h(
    "span",
    null,
    own,
    " (",
    link({ version: latest, against: run.version }, `latest is version ${latest}`),
    ")",
  );
}

/** @param {Api.RunDetail["params"]} params */
function paramLine(params) {
  const texts = Object.entries(params).map(([name, value]) => `${name}=${displayed(value)}`);
  if (!texts.length) return null;
  const items = texts.map((text, i) => [i ? ", " : "", h("code", null, text)]);
  return folded("params", [h("span", { class: "quiet" }, "Params: "), items], texts.join(", ").length);
}

/** @param {Api.Run} run */
function acknowledgement(run) {
  if (!run.acknowledged_at) return null;
  const note = run.acknowledged_note ?? "";
  const when = liveTime("ago", run.acknowledged_at);
  const text = [`Acknowledged by ${run.acknowledged_by} `, when, note ? `: ${note}` : ""];
  return folded("acknowledgement", [h("span", { class: "quiet" }, text)], note.length);
}

/** @param {Api.Run} run @param {Api.TaskInstance[]} tasks */
function failure(run, tasks) {
  const first = firstFailures(tasks).get(run.run_id);
  if (!first) return run.state === "failed" ? errorText(run.reason || "failed") : null;
  const others = tasks.filter((task) => task.state === "failed" && task !== first);
  const names = others.slice(0, MOST_NAMES).map(taskName).join(", ");
  const more = others.length > MOST_NAMES ? ", …" : "";
  return h(
    "div",
    null,
    failureCause(first, { isSmall: false }),
    others.length ? h("p", { class: "quiet" }, `${plural(others.length, "more task")} failed: ${names}${more}`) : null,
  );
}

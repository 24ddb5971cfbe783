// The head of a run: its state, its times, its params, what it waits for, and why it failed.
import { errorText, h, show } from "../lib/dom.js";
import { firstFailures, taskName } from "../lib/failures.js";
import { dollars, duration, plural, shortTime } from "../lib/format.js";
import { displayed } from "../lib/json.js";
import { liveTime } from "../lib/live-time.js";
import { dagLink } from "../lib/router.js";
import { isActive, isFinal, startedBy } from "../lib/vocabulary.js";
import { badge } from "./badge.js";
import { failureCause } from "./failure.js";
import { runButtons } from "./run-actions.js";
import { allReasons } from "./wait-reasons.js";

const MOST_NAMES = 5;

/**
 * @typedef {object} RunHead
 * @property {Api.RunDetail} run
 * @property {Api.TaskInstance[]} tasks
 * @property {{ name: string, version: number | null }} dag version: the latest; null if the DAG is gone
 * @property {number | null} typicalSeconds
 */

/** @param {HTMLElement} head @param {RunHead} data @param {() => Promise<unknown>} refresh */
export function drawRunHead(head, data, refresh) {
  const { run, tasks, dag } = data;
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
      h("h1", null, `${dag.name}, ${shortTime(run.logical_date)}`),
      h("div", { class: "row" }, runButtons(run, tasks, refresh)),
    ),
    h("div", { class: "facts" }, facts(data)),
    run.note ? h("p", { class: "note" }, h("span", { class: "quiet" }, "Note: "), run.note) : null,
    paramLine(run.params),
    allReasons(run),
    acknowledgement(run),
    failure(run, tasks),
  );
}

/** @param {RunHead} data */
function facts({ run, tasks, dag, typicalSeconds }) {
  const done = tasks.filter((task) => isFinal(task.state)).length;
  const usually = typicalSeconds === null ? "" : `, usually ${duration(typicalSeconds)}`;
  return [
    badge(run.state, run.stopping ? "stopping" : undefined),
    isActive(run.state) ? h("span", null, `${done} of ${plural(tasks.length, "task")} done`) : null,
    run.started_at
      ? h("span", null, "started ", liveTime("ago", run.started_at), ` ${startedBy(run)}`)
      : h("span", null, `created ${startedBy(run)}`),
    h("span", null, timeTaken(run), usually),
    run.cost.requests
      ? h("span", { title: `${run.cost.gb_seconds} GB-seconds; ${run.cost.prices}` }, `cost ${dollars(run.cost)}`)
      : null,
    versionLinks(run, dag.version),
  ];
}

/** @param {Api.Run} run */
function timeTaken(run) {
  if (run.duration !== null) return `took ${duration(run.duration)}`;
  return run.started_at ? ["for ", liveTime("since", run.started_at)] : null;
}

/** @param {Api.Run} run @param {number | null} latest */
function versionLinks(run, latest) {
  /** @param {import("../lib/router.js").Query} query @param {string} text */
  const link = (query, text) => h("a", { href: dagLink(run.dag_id, { tab: "source", ...query }) }, text);
  const own = link({ version: run.version }, `version ${run.version}`);
  if (latest === null || latest === run.version) return h("span", null, own);
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
  const entries = Object.entries(params);
  if (!entries.length) return null;
  return h(
    "p",
    { class: "quiet" },
    "Params: ",
    entries.map(([name, value], i) => [i ? ", " : "", h("code", null, `${name}=${displayed(value)}`)]),
  );
}

/** @param {Api.Run} run */
function acknowledgement(run) {
  if (!run.acknowledged_at) return null;
  const note = run.acknowledged_note ? `: ${run.acknowledged_note}` : "";
  const when = liveTime("ago", run.acknowledged_at);
  return h("p", { class: "quiet note" }, `Acknowledged by ${run.acknowledged_by} `, when, note);
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

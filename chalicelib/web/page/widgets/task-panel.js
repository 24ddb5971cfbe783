// The chosen task of a run: the reason for its state, its attempts, its outputs and artifacts, its log, and what may be done.
import { get, isAbort, messageOf, segment } from "../lib/api.js";
import { button, errorText, h, select, show, table } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { bytes, duration, fullTime, shortTime } from "../lib/format.js";
import { displayed } from "../lib/json.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, setQuery } from "../lib/router.js";
import { word } from "../lib/vocabulary.js";
import { artifactTable } from "./artifacts.js";
import { badge } from "./badge.js";
import { instanceMap } from "./instance-map.js";
import { logView } from "./log.js";
import { taskButtons } from "./task-actions.js";
import { allReasons, hasOwnReason, isStarting } from "./wait-reasons.js";

const MOST_POKES = 200; // the latest, which can be chosen
const FEW_OUTPUTS = 6;

/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {{ tryNumber: number | null, poke: number | null }} Choice of the address; null for the latest */

/**
 * Answers `choose`, which shows a task, and `hasFailed`, whether it has to be called again.
 * @param {HTMLElement} box
 * @param {AbortSignal} signal aborted when the view is left
 * @param {() => unknown} changed called after somebody changed the task
 */
export function taskPanel(box, signal, changed) {
  const about = h("div", {
    class: "about-task",
    id: "about-task",
    "data-scroll": true,
    tabindex: 0,
    role: "group",
    "aria-label": "About the selected task",
  });
  const log = logView(signal);
  /** @type {string | null} */
  let shown = null;
  show(box, about, log.element);

  /** @param {Api.TaskInstance | null} task @param {Api.TaskInstance[]} instances all of that task, by their index */
  async function choose(task, instances) {
    if (!task) {
      shown = "";
      return show(about, h("h2", null, "No tasks yet"));
    }
    const choice = currentChoice();
    const key = JSON.stringify([task, choice, location.hash, instances.map(({ state }) => state)]);
    if (key === shown) return;
    shown = key;
    try {
      const path = /** @type {const} */ (`runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}`);
      const detail = await get(path, { map_index: task.map_index }, signal);
      if (key !== shown) return;
      const isOther = about.dataset.task !== taskName(detail);
      draw(about, detail, instances, choice, changed);
      about.dataset.task = taskName(detail);
      if (isOther) about.scrollTop = 0;
      log.open(detail, choice.tryNumber ?? detail.try_number, choice.poke);
    } catch (error) {
      if (!isAbort(error)) show(about, errorText(messageOf(error)));
      shown = null;
    }
  }
  return { choose, hasFailed: () => shown === null };
}

/** @returns {Choice} */
function currentChoice() {
  const { query } = currentRoute();
  const poke = query.get("poke");
  return { tryNumber: Number(query.get("try")) || null, poke: poke === null ? null : Number(poke) };
}

/**
 * @param {HTMLElement} about
 * @param {Api.TaskInstanceDetail} task
 * @param {Api.TaskInstance[]} instances
 * @param {Choice} choice
 * @param {() => unknown} changed
 */
function draw(about, task, instances, { tryNumber, poke }, changed) {
  show(
    about,
    h(
      "h2",
      { id: "task-title" },
      taskName(task),
      " ",
      badge(task.state, isStarting(task) ? "starting" : undefined),
      task.removed_at ? [" ", badge("removed")] : null,
    ),
    hasOwnReason(task) ? h("p", { class: task.state === "failed" ? "cause" : "quiet" }, task.reason) : null,
    allReasons(task),
    h("div", { class: "row actions" }, taskButtons(task, changed)),
    instanceMap(instances, task),
    factList(task, tryNumber),
    attemptButtons(task, tryNumber),
    pokeChooser(task, tryNumber ?? task.try_number, poke),
    outputTable(task),
    artifactTable(task),
  );
}

/** @param {Api.TaskInstanceDetail} task @param {number | null} tryNumber */
function factList(task, tryNumber) {
  const facts = [...timeFacts(task), ...resultFacts(task), ...definitionFacts(task, tryNumber)];
  return h(
    "dl",
    { class: "facts-list" },
    facts
      .filter(([, value]) => value)
      .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}

/** @param {Api.TaskInstanceDetail} task @returns {[string, Child][]} */
function timeFacts({ started_at: started, not_before: due, duration: took }) {
  return [
    ["Started", started && [fullTime(started), " (", liveTime("ago", started), ")"]],
    ["Starts", !started && due && [liveTime("in", due), ` (${shortTime(due)})`]],
    ["Duration", took !== null && duration(took)],
  ];
}

/** @param {Api.TaskInstanceDetail} task @returns {[string, Child][]} */
function resultFacts({ exit_code: code, reason, signal, max_rss_bytes: memory, poke }) {
  return [
    ["Exit code", code !== null && code !== 0 && !reason.includes("exit code") && String(code)],
    ["Signal", signal !== null && String(signal)],
    ["Peak memory", memory !== null && bytes(memory)],
    ["Pokes", poke > 0 && String(poke + 1)],
  ];
}

/** @param {Api.TaskInstanceDetail} task @param {number | null} tryNumber @returns {[string, Child][]} */
function definitionFacts(task, tryNumber) {
  const attempt = task.attempts.find((one) => one.try_number === tryNumber);
  const version = attempt?.version ?? task.version;
  const link = (/** @type {number} */ number) => dagLink(task.dag_id, { tab: "source", version: number });
  const item = Object.entries(task.item ?? {}).map(([name, value]) => `${name}=${displayed(value)}`);
  return [
    ["Ran with", version !== null && h("a", { href: link(version) }, `version ${version}`)],
    ["Runs on", task.place && placeText(task.place)],
    ["Pool", task.pool && `${task.pool} (${task.pool_slots})`],
    ["Item", item.join(", ")],
  ];
}

/** @param {number} memory in MB */
function memoryText(memory) {
  return memory % 512 ? `${memory} MB` : `${memory / 1024} GB`;
}

/** @param {Api.TaskPlace} place @returns {string} */
function placeText({ place, problem, image, memory_mb: memory, vcpu, usd_per_hour: price }) {
  if (place === null) return problem ?? "";
  const size = [vcpu !== null && `${vcpu} vCPU`, memory !== null && memoryText(memory)].filter(Boolean).join(", ");
  const cost = price === null ? "" : `, ${price.toPrecision(2)} USD an hour`;
  return `${place}${size && ` (${size})`}${image ? ` in ${image}` : ""}${cost}`;
}

/** A button for each attempt, if there is more than one. @param {Api.TaskInstanceDetail} task @param {number | null} tryNumber */
function attemptButtons(task, tryNumber) {
  const numbers = [...new Set([...task.attempts.map((attempt) => attempt.try_number), task.try_number])];
  if (Math.max(task.try_number, task.attempts.length) < 2) return null;
  return h(
    "div",
    { class: "row tries", role: "group", "aria-label": "Attempts" },
    h("span", { class: "quiet" }, "Attempts"),
    numbers
      .sort((a, b) => a - b)
      .map((number) => attemptButton(task, number, number === (tryNumber ?? task.try_number))),
  );
}

/** @param {Api.TaskInstanceDetail} task @param {number} number @param {boolean} isChosen */
function attemptButton(task, number, isChosen) {
  const attempt = task.attempts.find((one) => one.try_number === number);
  const state = attempt ? attempt.outcome : task.state;
  const version = attempt ? attempt.version : task.version;
  const label = [
    badge(state, `try ${number}`),
    version === null ? "" : h("span", { class: "quiet" }, ` version ${version}`),
    attempt?.duration ? ` ${duration(attempt.duration)}` : "",
    h("span", { class: "unseen" }, ` ${word(state)}`),
  ];
  const choose = () =>
    setQuery({ ...taskQuery(task), try: number === task.try_number ? null : number, poke: null, line: null });
  const attributes = { "aria-pressed": String(isChosen), id: `try-${number}`, title: attempt?.reason || null };
  return button(label, choose, attributes);
}

/** Each poke of a sensor has a log of its own. @param {Api.TaskInstanceDetail} task @param {number} tryNumber @param {number | null} poke */
function pokeChooser(task, tryNumber, poke) {
  const attempt = task.attempts.find((one) => one.try_number === tryNumber);
  const last = attempt ? attempt.pokes : task.poke;
  if (!last) return null;
  const pokes = Array.from({ length: Math.min(last + 1, MOST_POKES) }, (_, i) => last - i);
  const chooser = select(
    {
      id: "poke",
      onchange: () => setQuery({ ...taskQuery(task), poke: Number(chooser.value) === last ? null : chooser.value }),
    },
    pokes.map((number) => [number, String(number + 1)]),
    poke ?? last,
  );
  return h("p", null, h("label", { class: "switch" }, "Log of poke", chooser), ` of ${last + 1}`);
}

/** @param {Api.TaskInstanceDetail} task */
function outputTable(task) {
  const outputs = Object.entries(task.outputs);
  if (!outputs.length) return null;
  const rows = outputs.map(([name, value]) => [name, h("pre", null, displayed(value, 2))]);
  return h(
    "details",
    { id: "outputs", open: outputs.length < FEW_OUTPUTS },
    h("summary", null, "Outputs"),
    table("Outputs", ["Name", "Value"], rows),
  );
}

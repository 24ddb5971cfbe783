// The log of an attempt, live, with its tools: search, first error, download.
import { button, h } from "../lib/dom.js";
import { copyText } from "../lib/clipboard.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { plural } from "../lib/format.js";
import { logParts } from "../lib/log-parts.js";
import { withoutColours } from "../lib/log-text.js";
import { currentRoute, hrefTo, runLink } from "../lib/router.js";
import { LogLines } from "./log-lines.js";
import { LogSearch } from "./log-search.js";

const DOWNLOAD_MS = 10_000; // after which the browser has read the file

/**
 * The widget's element, and `open`, which shows the log of an attempt. Opening the one that is shown changes nothing.
 * @param {AbortSignal} signal aborted when the view is left
 */
export function logView(signal) {
  const log = new LogLines();
  const status = h("span", { class: "quiet", role: "status", id: "log-status" });
  const search = new LogSearch(log, (text) => {
    status.textContent = text;
  });
  const find = findField(search);
  let stop = new AbortController();
  let shown = "";
  let fileName = "log";
  let line = 0; // that a link names; 0 for none
  const all = h("a", { href: "#/", id: "all-logs" }, "All logs of this run");
  /** @type {Api.TaskInstanceDetail | null} as it was last fetched: it may have failed since its log was opened */
  let task = null;

  signal.addEventListener("abort", () => stop.abort());

  /**
   * @param {Api.TaskInstanceDetail} current
   * @param {number} tryNumber 0 before the first attempt
   * @param {number | null} poke of a sensor; null for the latest
   */
  async function open(current, tryNumber, poke) {
    const { run_id, task_id, map_index } = current;
    const key = `${run_id} ${task_id} ${map_index} ${tryNumber} ${poke ?? latestPoke(current)}`;
    task = current;
    line = lineOfAddress(tryNumber);
    if (key === shown) {
      if (line) log.point(line);
      return;
    }
    shown = key;
    log.hrefOf = (number) => runLink(run_id, { ...taskQuery(current), try: tryNumber, poke, line: number });
    all.href = hrefTo(["logs", run_id]);
    stop.abort();
    stop = new AbortController();
    fileName = `${run_id}.${taskName(current)}.${tryNumber}.log`;
    log.clear();
    search.reset();
    status.textContent = tryNumber ? "Loading…" : "Not started yet, so there is no log.";
    if (tryNumber) await follow(current, { try_number: tryNumber, poke }, stop.signal);
  }

  /**
   * @param {Api.TaskInstanceDetail} current
   * @param {import("../lib/log-parts.js").LogKey} key
   * @param {AbortSignal} left
   */
  async function follow(current, key, left) {
    for await (const part of logParts(current, key, left)) {
      await log.append(part.lines, left);
      if (left.aborted) return;
      status.textContent = part.error ?? lengthText(log.texts.length, part.isComplete);
      if (part.isComplete && !part.error) return showEnd();
      if (part.isFirst && !line) log.scrollToEnd();
    }
  }

  async function showEnd() {
    await search.find(find.value);
    if (line && log.point(line)) return;
    const hasFailed = task?.state === "failed" || task?.attempts.some((attempt) => attempt.outcome === "failed");
    if (hasFailed && !(await search.showFirstError())) log.scrollToEnd();
  }

  const tools = logTools(log, search, find, status, () => fileName);
  const head = h("div", { class: "row" }, h("h3", null, "Log"), status, all);
  return {
    element: h("section", { "aria-label": "Log" }, head, h("div", { class: "row" }, tools), log.element),
    open,
  };
}

/**
 * @param {LogLines} log
 * @param {LogSearch} search
 * @param {HTMLElement} find
 * @param {HTMLElement} status
 * @param {() => string} fileName of a download
 */
function logTools(log, search, find, status, fileName) {
  const firstError = async () => {
    if (!(await search.showFirstError())) status.textContent = "No line looks like an error";
  };
  const copy = () => copyText(log.texts.map(withoutColours).join("\n"), "The log is copied");
  return [
    find,
    button("↑", () => search.move(-1), { "aria-label": "Previous match" }),
    button("↓", () => search.move(1), { "aria-label": "Next match" }),
    toggle("Wrap", true, (isOn) => log.element.classList.toggle("wrap", isOn)),
    toggle("Timestamps", true, (isOn) => log.element.classList.toggle("bare", !isOn)),
    button("First error", firstError, { id: "first-error" }),
    button("End", () => log.scrollToEnd(), { id: "to-end" }),
    button("Copy", copy, { id: "copy-log" }),
    button("Download", () => download(fileName(), log.texts), { id: "download" }),
  ];
}

/** Whose line, of this attempt, the address names; 0 for none. @param {number} tryNumber */
function lineOfAddress(tryNumber) {
  const { query } = currentRoute();
  return Number(query.get("try")) === tryNumber ? Number(query.get("line")) : 0;
}

/** Names the latest poke that has begun: a sensor that waits has counted the next one already. @param {Api.TaskInstance} task */
const latestPoke = ({ poke, state }) => `latest ${poke} ${state === "up_for_reschedule" ? "waits" : "began"}`;

/** @param {number} lines @param {boolean} isComplete */
function lengthText(lines, isComplete) {
  if (!isComplete) return `${plural(lines, "line")}, live`;
  return lines ? plural(lines, "line") : "The log is empty.";
}

/** @param {LogSearch} search */
function findField(search) {
  const input = h("input", {
    type: "search",
    id: "find",
    placeholder: "Search log",
    "aria-label": "Search log",
    oninput: () => search.find(input.value),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") search.move(event.shiftKey ? -1 : 1);
    },
  });
  return input;
}

/**
 * A button that switches something on and off.
 * @param {string} label
 * @param {boolean} isOn at first
 * @param {(isOn: boolean) => void} change
 */
function toggle(label, isOn, change) {
  const element = button(
    label,
    () => {
      const isNowOn = element.getAttribute("aria-pressed") !== "true";
      element.setAttribute("aria-pressed", String(isNowOn));
      change(isNowOn);
    },
    { "aria-pressed": String(isOn) },
  );
  return element;
}

/** @param {string} fileName @param {readonly string[]} lines */
function download(fileName, lines) {
  const address = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "text/plain" }));
  h("a", { href: address, download: fileName }).click();
  setTimeout(() => URL.revokeObjectURL(address), DOWNLOAD_MS);
}

// All logs of a run as one stream, in the order of time, and a search through them.
import { createPainter } from "../lib/ansi.js";
import { get, segment } from "../lib/api.js";
import { copyText } from "../lib/clipboard.js";
import { button, empty, h, searchField, show } from "../lib/dom.js";
import { taskName, taskQuery } from "../lib/failures.js";
import { plural } from "../lib/format.js";
import { localClock, splitStamp, withoutColours } from "../lib/log-text.js";
import { currentRoute, runLink, setQuery } from "../lib/router.js";

const MOST_LINES = 10_000;
const MOST_PAGES = 40;
const BLOCK = 500;

/** @typedef {{ name: string, href: string, text: string, stamp: string }} Line */
/** @typedef {{ lines: Line[], isCut: boolean, isComplete: boolean }} Stream */

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const [runId] = context.args;
  const log = h("div", {
    class: "log wrap",
    id: "log",
    tabindex: 0,
    role: "log",
    "aria-label": "Logs",
    "aria-live": "off",
  });
  const status = h("span", { class: "quiet", role: "status" });
  /** @type {Stream | null} */
  let stream = null;
  let shown = "";
  const load = async () => {
    const search = currentRoute().query.get("search") ?? "";
    if (stream?.isComplete && shown === search) return;
    const found = await read(runId, search, context.signal);
    const isSame = shown === search && stream?.lines.length === found.lines.length;
    [stream, shown] = [found, search];
    status.textContent = statusText(found, search);
    if (!isSame) await draw(log, found.lines, context.signal);
  };
  const find = searchField(
    {
      id: "find",
      placeholder: "Search all logs  ( / )",
      "aria-label": "Search all logs",
      value: currentRoute().query.get("search") ?? "",
    },
    (text) => setQuery({ search: text }),
  );
  const copy = () =>
    copyText((stream?.lines ?? []).map(({ name, text }) => `${name} | ${withoutColours(text)}`).join("\n"));
  show(
    main,
    h("p", { class: "crumbs" }, h("a", { href: runLink(runId) }, runId)),
    h("h1", null, "All logs of this run"),
    h("div", { class: "row" }, find, button("Copy", copy, { id: "copy-log" }), status),
    log,
  );
  context.setTitle(`Logs of ${runId}`);
  context.onQuery = () => load().catch(() => {}); // the next poll tells what is wrong
  await context.every(5, load);
}

/** @param {Stream} stream @param {string} search */
function statusText({ lines, isCut, isComplete }, search) {
  const rest = isCut ? "; the first ones" : isComplete ? "" : ", live";
  return `${plural(lines.length, search ? "matching line" : "line")}${rest}`;
}

/** Lines of all attempts by their times. @param {string} runId @param {string} search @param {AbortSignal} signal @returns {Promise<Stream>} */
async function read(runId, search, signal) {
  /** @type {Line[]} */
  const lines = [];
  let [cursor, pages] = [/** @type {string | null} */ (null), 0];
  /** @type {boolean} */
  let isComplete;
  do {
    const path = /** @type {const} */ (`runs/${segment(runId)}/logs`);
    /** @type {Api.RunLogs} */
    const page = await get(path, { search, cursor }, signal);
    for (const part of page.parts) lines.push(...linesOf(runId, part));
    [cursor, isComplete] = [page.next_cursor, page.complete];
    pages += 1;
  } while (cursor && lines.length < MOST_LINES && pages < MOST_PAGES);
  return {
    lines: inOrder(lines.slice(0, MOST_LINES)),
    isCut: Boolean(cursor) || lines.length > MOST_LINES,
    isComplete,
  };
}

/** @param {string} runId @param {Api.LogLines} part @returns {Line[]} */
function linesOf(runId, part) {
  const tries = part.try_number > 1 ? ` try ${part.try_number}` : "";
  const query = { ...taskQuery(part), try: part.try_number };
  let last = ""; // a line without a time belongs to the one before it
  return part.lines.map(({ number, text }) => {
    last = splitStamp(text).stamp || last;
    return { name: `${taskName(part)}${tries}`, href: runLink(runId, { ...query, line: number }), text, stamp: last };
  });
}

/** By time; of the same time, as they came. @param {Line[]} lines */
const inOrder = (lines) => lines.sort((a, b) => (a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0));

/** @param {HTMLElement} log @param {Line[]} lines @param {AbortSignal} signal */
async function draw(log, lines, signal) {
  if (!lines.length) return show(log, empty("No lines."));
  const painter = createPainter();
  const top = log.scrollTop;
  /** @type {HTMLElement[]} */
  const blocks = [];
  for (let from = 0; from < lines.length; from += BLOCK) {
    const some = lines.slice(from, from + BLOCK);
    await painter.prepare(some.map(({ text }) => text));
    if (signal.aborted) return;
    blocks.push(
      h(
        "div",
        { class: "block" },
        some.map((line) => lineNode(line, painter)),
      ),
    );
    await new Promise((resolve) => {
      requestAnimationFrame(resolve);
    });
  }
  show(log, blocks);
  log.scrollTop = top;
}

/** @param {Line} line @param {import("../lib/ansi.js").Painter} painter */
function lineNode({ name, href, text }, painter) {
  const { stamp, text: own } = splitStamp(text);
  return h(
    "div",
    { class: "line" },
    h("a", { class: "from", href }, name),
    stamp ? h("span", { class: "at" }, localClock(stamp)) : null,
    painter.paint(own),
  );
}

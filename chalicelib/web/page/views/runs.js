// The runs of all DAGs, newest first, each failure with its cause; and what can be done to many of them at once.
import { get } from "../lib/api.js";
import { button, empty, h, show, table } from "../lib/dom.js";
import { duration, plural, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, runLink, setQuery } from "../lib/router.js";
import { runLook, runWord, startedBy } from "../lib/vocabulary.js";
import { badge } from "../widgets/badge.js";
import { failureCause } from "../widgets/failure.js";
import { chosenFilters, hasFilters, runFilters } from "../widgets/run-filters.js";
import { RunSelection } from "../widgets/run-selection.js";
import { firstReason } from "../widgets/wait-reasons.js";

const STEP = 50;
const MOST = 500;
const PAGES = 5; // of a search that finds little, before somebody asks to look further
const SEARCH_MS = 30_000; // between two looks at what takes several requests

/** @typedef {{ runs: Api.Run[], isCut: boolean, pages: number }} Found isCut: there may be more */

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  const filters = runFilters(context.signal);
  const selection = new RunSelection(() => load(true));
  /** @type {Found | null} */
  let last = null;
  let [lastQuery, lastAt, depth] = ["", 0, 1];
  const load = async (isWanted = false) => {
    const query = currentRoute().query.toString();
    if (query !== lastQuery) depth = 1;
    const isCostly = last && last.pages > 1 && query === lastQuery && Date.now() - lastAt < SEARCH_MS;
    if (isCostly && !isWanted) return;
    const found = await find(limitNow(), depth * PAGES, context.signal);
    if (query !== currentRoute().query.toString()) return;
    const isSame = last && query === lastQuery && isEqual(last, found);
    [last, lastQuery, lastAt] = [found, query, Date.now()];
    if (isSame) return;
    selection.show(found.runs);
    draw(list, found, selection, deeper);
  };
  const deeper = () => {
    depth += 1;
    return load(true);
  };
  show(main, h("h1", null, "Runs"), filters.element, selection.element, list);
  context.onQuery = () => {
    filters.refresh();
    return load(true).catch(() => {}); // the next poll tells what is wrong
  };
  await context.poll(2, load);
}

const limitNow = () => Math.min(MOST, Number(currentRoute().query.get("show")) || STEP);

/** @param {Found} before @param {Found} after */
function isEqual(before, after) {
  return (
    before.isCut === after.isCut &&
    before.runs.length === after.runs.length &&
    before.runs.every((run, i) => run === after.runs[i])
  );
}

/**
 * Runs that fit the filters. A page may be short although more runs follow.
 * @param {number} limit
 * @param {number} mostPages
 * @param {AbortSignal} signal
 * @returns {Promise<Found>}
 */
async function find(limit, mostPages, signal) {
  /** @type {Api.Run[]} */
  const runs = [];
  let [cursor, pages] = [/** @type {string | null} */ (null), 0];
  do {
    const query = { ...chosenFilters(), limit: limit - runs.length, cursor };
    /** @type {Api.RunList} */
    const page = await get("runs", query, signal);
    runs.push(...page.runs);
    cursor = page.next_cursor;
    pages += 1;
  } while (cursor && runs.length < limit && pages < mostPages);
  return { runs, isCut: Boolean(cursor), pages };
}

/** @param {HTMLElement} list @param {Found} found @param {RunSelection} selection @param {() => unknown} deeper */
function draw(list, { runs, isCut }, selection, deeper) {
  const limit = limitNow();
  const isFull = runs.length >= limit;
  const more = button("Show more", () => setQuery({ show: Math.min(MOST, limit * 2) }), { id: "more" });
  const further = [
    h("span", { class: "quiet" }, `${plural(runs.length, "match", "matches")} among the runs searched so far. `),
    button("Search older runs", deeper, { id: "deeper" }),
  ];
  const next = isFull ? (limit < MOST ? more : h("span", { class: "quiet" }, narrower())) : further;
  show(
    list,
    runs.length ? runTable(runs, selection) : isCut ? null : empty(nothing()),
    isCut ? h("p", { class: "more" }, next) : null,
  );
}

const narrower = () => `These are the newest ${MOST}. Use a filter to see others.`;
const nothing = () =>
  hasFilters() ? "No run matches these filters." : "There are no runs yet. To start one, open a DAG.";

/** @param {Api.Run[]} runs @param {RunSelection} selection */
function runTable(runs, selection) {
  return table(
    "Runs",
    ["Select", "Logical date", "DAG", "State", "Started by", "Started", "Duration"],
    runs.map((run) => [selection.box(run), ...cells(run)]),
    "stack tight selectable",
  );
}

/** @param {Api.Run} run */
function cells(run) {
  return [
    [
      h("a", { href: runLink(run.run_id), "data-item": true }, shortTime(run.logical_date)),
      run.note ? h("div", { class: "quiet note" }, run.note) : null,
    ],
    h("a", { href: dagLink(run.dag_id) }, run.dag_id),
    [
      badge(runLook(run), runWord(run)),
      run.cause && run.ended_at ? failureCause({ ...run.cause, run_id: run.run_id }) : null,
      run.state === "failed" && !run.cause && run.reason ? h("span", { class: "cause small" }, run.reason) : null,
      run.waiting_for?.length ? h("div", { class: "quiet reason" }, firstReason(run)) : null,
      run.acknowledged_at ? h("div", { class: "quiet" }, `acknowledged by ${run.acknowledged_by}`) : null,
    ],
    startedBy(run),
    run.started_at ? liveTime("ago", run.started_at) : "not started",
    run.duration !== null ? duration(run.duration) : liveTime("since", run.started_at),
  ];
}

// All DAGs: those that need attention first, then those that run, those that are due, and the rest.
import { get, messageOf, orElse, segment, send } from "../lib/api.js";
import { button, empty, h, notify, show, table } from "../lib/dom.js";
import { openFailures } from "../lib/failures.js";
import { fullTime, ownZone, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, hrefTo, setQuery } from "../lib/router.js";
import { actionButton, isOperator, readOnlyReason } from "../lib/session.js";
import { isActive } from "../lib/vocabulary.js";
import { badge } from "../widgets/badge.js";
import { dagFilters } from "../widgets/dag-filters.js";
import { runBars } from "../widgets/run-bars.js";
import { openRunForm } from "../widgets/run-form.js";
import { scheduleOf } from "../widgets/schedule.js";

const PAGE = 100;
const MOST_FAR = 20;
const FAR_MS = 60_000;

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {() => Promise<unknown>} Reload */
/** @typedef {{ dag: Api.DagSummary, runs: Api.Run[], failure: Api.Run | undefined }} Entry failure: the latest, if nobody has dealt with it */
/** @typedef {{ page: Api.DagList, recent: Api.RunList, far: Api.DagSummary[] }} ListData far: DAGs with failures that stand on later pages */

/** @type {Map<string, { at: number, dag: Api.DagSummary }>} to fetch one DAG costs the API more than one of a list */
const farKnown = new Map();

/** @param {HTMLElement} main @param {ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  const filters = dagFilters(context, () => load());
  /** @type {ListData | null} */
  let data = null;
  let requests = 0;
  const load = async () => {
    requests += 1;
    const mine = requests;
    const cursor = currentRoute().query.get("from");
    const [page, recent] = await Promise.all([
      get("dags", { limit: PAGE, ...filters.filters(), cursor }, context.signal),
      get("runs", { limit: 500 }, context.signal),
    ]);
    const isFirstOfAll = page.next_cursor && !filters.isAny() && !cursor;
    const far = isFirstOfAll ? await farFailures(page, recent, context.signal) : [];
    const before = data;
    const isSame = page === before?.page && recent === before.recent && far.every((dag, i) => dag === before.far[i]);
    if (mine !== requests || isSame) return;
    data = { page, recent, far };
    draw(list, data, load);
  };
  show(main, h("h1", null, "DAGs"), filters.element, list);
  context.onQuery = () => {
    filters.refresh();
    load().catch(() => {}); // the next poll tells what is wrong
  };
  await context.poll(4, load);
}

/** The DAGs with open failures that are not on this page. @param {Api.DagList} page @param {Api.RunList} recent @param {AbortSignal} signal */
async function farFailures(page, recent, signal) {
  const shown = new Set(page.dags.map((dag) => dag.dag_id));
  const ids = openFailures(recent.runs)
    .map(({ run }) => run.dag_id)
    .filter((dagId) => !shown.has(dagId));
  const dags = await Promise.all(ids.slice(0, MOST_FAR).map((dagId) => farDag(dagId, signal)));
  return dags.filter((dag) => dag !== null).filter((dag) => !dag.removed_at);
}

/** @param {string} dagId @param {AbortSignal} signal @returns {Promise<Api.DagSummary | null>} */
async function farDag(dagId, signal) {
  const known = farKnown.get(dagId);
  if (known && Date.now() - known.at < FAR_MS) return known.dag;
  /** @type {Api.DagDetail | null} */
  const dag = await get(/** @type {const} */ (`dags/${segment(dagId)}`), {}, signal).catch(orElse(null));
  if (farKnown.size > 10 * MOST_FAR) farKnown.clear();
  if (dag) farKnown.set(dagId, { at: Date.now(), dag });
  return dag;
}

/** @param {HTMLElement} list @param {ListData} data @param {Reload} reload */
function draw(list, { page, recent, far }, reload) {
  const runs = Map.groupBy(recent.runs, (run) => run.dag_id);
  const failures = new Map(openFailures(recent.runs).map(({ run }) => [run.dag_id, run]));
  const entries = [...far, ...page.dags].map((dag) => ({
    dag,
    runs: runs.get(dag.dag_id) ?? [],
    failure: failures.get(dag.dag_id),
  }));
  if (!entries.length) return show(list, nothing());
  entries.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.dag.next_fire_at ?? "~").localeCompare(b.dag.next_fire_at ?? "~") ||
      a.dag.name.localeCompare(b.dag.name),
  );
  show(
    list,
    h("p", { class: "quiet" }, summary(page, far)),
    table(
      "DAGs",
      ["DAG", "Last run", "Schedule", "Next run", "Latest runs", ""],
      entries.map((entry) => cells(entry, reload)),
      "stack",
    ),
    pager(page),
  );
}

/** @param {Api.DagList} page @param {Api.DagSummary[]} far */
function summary(page, far) {
  const isAll = !page.next_cursor && !currentRoute().query.get("from");
  if (isAll) return `${page.dags.length} in total. Those that need attention come first.`;
  const [first, last] = [page.dags[0]?.dag_id, page.dags.at(-1)?.dag_id];
  const more = far.length ? ", and all that need attention" : "";
  return `${page.dags.length} in alphabetical order, from ${first} to ${last}${more}. Use the search to find others.`;
}

/** @param {Api.DagList} page */
function pager(page) {
  const isLater = currentRoute().query.get("from");
  if (!isLater && !page.next_cursor) return null;
  /** @param {string} label @param {string | null} from @param {string} id */
  const turn = (label, from, id) =>
    button(
      label,
      () => {
        setQuery({ from }, { isStep: true });
        scrollTo(0, 0);
      },
      { id },
    );
  return h(
    "p",
    { class: "row" },
    isLater ? turn("First page", null, "first-page") : null,
    page.next_cursor ? turn("Next page", page.next_cursor, "next-page") : null,
  );
}

function nothing() {
  if (!currentRoute().query.size) {
    return empty("There are no DAGs yet. Copy a DAG file to the dags bucket, and it appears here within seconds.");
  }
  const showAll = () => {
    location.hash = hrefTo(["dags"]);
  };
  return empty("No DAG matches these filters. ", button("Show all", showAll));
}

/** @param {Entry} entry */
function rank({ dag, runs, failure }) {
  if (failure) return 0;
  if (runs.some((run) => isActive(run.state))) return 1;
  if (dag.is_paused) return 4;
  return dag.next_fire_at ? 2 : 3;
}

/** @param {Entry} entry @param {Reload} reload */
function cells(entry, reload) {
  const { dag, runs } = entry;
  const run = actionButton("Run…", () => openRunForm(dag.dag_id), {
    id: `run-${dag.dag_id}`,
    "aria-label": `Run ${dag.name}`,
  });
  return [
    nameCell(dag),
    lastRunCell(entry),
    scheduleOf(dag),
    dag.is_paused
      ? [badge("paused"), dag.paused_reason ? h("div", { class: "quiet" }, dag.paused_reason) : null]
      : nextRunCell(dag),
    runs.length ? runBars(runs) : h("span", { class: "quiet" }, "none recently"),
    h("div", { class: "row fixed" }, dag.schedule.length ? scheduleSwitch(dag, reload) : null, run),
  ];
}

/** @param {Api.DagSummary} dag */
function nameCell(dag) {
  return [
    h("a", { href: dagLink(dag.dag_id), "data-item": true }, dag.name),
    dag.problem ? [" ", h("span", { class: "bad", title: dag.problem }, "has a problem")] : null,
    dag.has_import_error ? [" ", h("a", { class: "bad", href: "#/errors" }, "file has errors")] : null,
    h(
      "div",
      { class: "quiet" },
      dag.tags.map((tag) => [h("a", { class: "tag", href: hrefTo(["dags"], { tag }) }, tag), " "]),
    ),
  ];
}

/** @param {Api.DagSummary} dag @param {Reload} reload */
function scheduleSwitch(dag, reload) {
  const box = h("input", {
    type: "checkbox",
    id: `on-${dag.dag_id}`,
    checked: !dag.is_paused,
    disabled: !isOperator(),
    "aria-label": `Schedule of ${dag.name} is active`,
    onchange: () => setPaused(dag, box, reload),
  });
  return h("label", { class: "switch", title: isOperator() ? null : readOnlyReason() }, box, "on");
}

/** @param {Entry} entry */
function lastRunCell({ dag, runs, failure }) {
  const active = runs.filter((run) => isActive(run.state)).length;
  const last = failure ?? runs.find((run) => !isActive(run.state)) ?? (active ? null : dag.last_run);
  return [
    last
      ? h("div", { class: "together" }, badge(last.state), " ", liveTime("ago", last.ended_at ?? last.started_at))
      : null,
    last || active ? null : h("span", { class: "quiet" }, "no runs yet"),
    active ? h("div", null, badge("running", active === 1 ? "running now" : `${active} running now`)) : null,
  ];
}

/** @param {Api.DagSummary} dag */
function nextRunCell(dag) {
  const next = dag.next_fire_at;
  if (!next) return h("span", { class: "quiet" }, "–");
  const there = dag.timezone === ownZone() ? "" : `, ${timeThere(next, dag.timezone)} ${dag.timezone}`;
  return [liveTime("in", next), h("div", { class: "quiet", title: fullTime(next) }, shortTime(next), there)];
}

/** A time in another zone: the clock, and the day if that differs from the viewer's. @param {string} iso @param {string} zone */
function timeThere(iso, zone) {
  const [own, there] = [shortTime(iso), shortTime(iso, zone)];
  return own.slice(0, -5) === there.slice(0, -5) ? there.slice(-5) : there;
}

/** @param {Api.DagSummary} dag @param {HTMLInputElement} box ticked for an active schedule @param {Reload} reload */
async function setPaused(dag, box, reload) {
  const isPaused = !box.checked;
  farKnown.delete(dag.dag_id);
  try {
    await send("PATCH", /** @type {const} */ (`dags/${segment(dag.dag_id)}`), { is_paused: isPaused });
    notify(isPaused ? `${dag.name} is paused` : `${dag.name} is active again`);
  } catch (error) {
    notify(messageOf(error));
    box.checked = isPaused;
  }
  await reload();
}

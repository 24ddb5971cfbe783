// All DAGs: those that need attention first, then those that run, those that are due, and the rest.
import { get, messageOf, segment, send } from "../lib/api.js";
import { button, empty, h, notify, show, table } from "../lib/dom.js";
import { fullTime, ownZone, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, hrefTo, setQuery } from "../lib/router.js";
import { actionButton, isOperator, readOnlyReason } from "../lib/session.js";
import { runLook, runWord } from "../lib/vocabulary.js";
import { badge } from "../widgets/badge.js";
import { firstSteps } from "../widgets/first-steps.js";
import { dagFilters } from "../widgets/dag-filters.js";
import { runBars } from "../widgets/run-bars.js";
import { openRunForm } from "../widgets/run-form.js";
import { scheduleOf } from "../widgets/schedule.js";

const PAGE = 100;
const MOST_FAR = 20;
const RECENT = 12; // runs of each DAG that are shown as bars

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {() => Promise<unknown>} Reload */
/** @typedef {{ dag: Api.DagSummary, activity: Api.DagActivity }} Entry */
/** @typedef {{ page: Api.DagList, far: Api.DagList | null }} ListData far: DAGs with failures, which may stand on later pages */

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
    const { query } = currentRoute();
    const [cursor, failing] = [query.get("from"), query.get("failing")];
    const wanted = { limit: PAGE, recent: RECENT, ...filters.filters(), failing, cursor };
    const page = await get("dags", wanted, context.signal);
    const isFirstOfMany = page.next_cursor && !filters.isAny() && !cursor && !failing;
    const failingOnes = { limit: MOST_FAR, recent: RECENT, failing: true };
    const far = isFirstOfMany ? await get("dags", failingOnes, context.signal) : null;
    if (mine !== requests || (page === data?.page && far === data.far)) return;
    data = { page, far };
    draw(list, data, load);
  };
  show(main, h("h1", null, "DAGs"), filters.element, list);
  context.onQuery = () => {
    filters.refresh();
    load().catch(() => {}); // the next poll tells what is wrong
  };
  await context.poll(4, load);
}

/** The DAGs of a page that are not among others. @param {Api.DagList | null} page @param {Set<string>} [others] @returns {Entry[]} */
function entriesOf(page, others = new Set()) {
  const activity = new Map(page?.activity.map((one) => [one.dag_id, one]));
  return (page?.dags ?? []).flatMap((dag) => {
    const own = activity.get(dag.dag_id);
    return own && !others.has(dag.dag_id) ? [{ dag, activity: own }] : [];
  });
}

/** @param {HTMLElement} list @param {ListData} data @param {Reload} reload */
function draw(list, { page, far }, reload) {
  const distant = entriesOf(far, new Set(page.dags.map((dag) => dag.dag_id)));
  const entries = [...distant, ...entriesOf(page)];
  if (!entries.length) return show(list, nothing());
  entries.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.dag.next_fire_at ?? "~").localeCompare(b.dag.next_fire_at ?? "~") ||
      a.dag.name.localeCompare(b.dag.name),
  );
  show(
    list,
    h("p", { class: "quiet" }, summary(page, distant.length > 0)),
    table(
      "DAGs",
      ["DAG", "Last run", "Schedule", "Next run", "Latest runs", ""],
      entries.map((entry) => cells(entry, reload)),
      "stack",
    ),
    pager(page),
  );
}

/** @param {Api.DagList} page @param {boolean} hasDistant */
function summary(page, hasDistant) {
  const isAll = !page.next_cursor && !currentRoute().query.get("from");
  if (isAll) return `${page.dags.length} in total. Those that need attention come first.`;
  const [first, last] = [page.dags[0]?.dag_id, page.dags.at(-1)?.dag_id];
  const more = hasDistant ? ", and all that need attention" : "";
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
    return firstSteps();
  }
  const showAll = () => {
    location.hash = hrefTo(["dags"]);
  };
  return empty("No DAG matches these filters. ", button("Show all", showAll));
}

/** @param {Entry} entry */
function rank({ dag, activity }) {
  if (activity.open_failure) return 0;
  if (activity.running_runs + activity.waiting_runs) return 1;
  if (dag.is_paused) return 4;
  return dag.next_fire_at ? 2 : 3;
}

/** @param {Entry} entry @param {Reload} reload */
function cells(entry, reload) {
  const { dag, activity } = entry;
  const runs = activity.recent_runs;
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
    runs.length ? runBars(runs) : h("span", { class: "quiet" }, "none yet"),
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
function lastRunCell({ dag, activity }) {
  const { open_failure: failure, recent_runs: recent, running_runs: running, waiting_runs: waiting } = activity;
  const isActive = running + waiting > 0;
  const last = failure?.run ?? recent.find((run) => run.ended_at) ?? (isActive ? null : dag.last_run);
  return [
    last
      ? h("div", null, badge(runLook(last), runWord(last)), " ", liveTime("ago", last.ended_at ?? last.started_at))
      : null,
    failure && failure.count > 1 ? h("div", { class: "quiet" }, `${failure.count} open failures`) : null,
    last || isActive ? null : h("span", { class: "quiet" }, "no runs yet"),
    running ? h("div", null, badge("running", running === 1 ? "running now" : `${running} running now`)) : null,
    waiting ? h("div", null, badge("queued", `${waiting} waiting`)) : null,
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
  try {
    await send("PATCH", /** @type {const} */ (`dags/${segment(dag.dag_id)}`), { is_paused: isPaused });
    notify(isPaused ? `${dag.name} is paused` : `${dag.name} is active again`);
  } catch (error) {
    notify(messageOf(error));
    box.checked = isPaused;
  }
  await reload();
}

// One DAG: its facts and actions, and below them one tab at a time.
import { get, isServerGone, messageOf, segment, send } from "../lib/api.js";
import { whenServerIsBack } from "../lib/connection.js";
import { errorText, h, notify, show } from "../lib/dom.js";
import { dollars, ownZone, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { loadModule } from "../lib/modules.js";
import { currentRoute, dagLink, hrefTo } from "../lib/router.js";
import { actionButton } from "../lib/session.js";
import { badge } from "../widgets/badge.js";
import { documentation } from "../widgets/documentation.js";
import { openRunForm } from "../widgets/run-form.js";
import { scheduleOf } from "../widgets/schedule.js";
import { warningsOf } from "../widgets/warnings.js";

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */

/** @type {{ [name: string]: { title: string, module: string } }} */
const TABS = {
  grid: { title: "Grid", module: "views/dag-grid.js" },
  graph: { title: "Graph", module: "views/dag-graph.js" },
  calendar: { title: "Calendar", module: "views/dag-calendar.js" },
  durations: { title: "Durations", module: "views/dag-durations.js" },
  source: { title: "Source", module: "views/dag-source.js" },
  backfill: { title: "Backfill", module: "views/dag-backfill.js" },
};

/** @param {HTMLElement} main @param {ViewContext} context */
export async function view(main, context) {
  const path = /** @type {const} */ (`dags/${segment(context.args[0])}`);
  const [head, tabs, body] = [h("div"), h("nav", { class: "tabs", "aria-label": "Views of this DAG" }), h("div")];
  let dag = await get(path, {}, context.signal);
  const redraw = () => {
    context.setTitle(dag.name);
    drawHead(head, dag, refresh);
  };
  const refresh = async () => {
    const now = await get(path, {}, context.signal);
    if (now === dag) return;
    dag = now;
    redraw();
  };
  redraw();
  show(main, head, tabs, body);
  const openTab = tabOpener(tabs, body, context, () => dag);
  context.onQuery = openTab;
  await openTab();
  await context.poll(6, refresh);
}

/**
 * A function that opens the tab of the address. A tab lives until another one takes its place.
 * @param {HTMLElement} tabs
 * @param {HTMLElement} body
 * @param {ViewContext} context
 * @param {() => Api.DagDetail} currentDag
 */
function tabOpener(tabs, body, context, currentDag) {
  /** @type {{ name: string, context: ViewContext } | null} */
  let open = null;
  const draw = async () => {
    const asked = currentRoute().query.get("tab") ?? "";
    const name = TABS[asked] ? asked : "grid";
    if (open?.name === name) return open.context.onQuery?.();
    open?.context.leave.abort();
    const mine = context.forTab();
    open = { name, context: mine };
    drawTabs(tabs, currentDag().dag_id, name);
    show(body, h("p", { class: "quiet" }, "Loading…"));
    try {
      const { tab } = await loadModule(TABS[name].module);
      if (!mine.signal.aborted) await tab(body, currentDag(), mine);
    } catch (error) {
      if (mine.signal.aborted) return;
      show(body, errorText(messageOf(error)));
      open = null;
      if (isServerGone(error)) whenServerIsBack(draw, mine.signal);
    }
  };
  return draw;
}

/** @param {HTMLElement} tabs @param {string} dagId @param {string} active */
function drawTabs(tabs, dagId, active) {
  show(
    tabs,
    Object.entries(TABS).map(([name, { title }]) =>
      h(
        "a",
        { href: dagLink(dagId, { tab: name }), id: `tab-${name}`, "aria-current": name === active ? "page" : null },
        title,
      ),
    ),
  );
}

/** @param {HTMLElement} head @param {Api.DagDetail} dag @param {() => Promise<unknown>} refresh */
function drawHead(head, dag, refresh) {
  show(
    head,
    h(
      "div",
      { class: "head" },
      h("div", null, h("h1", null, dag.name), dag.description ? h("p", { class: "quiet" }, dag.description) : null),
      h("div", { class: "row" }, dag.removed_at ? null : dagButtons(dag, refresh)),
    ),
    h("div", { class: "facts" }, facts(dag)),
    dag.problem ? errorText(`The scheduler skipped a part of this DAG: ${dag.problem}`) : null,
    dag.has_import_error
      ? errorText(
          "The file of this DAG has errors. Its last valid version is still active. ",
          h("a", { href: "#/errors" }, "Show the errors"),
        )
      : null,
    warningsOf(dag),
    dag.doc_md ? documentation(dag.doc_md) : null,
  );
}

/** @param {Api.DagDetail} dag @param {() => Promise<unknown>} refresh */
function dagButtons(dag, refresh) {
  const label = dag.is_paused ? "Resume schedule" : "Pause schedule";
  return [
    actionButton(label, () => togglePaused(dag, refresh), { id: "pause", disabled: !dag.schedule.length }),
    actionButton("Run…", () => openRunForm(dag.dag_id), { class: "main", id: "run" }),
  ];
}

/** @param {Api.DagDetail} dag */
function facts(dag) {
  return [
    dag.removed_at ? badge("removed", "file removed") : null,
    dag.is_paused ? badge("paused", dag.paused_reason ? `paused: ${dag.paused_reason}` : "paused") : null,
    h("span", null, "Runs ", scheduleOf(dag, { hasZone: false })),
    dag.next_fire_at && !dag.is_paused ? nextRun(dag.next_fire_at, dag.timezone) : null,
    dag.owner ? h("span", null, `owner ${dag.owner}`) : null,
    dag.cost.requests
      ? h("span", { title: `${dag.cost.gb_seconds} GB-seconds; ${dag.cost.prices}` }, `cost ${dollars(dag.cost)}`)
      : null,
    dag.tags.map((tag) => h("a", { class: "tag", href: hrefTo(["dags"], { tag }) }, tag)),
  ];
}

/** @param {string} next @param {string} zone */
function nextRun(next, zone) {
  const there = zone === ownZone() ? "" : `; ${shortTime(next, zone)} in ${zone}`;
  return h("span", null, "next ", liveTime("in", next), ` (${shortTime(next)}${there})`);
}

/** @param {Api.DagDetail} dag @param {() => Promise<unknown>} refresh */
async function togglePaused(dag, refresh) {
  try {
    await send("PATCH", /** @type {const} */ (`dags/${segment(dag.dag_id)}`), { is_paused: !dag.is_paused });
    notify(dag.is_paused ? "The schedule is active again" : "The schedule is paused");
  } catch (error) {
    notify(messageOf(error));
  }
  await refresh();
}

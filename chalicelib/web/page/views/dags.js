// All DAGs: those that need a look first, then what runs, what is due, what rests.
import { get, orElse, path, send } from "../lib/api.js";
import { button, empty, h, say, show, table } from "../lib/dom.js";
import { unresolved } from "../lib/failures.js";
import { live, moment, shortMoment } from "../lib/format.js";
import { dagLink, here, setQuery } from "../lib/router.js";
import { changing, mayChange, refusal } from "../lib/session.js";
import { badge, isActive } from "../widgets/badge.js";
import { dagFilters } from "../widgets/dag-filters.js";
import { bars } from "../widgets/run-bars.js";
import { openRunForm } from "../widgets/run-form.js";
import { schedule } from "../widgets/schedule.js";

const AT_ONCE = 100;
const URGENT = 20;
const URGENT_MS = 60_000;
const urgentKnown = new Map(); // dag_id → {at, dag}: a DAG alone costs the server more than one of a list

export async function view(main, context) {
  context.title("DAGs");
  const list = h("div");
  const filters = dagFilters(context, () => load());
  let data = null;
  let asked = 0;
  const load = async () => {
    asked += 1;
    const mine = asked;
    const [page, recent] = await Promise.all([
      get("dags", { limit: AT_ONCE, ...filters.asked(), cursor: here().query.get("from") }, context.signal),
      get("runs", { limit: 500 }, context.signal),
    ]);
    const urgent = await urgentOnes(page, recent, filters, context.signal);
    const isSame = page === data?.page && recent === data.recent && urgent.every((dag, i) => dag === data.urgent[i]);
    if (mine !== asked || isSame) return;
    data = { page, recent, urgent };
    draw(list, data, load);
  };
  show(main, h("h1", null, "DAGs"), filters.node, list);
  context.onQuery = () => {
    filters.refresh();
    load().catch(() => {});
  };
  await context.poll(4, load);
}

/** On the first page of all, those that need a look stand even if their ids come much later. */
async function urgentOnes(page, recent, filters, signal) {
  if (!page.next_cursor || filters.isAny() || here().query.get("from")) return [];
  const shown = new Set(page.dags.map((dag) => dag.dag_id));
  const far = unresolved(recent.runs)
    .map(({ run }) => run.dag_id)
    .filter((dagId) => !shown.has(dagId));
  const found = await Promise.all(far.slice(0, URGENT).map((dagId) => urgentOne(dagId, signal)));
  return found.filter((dag) => dag && !dag.removed_at);
}

async function urgentOne(dagId, signal) {
  const known = urgentKnown.get(dagId);
  if (known && Date.now() - known.at < URGENT_MS) return known.dag;
  const dag = await get(`dags/${path(dagId)}`, {}, signal).catch(orElse(null));
  if (urgentKnown.size > 10 * URGENT) urgentKnown.clear();
  if (dag) urgentKnown.set(dagId, { at: Date.now(), dag });
  return dag;
}

function draw(list, { page, recent, urgent }, reload) {
  const byDag = Map.groupBy(recent.runs, (run) => run.dag_id);
  const needs = new Map(unresolved(recent.runs).map((entry) => [entry.run.dag_id, entry]));
  const dags = [...urgent, ...page.dags].map((dag) => ({
    dag,
    runs: byDag.get(dag.dag_id) ?? [],
    need: needs.get(dag.dag_id),
  }));
  dags.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.dag.next_fire_at ?? "~").localeCompare(b.dag.next_fire_at ?? "~") ||
      a.dag.name.localeCompare(b.dag.name),
  );
  if (!dags.length) return show(list, nothing());
  show(
    list,
    h("p", { class: "quiet" }, summary(page, urgent)),
    table(
      "DAGs",
      ["DAG", "How it stands", "Schedule", "Next", "Last runs", ""],
      dags.map((entry) => cells(entry, reload)),
      "stack",
    ),
    pager(page),
  );
}

function summary(page, urgent) {
  const isAll = !page.next_cursor && !here().query.get("from");
  if (isAll) return `${page.dags.length} in all, those that need a look first.`;
  const [first, last] = [page.dags[0]?.dag_id, page.dags.at(-1)?.dag_id];
  return [
    `${page.dags.length} by their ids, from ${first} to ${last}`,
    urgent.length ? ", and all that need a look" : "",
    "; search finds the others.",
  ];
}

function pager(page) {
  const from = here().query.get("from");
  const turn = (label, cursor, id) =>
    button(
      label,
      () => {
        setQuery({ from: cursor }, { keep: true });
        scrollTo(0, 0);
      },
      { id },
    );
  return from || page.next_cursor
    ? h(
        "p",
        { class: "row" },
        from ? turn("Back to the first", null, "first-page") : null,
        page.next_cursor ? turn(`The next ${AT_ONCE}`, page.next_cursor, "next-page") : null,
      )
    : null;
}

function nothing() {
  const filtered = [...here().query.keys()].length > 0;
  return filtered
    ? empty(
        "No DAG is like that. ",
        button("Show all", () => {
          location.hash = "#/dags";
        }),
      )
    : empty("There is no DAG yet. Copy a DAG file to the bucket of DAGs and it shows up here within seconds.");
}

function rank({ dag, runs, need }) {
  if (need) return 0;
  if (runs.some((run) => isActive(run.state))) return 1;
  if (dag.is_paused) return 4;
  return dag.next_fire_at ? 2 : 3;
}

function cells({ dag, runs, need }, reload) {
  return [
    [
      h("a", { href: dagLink(dag.dag_id), "data-item": true }, dag.name),
      dag.problem ? [" ", h("span", { class: "bad", title: dag.problem }, "has a problem")] : null,
      dag.has_import_error ? [" ", h("a", { class: "bad", href: "#/errors" }, "file has errors")] : null,
      h(
        "div",
        { class: "quiet" },
        dag.tags.map((tag) => [h("a", { class: "tag", href: `#/dags?tag=${encodeURIComponent(tag)}` }, tag), " "]),
      ),
    ],
    standing(dag, runs, need),
    schedule(dag),
    dag.is_paused
      ? [badge("paused"), dag.paused_reason ? h("div", { class: "quiet" }, dag.paused_reason) : null]
      : nextTime(dag),
    runs.length ? bars(runs) : h("span", { class: "quiet" }, "none lately"),
    h(
      "div",
      { class: "row fixed" },
      dag.schedule.length ? scheduleSwitch(dag, reload) : null,
      changing("Run…", () => openRunForm(dag.dag_id), { id: `run-${dag.dag_id}`, "aria-label": `Run ${dag.name}` }),
    ),
  ];
}

function scheduleSwitch(dag, reload) {
  const box = h("input", {
    type: "checkbox",
    id: `on-${dag.dag_id}`,
    checked: !dag.is_paused,
    disabled: !mayChange(),
    "aria-label": `Schedule of ${dag.name} is on`,
    onchange: (event) => pause(dag, !event.target.checked, reload),
  });
  return h("label", { class: "switch", title: mayChange() ? null : refusal() }, box, "on");
}

function standing(dag, runs, need) {
  const active = runs.filter((run) => isActive(run.state)).length;
  const last = runs.find((run) => !isActive(run.state)) ?? (active ? null : dag.last_run);
  return [
    need ? ended("failed", need.run) : last ? ended(last.state, last) : null,
    need || last || active ? null : h("span", { class: "quiet" }, "has not run"),
    active ? h("div", null, badge("running", active === 1 ? "running now" : `${active} running now`)) : null,
  ];
}

const ended = (state, run) =>
  h("div", { class: "together" }, badge(state), " ", live("ago", run.ended_at ?? run.started_at));

function nextTime(dag) {
  if (!dag.next_fire_at) return h("span", { class: "quiet" }, "–");
  const zone = dag.timezone !== Intl.DateTimeFormat().resolvedOptions().timeZone ? dag.timezone : null;
  return [
    live("in", dag.next_fire_at),
    h(
      "div",
      { class: "quiet", title: moment(dag.next_fire_at) },
      shortMoment(dag.next_fire_at),
      zone ? `, ${thereToo(dag.next_fire_at, zone)} ${zone}` : "",
    ),
  ];
}

/** The moment in another zone: its clock, and its day where that is another one. */
function thereToo(iso, zone) {
  const [own, there] = [shortMoment(iso), shortMoment(iso, zone)];
  return own.slice(0, -5) === there.slice(0, -5) ? there.slice(-5) : there;
}

async function pause(dag, isPaused, reload) {
  urgentKnown.delete(dag.dag_id);
  try {
    await send("PATCH", `dags/${path(dag.dag_id)}`, { is_paused: isPaused });
    say(isPaused ? `${dag.name} is paused: its schedule starts nothing` : `${dag.name} goes on with its schedule`);
  } catch (error) {
    say(error.message);
    document.getElementById(`on-${dag.dag_id}`).checked = isPaused;
  }
  await reload();
}

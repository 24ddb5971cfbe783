// All DAGs: those that need a look first, then what runs, what is due, what rests.
import { all, get, path, send } from "./api.js";
import { bars } from "./bars.js";
import { unresolved } from "./home.js";
import { empty, h, say, show, table, button } from "./dom.js";
import { dagLink, here, setQuery } from "./router.js";
import { schedule } from "./schedule.js";
import { badge, isActive } from "./states.js";
import { live, moment, shortMoment } from "./words.js";
import { openRunForm } from "./runform.js";

const MOST = 500;

export async function view(main, context) {
  context.title("DAGs");
  const list = h("div");
  let data = null;
  let asked = 0;
  const load = async () => {
    asked += 1;
    const mine = asked;
    const query = here().query;
    const filters = { search: query.get("search"), tag: query.get("tag"), paused: query.get("paused") };
    const [page, recent] = await Promise.all([
      all("dags", "dags", filters, MOST, context.signal),
      get("runs", { limit: 500 }, context.signal),
    ]);
    if (mine !== asked || (page.first === data?.page.first && recent === data?.recent)) return;
    data = { page, recent };
    draw(list, data, load);
  };
  show(main, h("h1", null, "DAGs"), filterBar(), list);
  context.onQuery = () => {
    drawTag();
    load().catch(() => {});
  };
  drawTag();
  await context.poll(4, load);
}

function filterBar() {
  const { query } = here();
  let timer = null;
  const search = h("input", {
    type: "search",
    id: "search",
    placeholder: "Search name or description  ( / )",
    "aria-label": "Search DAGs",
    value: query.get("search") ?? "",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => setQuery({ search: search.value.trim() }), 250);
    },
  });
  const paused = h(
    "select",
    { id: "paused", "aria-label": "Paused or not", onchange: () => setQuery({ paused: paused.value }) },
    [
      ["", "All"],
      ["false", "Not paused"],
      ["true", "Paused"],
    ].map(([value, label]) => h("option", { value, selected: (query.get("paused") ?? "") === value }, label)),
  );
  return h("div", { class: "row" }, search, paused, h("span", { id: "tag-filter" }));
}

function drawTag() {
  const tag = here().query.get("tag");
  show(
    document.getElementById("tag-filter"),
    tag
      ? [
          h("span", { class: "tag" }, tag),
          button("× any tag", () => setQuery({ tag: null }), { class: "plain", id: "no-tag" }),
        ]
      : null,
  );
}

function draw(list, { page, recent }, reload) {
  const byDag = Map.groupBy(recent.runs, (run) => run.dag_id);
  const needs = new Map(unresolved(recent.runs).map((entry) => [entry.run.dag_id, entry]));
  const dags = page.items.map((dag) => ({ dag, runs: byDag.get(dag.dag_id) ?? [], need: needs.get(dag.dag_id) }));
  dags.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.dag.next_fire_at ?? "~").localeCompare(b.dag.next_fire_at ?? "~") ||
      a.dag.name.localeCompare(b.dag.name),
  );
  if (!dags.length) return show(list, nothing());
  show(
    list,
    h(
      "p",
      { class: "quiet" },
      page.isCut
        ? `The first ${page.items.length} by their ids; search to find others.`
        : `${dags.length} in all, those that need a look first.`,
    ),
    table(
      "DAGs",
      ["DAG", "How it stands", "Schedule", "Next", "Last runs", ""],
      dags.map((entry) => cells(entry, reload)),
      "stack",
    ),
  );
}

function nothing() {
  const filtered = [...here().query.keys()].length > 0;
  return filtered
    ? empty(
        "No DAG is like that. ",
        button("Show all", () => {
          location.hash = "#/dags";
          document.getElementById("search").value = "";
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
    runs.length ? bars(runs) : h("span", { class: "quiet" }, "never ran lately"),
    h(
      "div",
      { class: "row fixed" },
      dag.schedule.length
        ? h(
            "label",
            { class: "switch" },
            h("input", {
              type: "checkbox",
              id: `on-${dag.dag_id}`,
              checked: !dag.is_paused,
              "aria-label": `Schedule of ${dag.name} is on`,
              onchange: (event) => pause(dag, !event.target.checked, reload),
            }),
            "on",
          )
        : null,
      button("Run…", () => openRunForm(dag.dag_id), { id: `run-${dag.dag_id}`, "aria-label": `Run ${dag.name}` }),
    ),
  ];
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
      zone ? ` (${shortMoment(dag.next_fire_at, zone)} in ${zone})` : "",
    ),
  ];
}

async function pause(dag, isPaused, reload) {
  try {
    await send("PATCH", `dags/${path(dag.dag_id)}`, { is_paused: isPaused });
    say(isPaused ? `${dag.name} is paused: its schedule starts nothing` : `${dag.name} goes on with its schedule`);
  } catch (error) {
    say(error.message);
    document.getElementById(`on-${dag.dag_id}`).checked = isPaused;
  }
  await reload();
}

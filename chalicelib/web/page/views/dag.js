// One DAG: what it is and how it stands, above the views of it, one at a time.
import { get, path, send } from "../lib/api.js";
import { h, say, show } from "../lib/dom.js";
import { dollars, live, shortMoment } from "../lib/format.js";
import { dagLink, here } from "../lib/router.js";
import { changing } from "../lib/session.js";
import { badge } from "../widgets/badge.js";
import { openRunForm } from "../widgets/run-form.js";
import { schedule } from "../widgets/schedule.js";
import { warningsOf } from "../widgets/warnings.js";

const TABS = {
  grid: ["Grid", () => import("./dag-grid.js")],
  graph: ["Graph", () => import("./dag-graph.js")],
  calendar: ["Calendar", () => import("./dag-calendar.js")],
  durations: ["Durations", () => import("./dag-durations.js")],
  source: ["Source", () => import("./dag-source.js")],
  backfill: ["Backfill", () => import("./dag-backfill.js")],
};

export async function view(main, context) {
  const dagId = context.args[0];
  const where = `dags/${path(dagId)}`;
  const [head, tabs, body] = [h("div"), h("nav", { class: "tabs", "aria-label": "Views of this DAG" }), h("div")];
  let dag = null;
  const refresh = async () => {
    const now = await get(where, {}, context.signal);
    if (now === dag) return;
    dag = now;
    context.title(dag.name);
    drawHead(head, dag, refresh);
  };
  await refresh();
  show(main, head, tabs, body);
  const tabbed = opener(tabs, body, context, () => dag);
  context.onQuery = tabbed;
  await tabbed();
  await context.poll(6, refresh);
}

/** Opens the tab of the address; each lives until another takes its place. */
function opener(tabs, body, context, dag) {
  let open = { name: null, stop: null, onQuery: null };
  context.signal.addEventListener("abort", () => open.stop?.abort());
  return async () => {
    const { query } = here();
    const name = TABS[query.get("tab")] ? query.get("tab") : "grid";
    if (open.name === name) return open.onQuery?.();
    open.stop?.abort();
    const stop = new AbortController();
    const mine = {
      name,
      stop,
      signal: stop.signal,
      poll: (seconds, work) => context.pollUntil(stop.signal, seconds, work),
      onQuery: null,
    };
    open = mine;
    show(
      tabs,
      Object.entries(TABS).map(([key, [title]]) =>
        h(
          "a",
          { href: dagLink(dag().dag_id, { tab: key }), id: `tab-${key}`, "aria-current": key === name ? "page" : null },
          title,
        ),
      ),
    );
    show(body, h("p", { class: "quiet" }, "Loading…"));
    try {
      await (await TABS[name][1]()).tab(body, dag(), mine);
    } catch (error) {
      if (!stop.signal.aborted) show(body, h("p", { class: "cause" }, error.message));
    }
  };
}

function drawHead(head, dag, refresh) {
  const zone = dag.timezone;
  show(
    head,
    h(
      "div",
      { class: "head" },
      h("div", null, h("h1", null, dag.name), dag.description ? h("p", { class: "quiet" }, dag.description) : null),
      h(
        "div",
        { class: "row" },
        dag.removed_at
          ? null
          : changing(dag.is_paused ? "Let the schedule go on" : "Pause the schedule", () => pause(dag, refresh), {
              id: "pause",
              disabled: !dag.schedule.length,
            }),
        dag.removed_at ? null : changing("Run…", () => openRunForm(dag.dag_id), { class: "main", id: "run" }),
      ),
    ),
    h(
      "div",
      { class: "facts" },
      dag.removed_at ? badge("cancelled", "its file was removed") : null,
      dag.is_paused ? badge("paused", dag.paused_reason ? `paused: ${dag.paused_reason}` : "paused") : null,
      h("span", null, "Runs ", schedule(dag, { zone: false })),
      dag.next_fire_at && !dag.is_paused
        ? h(
            "span",
            null,
            "next ",
            live("in", dag.next_fire_at),
            ` (${shortMoment(dag.next_fire_at)}${zone === Intl.DateTimeFormat().resolvedOptions().timeZone ? "" : `; ${shortMoment(dag.next_fire_at, zone)} in ${zone}`})`,
          )
        : null,
      dag.owner ? h("span", null, `owner ${dag.owner}`) : null,
      dag.cost?.requests
        ? h("span", { title: `${dag.cost.gb_seconds} GB-seconds; ${dag.cost.prices}` }, `cost ${dollars(dag.cost)}`)
        : null,
      dag.tags.map((tag) => h("a", { class: "tag", href: `#/dags?tag=${encodeURIComponent(tag)}` }, tag)),
    ),
    dag.problem
      ? h("p", { class: "cause" }, `The scheduler had to leave something of this DAG out: ${dag.problem}`)
      : null,
    dag.has_import_error
      ? h(
          "p",
          { class: "cause" },
          "The file of this DAG has errors; the last good version is still active. ",
          h("a", { href: "#/errors" }, "See what is wrong"),
        )
      : null,
    warningsOf(dag),
    dag.doc_md ? h("details", { id: "doc" }, h("summary", null, "Documentation"), h("pre", null, dag.doc_md)) : null,
  );
}

async function pause(dag, refresh) {
  try {
    await send("PATCH", `dags/${path(dag.dag_id)}`, { is_paused: !dag.is_paused });
    say(dag.is_paused ? "The schedule goes on" : "Paused: the schedule starts nothing until you let it go on");
  } catch (error) {
    say(error.message);
  }
  await refresh();
}

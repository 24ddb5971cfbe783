// The first page: one sentence, then what failed, what runs and what comes, each with its name.
import { get, orElse, path } from "../lib/api.js";
import { empty, h, section, show } from "../lib/dom.js";
import { firstFailures, unresolved } from "../lib/failures.js";
import { count, duration, how, live, median, shortMoment } from "../lib/format.js";
import { dagLink, here, runLink, setQuery } from "../lib/router.js";
import { changing } from "../lib/session.js";
import { badge, isActive } from "../widgets/badge.js";
import { cause } from "../widgets/failure.js";
import { acknowledge } from "../widgets/run-actions.js";
import { schedule } from "../widgets/schedule.js";
import { timeline } from "../widgets/timeline.js";
import { briefly } from "../widgets/wait-reasons.js";
import { warned } from "../widgets/warnings.js";

const RUNS = 400;
const SHOWN = 8;
const ROWS = 14;

export async function view(main, context) {
  let known = [];
  let due = [];
  let failures = [];
  let broken = [];
  let planned = new Map();
  let last = null;
  const slow = async () => {
    [{ dags: known }, { dags: due }] = await Promise.all([
      get("dags", { limit: 500 }, context.signal),
      get("upcoming", { limit: 200 }, context.signal),
    ]);
    planned = await plans(due, context.signal);
  };
  const quick = async () => {
    const runs = (await get("runs", { limit: RUNS }, context.signal)).runs;
    broken = (await get("import_errors", { limit: 20 }, context.signal)).import_errors;
    const now = { runs, known, due, planned, broken };
    if (last && Object.keys(now).every((key) => now[key] === last[key])) return;
    if (runs !== last?.runs) {
      failures = (await get("task_instances", { state: "failed", limit: 200 }, context.signal)).task_instances;
    }
    last = now;
    draw(main, { ...last, failures, refresh: quick });
  };
  context.onQuery = () => {
    if (last) draw(main, { ...last, failures, refresh: quick });
  };
  await context.poll(30, slow);
  await context.poll(2, quick);
}

/** The next fire times of the DAGs that are due first. */
async function plans(due, signal) {
  const answers = await Promise.all(
    due.slice(0, ROWS).map((dag) => get(`dags/${path(dag.dag_id)}/next`, { count: 100 }, signal).catch(orElse(null))),
  );
  return new Map(answers.filter(Boolean).map((answer) => [answer.dag_id, answer.next_fire_times]));
}

function draw(main, { runs, known, due, failures, planned, broken, refresh }) {
  const dags = [...known, ...due];
  const names = new Map(dags.map((dag) => [dag.dag_id, dag.name]));
  const name = (dagId) => names.get(dagId) ?? dagId;
  const failed = unresolved(runs);
  const active = runs.filter((run) => isActive(run.state));
  const next = due.filter((dag) => Date.parse(dag.next_fire_at) < Date.now() + 86_400_000);
  if (!dags.length && !runs.length && !broken.length) {
    return show(main, h("h1", null, "Nothing here yet"), firstSteps());
  }
  const room = h("div", { class: "room" });
  show(
    main,
    h("h1", { class: "unseen" }, "Home"),
    h("p", { class: "lead" }, sentence(failed, broken, active, next, name)),
    h(
      "div",
      { class: "home" },
      card(
        "To look at",
        list(
          [...failed, ...broken],
          (entry) => (entry.run ? failure(entry, failures, name, refresh) : brokenFile(entry)),
          "Nothing has failed that was not put right since.",
          ["runs", "failed&acknowledged=false"],
        ),
        warned(known),
      ),
      card(
        "Running now",
        list(active, (run) => running(run, runs, name), "Nothing runs. Start a DAG from its page.", [
          "runs",
          "running",
        ]),
      ),
      card(
        "Next 24 hours",
        list(next, coming, "Nothing is due. Only DAGs with a schedule that is not paused come by themselves.", [
          "dags",
        ]),
      ),
      h(
        "section",
        { "aria-labelledby": "h-time" },
        h("div", { class: "head" }, h("h2", { id: "h-time" }, "Past and planned"), windows()),
        room,
        legend(),
      ),
    ),
  );
  room.append(timeline({ runs, dags, planned, failed, span: span(), rows: ROWS, width: room.clientWidth }));
}

function sentence(failed, broken, active, next, name) {
  const troubles = [
    failed.length ? `${count(failed.length, "DAG needs", "DAGs need")} a look` : null,
    broken.length ? `${count(broken.length, "file")} cannot be read` : null,
  ].filter(Boolean);
  const parts = [
    troubles.join(", ") || "All is well",
    active.length ? `${count(active.length, "run is", "runs are")} under way` : "nothing runs now",
  ];
  const [first] = next;
  return [
    `${parts.join(", ")}`,
    first ? [`; ${name(first.dag_id)} comes next, `, live("in", first.next_fire_at)] : "",
    ".",
  ];
}

const card = (title, ...children) => {
  const made = section(title, ...children);
  made.classList.add("card");
  return made;
};

function list(items, drawItem, otherwise, more) {
  if (!items.length) return empty(otherwise);
  const rest = items.length - SHOWN;
  const link = more[0] === "dags" ? "#/dags" : `#/runs?state=${more[1]}`;
  return [
    h(
      "ul",
      { class: "list" },
      items.slice(0, SHOWN).map((item) => h("li", null, drawItem(item))),
    ),
    rest > 0 ? h("p", null, h("a", { href: link }, `and ${rest} more`)) : null,
  ];
}

function failure({ run, times }, failures, name, refresh) {
  const task = firstFailures(failures).get(run.run_id);
  return [
    h("a", { href: runLink(run.run_id), "data-item": true }, name(run.dag_id)),
    task ? cause(task) : h("span", { class: "cause small" }, run.reason || "failed"),
    h(
      "div",
      { class: "sub" },
      h("span", null, live("ago", run.ended_at)),
      times > 1 ? h("span", null, `${times} failures nobody has put right`) : null,
      changing("Acknowledge…", () => acknowledge(run, refresh), {
        id: `acknowledge-${run.run_id}`,
        class: "plain small",
        "aria-label": `Acknowledge the failure of ${name(run.dag_id)}`,
      }),
    ),
  ];
}

function brokenFile({ file_key: file, problems, recorded_at: since }) {
  const [first] = problems;
  return [
    h("a", { href: "#/errors", "data-item": true }, file),
    h("span", { class: "cause small" }, first ? `line ${first.line}: ${first.message}` : "cannot be read"),
    h(
      "div",
      { class: "sub" },
      h("span", null, live("ago", since)),
      problems.length > 1 ? h("span", null, count(problems.length, "problem")) : null,
    ),
  ];
}

function running(run, runs, name) {
  const usual = median(
    runs.filter((other) => other.dag_id === run.dag_id && other.state === "success").map((other) => other.duration),
  );
  return [
    h(
      "div",
      { class: "row" },
      h("a", { href: runLink(run.run_id), "data-item": true }, name(run.dag_id)),
      badge(run.state),
    ),
    h(
      "div",
      { class: "sub" },
      h(
        "span",
        null,
        run.started_at
          ? ["for ", live("since", run.started_at), usual !== null ? `, usually ${duration(usual)}` : ""]
          : (briefly(run) ?? "waits for its turn"),
      ),
      h("span", null, how(run)),
    ),
  ];
}

function coming(dag) {
  return [
    h(
      "div",
      { class: "row" },
      h("a", { href: dagLink(dag.dag_id), "data-item": true }, dag.name),
      h("span", { class: "end" }, live("in", dag.next_fire_at)),
    ),
    h("div", { class: "sub" }, schedule(dag), h("span", null, shortMoment(dag.next_fire_at))),
  ];
}

const SPANS = [
  ["1 h", 1],
  ["6 h", 6],
  ["24 h", 24],
];
const span = () => Number(SPANS.find(([, hours]) => String(hours) === here().query.get("hours"))?.[1] ?? 6);

function windows() {
  return h(
    "div",
    { class: "row", role: "group", "aria-label": "How far to look" },
    SPANS.map(([label, hours]) =>
      h(
        "button",
        {
          type: "button",
          id: `span-${hours}`,
          "aria-pressed": String(hours === span()),
          onclick: () => setQuery({ hours: hours === 6 ? null : hours }),
        },
        `± ${label}`,
      ),
    ),
  );
}

function legend() {
  return h(
    "div",
    { class: "legend" },
    ["success", "failed", "running", "queued", "cancelled"].map((state) => badge(state)),
    h("span", null, "◦ planned"),
  );
}

function firstSteps() {
  return empty(
    "Copy a DAG file to the bucket of DAGs and it shows up here within seconds; with ",
    h("code", null, "chalice local"),
    " the files of the folder examples are there from the start. A file that could not be read stands under ",
    h("a", { href: "#/errors" }, "Import errors"),
    ".",
  );
}

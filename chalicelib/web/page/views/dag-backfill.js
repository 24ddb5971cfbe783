// Backfill: say a range, see what it would run, then run it; below, the backfills that there were.
import { get, path, send } from "../lib/api.js";
import { empty, h, say, show, table } from "../lib/dom.js";
import { count, live, moment, shortMoment } from "../lib/format.js";
import { changing, mayChange, refusal } from "../lib/session.js";
import { badge } from "../widgets/badge.js";
import { confirm } from "../widgets/confirm-dialog.js";

export async function tab(body, dag, context) {
  const list = h("div");
  let last = null;
  const load = async () => {
    const page = await get("backfills", { dag_id: dag.dag_id, limit: 50 }, context.signal);
    if (page === last) return;
    last = page;
    show(list, page.backfills.length ? history(page.backfills, load) : empty("This DAG has had no backfill."));
  };
  show(
    body,
    dag.schedule.length
      ? mayChange()
        ? form(dag, load)
        : empty(`A backfill runs the moments of the schedule that have passed. ${refusal()}.`)
      : empty(
          "A backfill runs the moments of a schedule that have passed; this DAG has no schedule. Run it by hand instead.",
        ),
    h("h3", null, "Backfills of this DAG"),
    list,
  );
  await context.poll(3, load);
}

function form(dag, changed) {
  const input = (id, label, made, help) =>
    h(
      "div",
      { class: "field" },
      h("label", { class: "name", for: id }, label),
      made,
      help ? h("p", { class: "help" }, help) : null,
    );
  const from = h("input", { id: "from", type: "datetime-local", step: 1, required: true });
  const until = h("input", { id: "until", type: "datetime-local", step: 1, required: true });
  const reprocess = h(
    "select",
    { id: "reprocess" },
    [
      ["none", "leave them"],
      ["failed", "run failed ones again"],
      ["all", "run all again"],
    ].map(([value, label]) => h("option", { value }, label)),
  );
  const latest = h("input", { id: "latest", type: "checkbox", checked: dag.rerun_with_latest_version });
  const most = h("input", {
    id: "most",
    type: "number",
    min: 1,
    max: dag.max_active_runs,
    placeholder: String(dag.max_active_runs),
  });
  const reverse = h("input", { id: "reverse", type: "checkbox" });
  const plan = h("div", { role: "status" });
  const asked = (dryRun) => ({
    from: new Date(from.value).toISOString(),
    to: new Date(until.value).toISOString(),
    dry_run: dryRun,
    reprocess: reprocess.value,
    run_on_latest_version: latest.checked,
    reverse: reverse.checked,
    ...(most.value || most.validity.badInput ? { max_active_runs: Number(most.value) } : {}),
  });
  const ask = (dryRun) => send("POST", `dags/${path(dag.dag_id)}/backfill`, asked(dryRun));
  const preview = async (event) => {
    event.preventDefault();
    if (!from.value || !until.value) {
      return show(plan, h("p", { class: "cause" }, "Say both the first and the last moment of the range."));
    }
    try {
      const found = await ask(true);
      show(
        plan,
        planned(found, dag, () => start(found)),
      );
    } catch (error) {
      show(plan, h("p", { class: "cause" }, error.message));
    }
  };
  const start = async () => {
    try {
      await ask(false);
      show(plan);
      say("The backfill has begun");
    } catch (error) {
      show(plan, h("p", { class: "cause" }, error.message));
    }
    await changed();
  };
  return h(
    "form",
    { class: "narrow", onsubmit: preview, novalidate: true, onchange: () => show(plan) },
    h("p", { class: "quiet" }, "Runs the moments of the schedule that lie in a range, such as days that were missed."),
    h("div", { class: "row" }, input("from", "From, in your zone", from), input("until", "To", until)),
    h(
      "div",
      { class: "row" },
      input("reprocess", "Moments that have a run already", reprocess),
      input("most", "Runs at once", most),
    ),
    h("p", null, h("label", { class: "switch" }, latest, "Use the file's latest version for those")),
    h("p", null, h("label", { class: "switch" }, reverse, "Begin with the last moment")),
    h("button", { type: "submit", id: "preview" }, "Show what it would run"),
    plan,
  );
}

function planned(found, dag, start) {
  if (!found.total) return empty("The schedule has no moment in this range.");
  return [
    h("p", null, `${count(found.total, "moment")}, ${found.already} of which have a run already:`),
    h(
      "ul",
      { class: "reach card list", tabindex: 0, "aria-label": "Moments" },
      found.dates.slice(0, 20).map((date) => h("li", null, moment(date, dag.timezone))),
      found.total > 20 ? h("li", null, `and ${found.total - 20} more`) : null,
    ),
    h("p", null, changing("Start this backfill", start, { class: "main", id: "start-backfill" })),
  ];
}

function history(backfills, changed) {
  return table(
    "Backfills",
    ["Range", "State", "Done so far", "Running", "Made", ""],
    backfills.map((one) => [
      `${shortMoment(one.from_date)} to ${shortMoment(one.to_date)}`,
      [badge(one.state), one.reason ? h("div", { class: "quiet" }, one.reason) : null],
      Object.entries(one.counts)
        .map(([name, number]) => `${number} ${name.replaceAll("_", " ")}`)
        .join(", ") || "nothing yet",
      String(one.active_runs),
      live("ago", one.created_at),
      h(
        "div",
        { class: "row" },
        Object.keys(ACTS)
          .filter((act) => one.actions.includes(act))
          .map((act) => changing(ACTS[act], () => change(one, act, changed), { id: `${act}-${one.id}` })),
      ),
    ]),
    "stack",
  );
}

const ACTS = {
  pause: "Pause",
  resume: "Go on",
  cancel: "Cancel…",
  stop_running: "Stop its runs…",
};

async function change(one, act, changed) {
  if (act === "cancel" || act === "stop_running") return end(one, act === "stop_running", changed);
  try {
    await send("POST", `backfills/${one.id}/${act}`);
    say(act === "pause" ? "The backfill makes no more runs for now" : "The backfill goes on");
  } catch (error) {
    say(error.message);
  }
  await changed();
}

/** Ends a backfill; of one that has ended already, the runs that it left. */
function end(one, isCancelled, changed) {
  const box = h("input", { type: "checkbox", id: "stop-running", checked: isCancelled, disabled: isCancelled });
  confirm({
    title: isCancelled ? "Stop the runs of this backfill" : "Cancel this backfill",
    tasks: [],
    text: isCancelled
      ? `${count(one.active_runs, "run")} of it had started before it was cancelled.`
      : "It makes no more runs, and runs that have not started are cancelled. Runs that have started finish.",
    options: h("p", null, h("label", { class: "switch" }, box, "Stop the runs that have started, too")),
    label: isCancelled ? "Stop them" : "Cancel the backfill",
    act: () => send("POST", `backfills/${one.id}/cancel`, { stop_running: box.checked }),
    done: changed,
  });
}

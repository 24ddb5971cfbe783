// Backfill: choose a date range, preview the runs, start them. Below, the backfills of the DAG.
import { get, messageOf, segment, send } from "../lib/api.js";
import { empty, errorText, h, labelled, notify, select, show, table, ticked } from "../lib/dom.js";
import { fullTime, plural, shortTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { actionButton, actionButtons, isOperator, readOnlyReason } from "../lib/session.js";
import { badge } from "../widgets/badge.js";
import { confirm } from "../widgets/confirm-dialog.js";

const MOST_DATES = 20;

/** @typedef {() => Promise<unknown>} Changed called after backfills have changed */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const list = h("div");
  /** @type {Api.BackfillList | null} */
  let last = null;
  const load = async () => {
    const page = await get("backfills", { dag_id: dag.dag_id, limit: 50 }, context.signal);
    if (page === last) return;
    last = page;
    show(list, page.backfills.length ? backfillTable(page.backfills, load) : empty("This DAG has no backfills."));
  };
  show(body, formOrReason(dag, load), h("h3", null, "Backfills of this DAG"), list);
  await context.poll(3, load);
}

/** @param {Api.DagDetail} dag @param {Changed} changed */
function formOrReason(dag, changed) {
  const what = "A backfill runs a DAG for past dates of its schedule.";
  if (!dag.schedule.length) return empty(`${what} This DAG has no schedule. Run it manually instead.`);
  return isOperator() ? form(dag, changed) : empty(`${what} ${readOnlyReason()}`);
}

/** @param {Api.DagDetail} dag */
function formInputs(dag) {
  return {
    from: h("input", { id: "from", type: "datetime-local", step: 1, required: true }),
    to: h("input", { id: "until", type: "datetime-local", step: 1, required: true }),
    reprocess: select({ id: "reprocess" }, [
      ["none", "skip them"],
      ["failed", "rerun those that failed"],
      ["all", "rerun all"],
    ]),
    mostRuns: h("input", {
      id: "most",
      type: "number",
      min: 1,
      max: dag.max_active_runs,
      placeholder: String(dag.max_active_runs),
    }),
    isLatest: h("input", { id: "latest", type: "checkbox", checked: dag.rerun_with_latest_version }),
    isReverse: h("input", { id: "reverse", type: "checkbox" }),
  };
}

/** @param {ReturnType<typeof formInputs>} inputs @param {boolean} isDryRun */
function requestBody({ from, to, reprocess, mostRuns, isLatest, isReverse }, isDryRun) {
  return {
    from: new Date(from.value).toISOString(),
    to: new Date(to.value).toISOString(),
    dry_run: isDryRun,
    reprocess: reprocess.value,
    run_on_latest_version: isLatest.checked,
    reverse: isReverse.checked,
    ...(mostRuns.value || mostRuns.validity.badInput ? { max_active_runs: Number(mostRuns.value) } : {}),
  };
}

/** @param {Api.DagDetail} dag @param {Changed} changed */
function form(dag, changed) {
  const inputs = formInputs(dag);
  const plan = h("div", { role: "status" });
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/backfill`);
  /** @param {unknown} error */
  const refuse = (error) => show(plan, errorText(messageOf(error)));
  /** @param {Event} event */
  const preview = async (event) => {
    event.preventDefault();
    if (!inputs.from.value || !inputs.to.value) return show(plan, errorText("Enter both a start and an end."));
    try {
      show(plan, planText(await send("POST", path, requestBody(inputs, true)), dag, start));
    } catch (error) {
      refuse(error);
    }
  };
  const start = async () => {
    try {
      await send("POST", path, requestBody(inputs, false));
      show(plan);
      notify("Backfill started");
    } catch (error) {
      refuse(error);
    }
    await changed();
  };
  return h(
    "form",
    { class: "narrow", onsubmit: preview, novalidate: true, onchange: () => show(plan) },
    h("p", { class: "quiet" }, "Runs the DAG for past dates of its schedule, such as days that were missed."),
    h("div", { class: "row" }, labelled("From (your time zone)", inputs.from), labelled("To", inputs.to)),
    h(
      "div",
      { class: "row" },
      labelled("Dates that already have a run", inputs.reprocess),
      labelled("Max. active runs", inputs.mostRuns),
    ),
    h("p", null, ticked(inputs.isLatest, "Rerun them with the latest version of the file")),
    h("p", null, ticked(inputs.isReverse, "Start with the latest date")),
    h("button", { type: "submit", id: "preview" }, "Preview"),
    plan,
  );
}

/** @param {Api.BackfillPlan} plan @param {Api.DagDetail} dag @param {() => Promise<unknown>} start */
function planText(plan, dag, start) {
  if (!plan.total) return empty("The schedule has no dates in this range.");
  const dates = plan.dates.slice(0, MOST_DATES).map((date) => h("li", null, fullTime(date, dag.timezone)));
  const more = plan.total > MOST_DATES ? h("li", null, `and ${plan.total - MOST_DATES} more`) : null;
  return [
    h("p", null, `${plural(plan.total, "date")}, of which ${plan.already} already have a run:`),
    h("ul", { class: "reach card list", tabindex: 0, "aria-label": "Dates" }, dates, more),
    h("p", null, actionButton("Start backfill", start, { class: "main", id: "start-backfill" })),
  ];
}

/** @param {Api.Backfill[]} backfills @param {Changed} changed */
function backfillTable(backfills, changed) {
  return table(
    "Backfills",
    ["Range", "State", "Progress", "Active runs", "Created", ""],
    backfills.map((backfill) => [
      `${shortTime(backfill.from_date)} to ${shortTime(backfill.to_date)}`,
      [badge(backfill.state), backfill.reason ? h("div", { class: "quiet" }, backfill.reason) : null],
      Object.entries(backfill.counts)
        .map(([name, number]) => `${number} ${name.replaceAll("_", " ")}`)
        .join(", ") || "nothing yet",
      String(backfill.active_runs),
      liveTime("ago", backfill.created_at),
      h(
        "div",
        { class: "row" },
        actionButtons(backfillActions(backfill, changed), backfill.actions, (name) => `${name}-${backfill.id}`),
      ),
    ]),
    "stack",
  );
}

/**
 * @param {Api.Backfill} backfill
 * @param {Changed} changed
 * @returns {Record<Api.Backfill["actions"][number], import("../lib/session.js").Action>}
 */
const backfillActions = (backfill, changed) => ({
  pause: { label: "Pause", act: () => setPaused(backfill, true, changed) },
  resume: { label: "Resume", act: () => setPaused(backfill, false, changed) },
  cancel: { label: "Cancel…", act: () => cancel(backfill, changed) },
  stop_running: { label: "Stop runs…", act: () => stopRuns(backfill, changed) },
});

/** @param {Api.Backfill} backfill @param {boolean} isPaused @param {Changed} changed */
async function setPaused({ id }, isPaused, changed) {
  try {
    if (isPaused) await send("POST", /** @type {const} */ (`backfills/${segment(id)}/pause`));
    else await send("POST", /** @type {const} */ (`backfills/${segment(id)}/resume`));
    notify(isPaused ? "Backfill paused" : "Backfill resumed");
  } catch (error) {
    notify(messageOf(error));
  }
  await changed();
}

/** @param {Api.Backfill} backfill @param {Changed} changed */
function cancel({ id }, changed) {
  const box = h("input", { type: "checkbox", id: "stop-running" });
  confirm({
    title: "Cancel this backfill",
    text: "No more runs are created, and queued runs are cancelled. Runs that have started finish.",
    options: h("p", null, ticked(box, "Also stop runs that have started")),
    label: "Cancel backfill",
    act: () => send("POST", /** @type {const} */ (`backfills/${segment(id)}/cancel`), { stop_running: box.checked }),
    done: changed,
  });
}

/** Stop what a cancelled backfill left running. @param {Api.Backfill} backfill @param {Changed} changed */
function stopRuns({ id, active_runs: number }, changed) {
  confirm({
    title: "Stop the runs of this backfill",
    text: `${plural(number, "run")} had started before it was cancelled.`,
    label: "Stop runs",
    act: () => send("POST", /** @type {const} */ (`backfills/${segment(id)}/cancel`), { stop_running: true }),
    done: changed,
  });
}

// Backfill: choose a date range, preview the runs, start them. Below, the backfills of the DAG.
import { get, getExactly, messageOf, segment, send } from "../lib/api.js";
import { button, empty, h, labelled, notify, select, show, table, ticked } from "../lib/dom.js";
import { clearErrors, fieldError, focusError, showErrors } from "../lib/form-errors.js";
import { fullTime, plural, shortTime } from "../lib/format.js";
import { displayed } from "../lib/json.js";
import { liveTime } from "../lib/live-time.js";
import { hrefTo } from "../lib/router.js";
import { actionButton, actionButtons, isOperator, readOnlyReason } from "../lib/session.js";
import { instantOf, lastDays, monthBefore, wholeMonth } from "../lib/zoned-time.js";
import { badge } from "../widgets/badge.js";
import { confirm } from "../widgets/confirm-dialog.js";
import { inputsOf, paramField, readParams } from "../widgets/param-fields.js";

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
    show(
      list,
      page.backfills.length ? backfillTable(page.backfills, dag.timezone, load) : empty("This DAG has no backfills."),
    );
  };
  show(body, await formOrReason(dag, load), h("h3", null, "Backfills of this DAG"), list);
  await context.poll(3, load);
}

/** @param {Api.DagDetail} dag @param {Changed} changed */
async function formOrReason(dag, changed) {
  const what = "A backfill runs a DAG for past dates of its schedule.";
  if (!dag.schedule.length) return empty(`${what} This DAG has no schedule. Run it manually instead.`);
  if (!isOperator()) return empty(`${what} ${readOnlyReason()}`);
  // Params with every number as the file has it, because they are sent back.
  const exact = dag.params.length ? await getExactly(/** @type {const} */ (`dags/${segment(dag.dag_id)}`)) : dag;
  return form(dag, exact.params, changed);
}

/** @param {Api.DagDetail} dag @param {Api.Param[]} params */
function formInputs(dag, params) {
  return {
    from: h("input", { id: "from", type: "datetime-local", step: 1, required: true }),
    to: h("input", { id: "until", type: "datetime-local", step: 1, required: true }),
    fields: params.map(paramField),
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

/** @typedef {ReturnType<typeof formInputs>} Inputs */

/** @param {Inputs} inputs @param {string} zone @param {object} params @param {boolean} isDryRun */
function requestBody({ from, to, reprocess, mostRuns, isLatest, isReverse }, zone, params, isDryRun) {
  return {
    from: new Date(instantOf(from.value, zone)).toISOString(),
    to: new Date(instantOf(to.value, zone)).toISOString(),
    dry_run: isDryRun,
    reprocess: reprocess.value,
    run_on_latest_version: isLatest.checked,
    reverse: isReverse.checked,
    ...(Object.keys(params).length ? { params } : {}),
    ...(mostRuns.value || mostRuns.validity.badInput ? { max_active_runs: Number(mostRuns.value) } : {}),
  };
}

/** @param {Api.DagDetail} dag @param {Api.Param[]} params @param {Changed} changed */
function form(dag, params, changed) {
  const inputs = formInputs(dag, params);
  const plan = h("div", { role: "status" });
  const trouble = h("div", { role: "alert" });
  /** @param {boolean} isDryRun @returns {Promise<Api.BackfillPlan | null>} null if it was refused */
  const request = async (isDryRun) => {
    clearErrors(element);
    show(trouble);
    const given = readParams(inputs.fields);
    for (const input of [inputs.from, inputs.to]) if (!input.value) fieldError(input, "Enter a date and a time.");
    if (!given || !inputs.from.value || !inputs.to.value) {
      focusError(element);
      return null;
    }
    const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/backfill`);
    try {
      return await send("POST", path, requestBody(inputs, dag.timezone, given, isDryRun));
    } catch (error) {
      const { from, to, mostRuns } = inputs;
      const named = { from, to, max_active_runs: mostRuns, ...inputsOf(inputs.fields) };
      showErrors(element, error, { inputs: named, trouble });
      return null;
    }
  };
  /** @param {Event} [event] */
  const preview = async (event) => {
    event?.preventDefault();
    const planned = await request(true);
    show(plan, planned && planText(planned, dag));
    const fresh = planned ? planned.total - planned.already : 0;
    const isForNew = inputs.reprocess.value === "none";
    startButton.hidden = !planned?.total || (isForNew && !fresh);
    startButton.textContent = isForNew ? `Start ${plural(fresh, "run")}` : "Start backfill";
  };
  const start = async () => {
    if (!(await request(false))) return;
    show(plan);
    startButton.hidden = true;
    notify("Backfill started");
    await changed();
  };
  const startButton = actionButton("Start", start, { class: "main", id: "start-backfill", hidden: true });
  const outdate = () => {
    show(plan);
    startButton.hidden = true;
  };
  const buttons = h("div", { class: "row" }, h("button", { type: "submit", id: "preview" }, "Preview"), startButton);
  const element = h(
    "form",
    { class: "backfill", onsubmit: preview, novalidate: true, onchange: outdate, oninput: outdate },
    h("p", { class: "quiet" }, "Runs the DAG for past dates of its schedule, such as days that were missed."),
    presets(inputs, dag.timezone, preview),
    formFields(inputs, dag.timezone),
    plan,
    h("div", { class: "foot" }, trouble, buttons),
  );
  return element;
}

/** @param {Inputs} inputs @param {string} zone */
function formFields(inputs, zone) {
  const { fields, reprocess, mostRuns, isLatest, isReverse } = inputs;
  const params = [
    h("summary", null, "Params"),
    h("p", { class: "help" }, "For new runs. Runs that exist keep theirs."),
    fields.map((field) => field.element),
  ];
  return [
    h("div", { class: "row" }, labelled(`From (${zone})`, inputs.from), labelled(`To (${zone})`, inputs.to)),
    fields.length ? h("details", { id: "backfill-params" }, params) : null,
    h(
      "div",
      { class: "row" },
      labelled("Dates that already have a run", reprocess),
      labelled("Max. active runs", mostRuns),
    ),
    h("p", null, ticked(isLatest, "Rerun them with the latest version of the file")),
    h("p", null, ticked(isReverse, "Start with the latest date")),
  ];
}

/** Ranges that are wanted often, and any month. @param {Inputs} inputs @param {string} zone @param {() => unknown} preview */
function presets({ from, to }, zone, preview) {
  const now = Date.now();
  /** @param {import("../lib/zoned-time.js").Range} range */
  const choose = (range) => {
    from.value = range.from;
    to.value = range.to;
    return preview();
  };
  /** @param {number} back */
  const month = (back) => choose(wholeMonth(monthBefore(back, now, zone), now, zone));
  const picked = h("input", {
    type: "month",
    id: "month",
    max: monthBefore(0, now, zone),
    placeholder: monthBefore(1, now, zone),
    onchange: (/** @type {Event} */ event) => {
      event.stopPropagation();
      if (/^\d{4}-\d{2}$/.test(picked.value)) choose(wholeMonth(picked.value, now, zone));
    },
  });
  return h(
    "div",
    { class: "row", role: "group", "aria-label": "Ranges" },
    button("Last 7 days", () => choose(lastDays(7, now, zone))),
    button("Last 30 days", () => choose(lastDays(30, now, zone))),
    button("This month", () => month(0)),
    button("Last month", () => month(1)),
    h("label", { class: "switch" }, "or a month", picked),
  );
}

/** @param {Api.BackfillPlan} plan @param {Api.DagDetail} dag */
function planText(plan, dag) {
  if (!plan.total) return empty("The schedule has no dates in this range.");
  const dates = plan.dates.slice(0, MOST_DATES).map((date) => h("li", null, fullTime(date, dag.timezone)));
  const more = plan.total > MOST_DATES ? h("li", null, `and ${plan.total - MOST_DATES} more`) : null;
  const already = plan.already ? `, of which ${plan.already} already have a run` : "";
  return [
    h("p", null, `${plural(plan.total, "date")}${already}:`),
    h("ul", { class: "reach card list", tabindex: 0, "aria-label": "Dates" }, dates, more),
  ];
}

/** @param {Api.Backfill[]} backfills @param {string} zone @param {Changed} changed */
function backfillTable(backfills, zone, changed) {
  return table(
    "Backfills",
    ["Range", "State", "Progress", "Active runs", "Created", ""],
    backfills.map((backfill) => [
      rangeCell(backfill, zone),
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

/** @param {Api.Backfill} backfill @param {string} zone */
function rangeCell({ id, from_date: from, to_date: to, params }, zone) {
  const given = Object.entries(params).map(([name, value]) => `${name}=${displayed(value)}`);
  return [
    `${shortTime(from, zone)} to ${shortTime(to, zone)}`,
    given.length ? h("div", { class: "quiet mono" }, given.join(", ")) : null,
    h("div", null, h("a", { href: hrefTo(["runs"], { backfill: id }), id: `runs-of-${id}` }, "Show its runs")),
  ];
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

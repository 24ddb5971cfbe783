// The runs of a DAG by day. A failure stands out; days with upcoming runs are outlined.
import { get, getAll, segment } from "../lib/api.js";
import { empty, h, show } from "../lib/dom.js";
import { dayOf, plural } from "../lib/format.js";
import { hrefTo, runLink } from "../lib/router.js";
import { mark, tally, toneClass } from "../lib/vocabulary.js";
import { legend } from "../widgets/badge.js";

const MOST_RUNS = 2000;
const MOST_MONTHS = 12;
const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
/** @type {Api.Run["state"][]} a day is shown in the first of these that one of its runs has */
const BY_URGENCY = ["failed", "running", "queued", "cancelled", "success"];

/** @typedef {{ runs: Map<string, Api.Run[]>, upcoming: Set<string> }} Days by day as 2026-11-23 */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/runs`);
  const nextPath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/next`);
  const isScheduled = dag.schedule.length > 0 && !dag.is_paused;
  await context.poll(15, async () => {
    const { items, isCut } = await getAll(path, "runs", { most: MOST_RUNS, signal: context.signal });
    const times = isScheduled ? (await get(nextPath, { count: 60 }, context.signal)).next_fire_times : [];
    draw(body, dag, items, isCut, times);
  });
}

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {Api.Run[]} runs @param {boolean} isCut @param {string[]} fireTimes */
function draw(body, dag, runs, isCut, fireTimes) {
  if (!runs.length) return show(body, empty("This DAG has not run yet."));
  /** @type {Days} */
  const days = {
    runs: Map.groupBy(runs, (run) => dayOf(run.logical_date, dag.timezone)),
    upcoming: new Set(fireTimes.map((time) => dayOf(time, dag.timezone))),
  };
  const months = [...new Set([...days.runs.keys(), ...days.upcoming].map((day) => day.slice(0, 7)))];
  const number = isCut ? `the latest ${runs.length} runs` : plural(runs.length, "run");
  show(
    body,
    h("p", { class: "quiet" }, `Days in ${dag.timezone}, ${number}.`),
    h(
      "div",
      { class: "calendar" },
      months
        .sort()
        .slice(-MOST_MONTHS)
        .map((month) => monthTable(dag, month, days)),
    ),
    legend(["success", "failed", "running", "cancelled"], "outlined: scheduled"),
  );
}

/** @param {Api.DagDetail} dag @param {string} month as 2026-11 @param {Days} days */
function monthTable(dag, month, days) {
  const first = new Date(`${month}-01T00:00:00Z`);
  const format = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
  const name = format.format(first);
  return h(
    "div",
    { class: "month card" },
    h("h3", null, name),
    h(
      "table",
      null,
      h("caption", { class: "unseen" }, name),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          WEEKDAYS.map((day) => h("th", { scope: "col" }, day)),
        ),
      ),
      h(
        "tbody",
        null,
        weeksOf(month, first).map((week) =>
          h(
            "tr",
            null,
            week.map((day) => h("td", null, day && dayCell(dag, day, days))),
          ),
        ),
      ),
    ),
  );
}

/** The days of a month by week, Monday first; null where a week has days of another month. @param {string} month @param {Date} first */
function weeksOf(month, first) {
  const length = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  const before = (first.getUTCDay() + 6) % 7;
  /** @type {(string | null)[]} */
  const cells = [
    ...Array(before).fill(null),
    ...Array.from({ length }, (_, i) => `${month}-${String(i + 1).padStart(2, "0")}`),
  ];
  return Array.from({ length: Math.ceil(cells.length / 7) }, (_, i) => cells.slice(i * 7, i * 7 + 7));
}

/** @param {Api.DagDetail} dag @param {string} day @param {Days} days */
function dayCell(dag, day, days) {
  const number = String(Number(day.slice(8)));
  const runs = days.runs.get(day);
  if (!runs) {
    const isUpcoming = days.upcoming.has(day);
    const attributes = { class: `day${isUpcoming ? " coming" : ""}`, title: isUpcoming ? "scheduled" : null };
    return h("span", attributes, number);
  }
  const state = BY_URGENCY.find((one) => runs.some((run) => run.state === one)) ?? "success";
  const shown = runs.find((run) => run.state === state) ?? runs[0];
  const isOneRun = runs.length === 1 || state === "failed";
  const label = `${day}: ${tally(runs.map((run) => run.state))}`;
  return h(
    "a",
    {
      class: `day ${toneClass(state)}`,
      href: isOneRun ? runLink(shown.run_id) : hrefTo(["runs"], { dag: dag.dag_id }),
      title: label,
      "aria-label": label,
    },
    state === "failed" ? mark(state) : number,
  );
}

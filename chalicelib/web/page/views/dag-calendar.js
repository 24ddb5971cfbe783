// The runs of a DAG by day. A failure stands out; days with upcoming runs are outlined.
import { get, segment } from "../lib/api.js";
import { button, empty, h, show } from "../lib/dom.js";
import { dayOf, plural } from "../lib/format.js";
import { currentRoute, hrefTo, runLink, setQuery } from "../lib/router.js";
import { mark, toneClass, word } from "../lib/vocabulary.js";
import { legend } from "../widgets/badge.js";

const MOST_MONTHS = 12;
const MOST_COUNTS = 3; // in a day
const WEEKDAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
/** A day has the colour of the first of these that it has. */
const BY_URGENCY = ["failed", "partial", "running", "queued", "cancelled", "success"];

/** @typedef {{ runs: Map<string, Api.DayOfRuns>, upcoming: Set<string> }} Days by day as 2026-11-23 */

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const path = /** @type {const} */ (`dags/${segment(dag.dag_id)}/days`);
  const nextPath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/next`);
  const isScheduled = dag.schedule.length > 0 && !dag.is_paused;
  const load = async () => {
    const page = await get(path, { cursor: currentRoute().query.get("from") }, context.signal);
    const times = isScheduled ? (await get(nextPath, { count: 60 }, context.signal)).next_fire_times : [];
    draw(body, dag, page, times);
  };
  context.onQuery = () => load().catch(() => {}); // the next refresh tells what is wrong
  await context.poll(15, load);
}

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {Api.DagDays} page @param {string[]} fireTimes */
function draw(body, dag, { days: found, next_cursor: next }, fireTimes) {
  const isLater = currentRoute().query.get("from");
  if (!found.length && !isLater) return show(body, empty("This DAG has not run yet."));
  /** @type {Days} */
  const days = {
    runs: new Map(found.map((day) => [day.date, day])),
    upcoming: new Set(isLater ? [] : fireTimes.map((time) => dayOf(time, dag.timezone))),
  };
  const months = [...new Set([...days.runs.keys(), ...days.upcoming].map((day) => day.slice(0, 7)))];
  const number = found.reduce((sum, day) => sum + total(day), 0);
  show(
    body,
    h("p", { class: "quiet" }, `Days in ${dag.timezone}, ${plural(number, "run")}.`),
    pager(next, isLater),
    h(
      "div",
      { class: "calendar" },
      months
        .sort()
        .slice(-MOST_MONTHS)
        .map((month) => monthTable(dag, month, days)),
    ),
    legend(["success", "failed", "partial", "running", "cancelled"], "outlined: scheduled"),
  );
}

/** @param {Api.DayOfRuns} day */
const total = ({ counts }) => Object.values(counts).reduce((sum, number) => sum + number, 0);

/** @param {string | null} next @param {string | null} isLater */
function pager(next, isLater) {
  if (!next && !isLater) return null;
  /** @param {string | null} from */
  const turn = (from) => () => setQuery({ from }, { isStep: true });
  return h(
    "p",
    { class: "row" },
    next ? button("← Older days", turn(next), { id: "older" }) : null,
    isLater ? button("Newest days →", turn(null), { id: "newest" }) : null,
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
  const found = days.runs.get(day);
  if (!found) {
    const isUpcoming = days.upcoming.has(day);
    const attributes = { class: `day${isUpcoming ? " coming" : ""}`, title: isUpcoming ? "scheduled" : null };
    return h("span", attributes, number);
  }
  const counts = countsOf(found);
  const [[state]] = counts;
  const label = `${day}: ${counts.map(([name, count]) => `${count} ${word(name)}`).join(", ")}`;
  const isOneRun = total(found) === 1;
  return h(
    "a",
    {
      class: `day ${toneClass(state)}`,
      href: isOneRun ? runLink(found.run_id) : hrefTo(["runs"], { dag: dag.dag_id, ...dates(day) }),
      title: label,
      "aria-label": label,
    },
    h("span", { class: "date" }, number),
    counts.slice(0, MOST_COUNTS).map(([name, count]) => h("span", null, `${mark(name)}${count}`)),
  );
}

/** A day as the filters of the list of runs take it. @param {string} day */
const dates = (day) => ({ from: day, to: day });

/** How many runs ended how, what needs attention first. @param {Api.DayOfRuns} day */
function countsOf({ counts, partial }) {
  /** @type {Record<string, number>} */
  const all = { ...counts, partial, success: (counts.success ?? 0) - partial };
  return BY_URGENCY.flatMap((name) => (all[name] ? [/** @type {const} */ ([name, all[name]])] : []));
}

// Runs by day, month beside month: a failure stands out, what comes is outlined.
import { all, get, path } from "../lib/api.js";
import { empty, h, show } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { runLink, to } from "../lib/router.js";
import { badge, mark, word } from "../widgets/badge.js";

const MOST = 2000;
const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const NEED = ["failed", "running", "queued", "cancelled", "success"];

export async function tab(body, dag, context) {
  await context.poll(15, async () => {
    const { items, isCut } = await all(`dags/${path(dag.dag_id)}/runs`, "runs", {}, MOST, context.signal);
    const next =
      dag.schedule.length && !dag.is_paused
        ? (await get(`dags/${path(dag.dag_id)}/next`, { count: 60 }, context.signal)).next_fire_times
        : [];
    draw(body, dag, items, isCut, next);
  });
}

/** The day of a moment in a zone, as YYYY-MM-DD. */
const dayOf = (zone) => {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  return (iso) => format.format(new Date(iso));
};

function draw(body, dag, runs, isCut, next) {
  if (!runs.length) return show(body, empty("This DAG has not run yet, so there are no days to show."));
  const day = dayOf(dag.timezone);
  const byDay = Map.groupBy(runs, (run) => day(run.logical_date));
  const coming = new Set(next.map(day));
  const months = [...new Set([...byDay.keys(), ...coming].map((key) => key.slice(0, 7)))].sort().slice(-12);
  show(
    body,
    h(
      "p",
      { class: "quiet" },
      `Days in ${dag.timezone}. ${isCut ? `The newest ${runs.length} runs.` : `${count(runs.length, "run")} in all.`}`,
    ),
    h(
      "div",
      { class: "calendar" },
      months.map((month) => monthTable(dag, month, byDay, coming)),
    ),
    h(
      "div",
      { class: "legend" },
      ["success", "failed", "running", "cancelled"].map((state) => badge(state)),
      h("span", null, "outlined: planned"),
    ),
  );
}

function monthTable(dag, month, byDay, coming) {
  const [year, number] = month.split("-").map(Number);
  const first = new Date(Date.UTC(year, number - 1, 1));
  const length = new Date(Date.UTC(year, number, 0)).getUTCDate();
  const before = (first.getUTCDay() + 6) % 7;
  const cells = [
    ...Array(before).fill(null),
    ...Array.from({ length }, (_, i) => `${month}-${String(i + 1).padStart(2, "0")}`),
  ];
  const weeks = Array.from({ length: Math.ceil(cells.length / 7) }, (_, i) => cells.slice(i * 7, i * 7 + 7));
  const name = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" }).format(first);
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
          DAYS.map((day) => h("th", { scope: "col" }, day)),
        ),
      ),
      h(
        "tbody",
        null,
        weeks.map((week) =>
          h(
            "tr",
            null,
            week.map((day) => h("td", null, day && dayCell(dag, day, byDay.get(day), coming.has(day)))),
          ),
        ),
      ),
    ),
  );
}

function dayCell(dag, day, runs, isComing) {
  const number = String(Number(day.slice(8)));
  if (!runs) return h("span", { class: `day${isComing ? " coming" : ""}`, title: isComing ? "planned" : null }, number);
  const state = NEED.find((one) => runs.some((run) => run.state === one)) ?? "success";
  const tally = Object.entries(Object.groupBy(runs, (run) => run.state))
    .map(([one, some]) => `${some.length} ${word(one)}`)
    .join(", ");
  const worst = runs.find((run) => run.state === state);
  const href =
    runs.length === 1
      ? runLink(worst.run_id)
      : state === "failed"
        ? runLink(worst.run_id)
        : to(["runs"], { dag: dag.dag_id });
  return h(
    "a",
    { class: `day f-${state}`, href, title: `${day}: ${tally}`, "aria-label": `${day}: ${tally}` },
    state === "failed" ? mark("failed") : number,
  );
}

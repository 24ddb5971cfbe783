// A schedule in words: the usual forms here, the rest by a library that is fetched when needed.
import { h } from "../lib/dom.js";

const DAYS = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];
const MACROS = {
  "@hourly": "every hour",
  "@daily": "daily at 00:00",
  "@midnight": "daily at 00:00",
  "@weekly": "Sundays at 00:00",
  "@monthly": "on day 1 of every month at 00:00",
  "@yearly": "on 1 January at 00:00",
  "@annually": "on 1 January at 00:00",
  "@once": "once",
};

/** Null where it takes the library. */
export function inWords(expression) {
  if (MACROS[expression]) return MACROS[expression];
  if (expression.startsWith("@every")) return `every ${expression.slice(7)}`;
  const fields = expression.split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, day, month, weekday] = fields;
  const isAny = (...some) => some.every((field) => field === "*");
  const every = /^\*\/(\d+)$/;
  if (isAny(hour, day, month, weekday)) {
    if (minute === "*") return "every minute";
    if (every.test(minute)) return `every ${every.exec(minute)[1]} minutes`;
    if (/^\d+$/.test(minute)) return `every hour at :${minute.padStart(2, "0")}`;
  }
  if (!/^\d+$/.test(minute) || !/^\d+$/.test(hour) || !isAny(month)) return null;
  const at = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (isAny(day, weekday)) return `daily at ${at}`;
  if (isAny(day) && weekday === "1-5") return `on weekdays at ${at}`;
  if (isAny(day) && /^[0-6]$/.test(weekday)) return `${DAYS[weekday]} at ${at}`;
  if (isAny(weekday) && /^\d+$/.test(day)) return `on day ${day} of every month at ${at}`;
  return null;
}

const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The schedule of a DAG for people, its zone named where it is not theirs; the expression itself is
 * its title. */
export function schedule(dag, { zone = true } = {}) {
  if (!dag.schedule.length) return h("span", { class: "quiet" }, "only when asked");
  const text = h("span", { title: `${dag.schedule.join(", ")} (${dag.timezone})` });
  const words = dag.schedule.map(inWords);
  const put = () => {
    const said = words.map((known, i) => known ?? dag.schedule[i]).join(", and ");
    const hasClock = /\d:\d\d/.test(said); // "every 30 minutes" is the same in all zones
    text.textContent = said + (zone && hasClock && dag.timezone !== ownZone ? ` (${dag.timezone})` : "");
  };
  put();
  words.forEach((known, i) => {
    if (known === null) {
      library().then((cron) => {
        words[i] = lowered(cron, dag.schedule[i]);
        put();
      });
    }
  });
  return text;
}

function lowered(cron, expression) {
  try {
    const words = cron.toString(expression, { use24HourTimeFormat: true });
    return words[0].toLowerCase() + words.slice(1);
  } catch {
    return expression;
  }
}

let loading = null;
function library() {
  loading ??= import("../vendor/cronstrue.js").then(() => globalThis.cronstrue);
  return loading;
}

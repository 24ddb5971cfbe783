// The usual schedules in words. Pure.

const DAYS = ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];
/** @type {{ [macro: string]: string }} */
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
const NUMBER = /^\d+$/;
const EVERY = /^\*\/(\d+)$/;

/**
 * A schedule expression in words, or null if it takes a library to read it.
 * @param {string} expression
 */
export function scheduleText(expression) {
  if (MACROS[expression]) return MACROS[expression];
  if (expression.startsWith("@every")) return `every ${expression.slice(7)}`;
  const fields = expression.split(/\s+/);
  if (fields.length !== 5) return null;
  const [minute, hour, ...days] = fields;
  if (hour === "*" && days.every((field) => field === "*")) return withinTheHour(minute);
  if (!NUMBER.test(minute) || !NUMBER.test(hour)) return null;
  const dayText = onDays(days);
  return dayText && `${dayText} at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
}

/** @param {string} minute */
function withinTheHour(minute) {
  if (minute === "*") return "every minute";
  const every = EVERY.exec(minute);
  if (every) return `every ${every[1]} minutes`;
  return NUMBER.test(minute) ? `every hour at :${minute.padStart(2, "0")}` : null;
}

/** @param {string[]} fields day of the month, month and day of the week */
function onDays([day, month, weekday]) {
  if (month !== "*") return null;
  if (day === "*" && weekday === "*") return "daily";
  if (day === "*" && weekday === "1-5") return "on weekdays";
  if (day === "*" && /^[0-6]$/.test(weekday)) return DAYS[Number(weekday)];
  if (weekday === "*" && NUMBER.test(day)) return `on day ${day} of every month`;
  return null;
}

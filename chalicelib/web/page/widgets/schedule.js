// A schedule in words: the usual forms at once, the others as soon as a library is loaded that reads them.
import { h } from "../lib/dom.js";
import { ownZone } from "../lib/format.js";
import { scheduleText } from "../lib/schedule-text.js";

/**
 * The schedule of a DAG, with its time zone if that differs from the viewer's. Its tooltip is the expression.
 * @param {{ schedule: string[], timezone: string }} dag
 * @param {{ hasZone?: boolean }} [options]
 */
export function scheduleOf(dag, { hasZone = true } = {}) {
  if (!dag.schedule.length) return h("span", { class: "quiet" }, "on demand");
  const element = h("span", { title: `${dag.schedule.join(", ")} (${dag.timezone})` });
  const texts = dag.schedule.map(scheduleText);
  const draw = () => {
    const text = texts.map((known, i) => known ?? dag.schedule[i]).join(", and ");
    const hasClock = /\d:\d\d/.test(text); // "every 30 minutes" is the same in all zones
    element.textContent = hasZone && hasClock && dag.timezone !== ownZone() ? `${text} (${dag.timezone})` : text;
  };
  draw();
  texts.forEach(async (known, i) => {
    if (known !== null) return;
    texts[i] = inWords(await cronLibrary(), dag.schedule[i]);
    draw();
  });
  return element;
}

/** @param {any} library @param {string} expression */
function inWords(library, expression) {
  try {
    const words = library.toString(expression, { use24HourTimeFormat: true });
    return words[0].toLowerCase() + words.slice(1);
  } catch {
    return expression;
  }
}

/** @type {Promise<any> | null} */
let loading = null;
function cronLibrary() {
  // It is a script that leaves a global, not a module with exports.
  loading ??= import("../vendor/cronstrue.js").then(() => Reflect.get(globalThis, "cronstrue"));
  return loading;
}

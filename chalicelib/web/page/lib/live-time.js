// Times that are told relative to now, and move on while somebody looks.
import { h } from "./dom.js";
import { fullTime, relative } from "./format.js";

/** @typedef {import("./format.js").Direction} Direction */

/**
 * @param {Direction} direction
 * @param {string | null | undefined} iso
 */
export function liveTime(direction, iso) {
  if (!iso) return "";
  const then = Date.parse(iso);
  const attributes = { datetime: iso, title: fullTime(iso), "data-direction": direction, "data-then": then };
  return h("time", attributes, relative(direction, then, Date.now()));
}

/** Move all of them on; to be called once a second. */
export function tickTimes() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("time[data-direction]")) {
    const { direction, then } = /** @type {HTMLElement} */ (element).dataset;
    const text = relative(/** @type {Direction} */ (direction), Number(then), Date.now());
    if (element.textContent !== text) element.textContent = text;
  }
}

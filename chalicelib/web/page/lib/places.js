// Where somebody was in each view of the browser's history, so that Back returns there: how far it was scrolled, and
// what had the focus.

/** @typedef {{ scrollY: number, name: string | null, top: number }} Place name: of the focused element; top: where it was */

/** @type {Map<string, Place>} by entry of the history */
const places = new Map();
let entry = "";
let entries = 0;

history.scrollRestoration = "manual";

/** Remember where the view that is about to be left stands. */
export function leavePlace() {
  const focused = document.activeElement;
  const name = focused instanceof HTMLElement && focused.closest("main") ? nameOf(focused) : null;
  places.set(entry, { scrollY, name, top: focused?.getBoundingClientRect().top ?? 0 });
}

/** Begin an entry of the history, or return to one. @returns {Place | null} where that was left; null for a new one */
export function enterPlace() {
  const state = history.state ?? {};
  entries += 1;
  entry = state.place ?? `${Date.now()}-${entries}`;
  if (!state.place) history.replaceState({ ...state, place: entry }, "");
  return places.get(entry) ?? null;
}

/** Scroll to a place, and focus what had the focus there. The focused row is where it was, although others came above it. @param {Place} place */
export function returnTo({ scrollY: y, name, top }) {
  scrollTo(0, y);
  const element = name ? named(name) : null;
  if (!element) return;
  element.focus({ preventScroll: true });
  scrollBy(0, element.getBoundingClientRect().top - top);
}

/** @param {HTMLElement} element */
const nameOf = (element) => (element.id ? `#${element.id}` : element.getAttribute("href"));

/** @param {string} name @returns {HTMLElement | null} */
function named(name) {
  const all = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("main [id], main a[href]"));
  return [...all].find((element) => nameOf(element) === name) ?? null;
}

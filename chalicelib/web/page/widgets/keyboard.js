// The keyboard shortcuts, and the dialog that lists them.
import { button, h, notify, openDialog } from "../lib/dom.js";

const SHORTCUTS = [
  ["Ctrl K", "find a DAG, run, task or action"],
  ["/", "search"],
  ["j and k", "next and previous in a list"],
  ["l", "the log of the selected task"],
  ["g then h, d, r", "Home, DAGs, Runs"],
  ["arrows, + − 0", "in a graph: move, zoom, show all"],
  ["Esc", "close a dialog"],
  ["?", "show these shortcuts"],
];
const SEQUENCE_MS = 1000;
/** @type {{ [key: string]: string }} after g */
const PLACES = { h: "#/", d: "#/dags", r: "#/runs" };

/** @type {{ [key: string]: () => void }} */
const ACTIONS = {
  g: () => {
    pressedG = Date.now();
  },
  "?": showShortcuts,
  "/": () => /** @type {HTMLElement | null} */ (document.querySelector("main input[type=search]"))?.focus(),
  j: () => step(1),
  k: () => step(-1),
  l: () => document.getElementById("log")?.focus(),
};
let pressedG = 0;

/** Handle a key, unless somebody types or a dialog is open. @param {KeyboardEvent} event */
export function onKey(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isTyping = target.closest?.("input:not([type=checkbox]), textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (Date.now() - pressedG < SEQUENCE_MS && PLACES[event.key]) {
    pressedG = 0;
    location.hash = PLACES[event.key];
    return;
  }
  if (!ACTIONS[event.key]) return;
  event.preventDefault();
  ACTIONS[event.key]();
}

/** Go to the next or the previous item of the lists. @param {1 | -1} direction */
function step(direction) {
  const items = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("main [data-item]"))].filter(
    (item) => item.offsetParent,
  );
  if (!items.length) return notify("There is no list on this page");
  const current = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = items[Math.min(items.length - 1, Math.max(0, current + direction))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

export function showShortcuts() {
  const dialog = openDialog(
    { "aria-label": "Keyboard shortcuts" },
    h("h2", null, "Keyboard shortcuts"),
    h(
      "dl",
      { class: "keys" },
      SHORTCUTS.map(([key, text]) => [h("dt", null, h("kbd", null, key)), h("dd", null, text)]),
    ),
    button("Close", () => dialog.close()),
  );
}

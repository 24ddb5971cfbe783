// A state as people see it: its mark, its word and its colour.
import { h } from "../lib/dom.js";
import { mark, toneClass, word } from "../lib/vocabulary.js";

/**
 * @param {string} state
 * @param {string} [text] instead of the word of the state
 */
export function badge(state, text = word(state)) {
  return h(
    "span",
    { class: `badge ${toneClass(state)}` },
    h("span", { "aria-hidden": "true", class: "mark" }, mark(state)),
    text,
  );
}

/**
 * What the colours of a chart mean.
 * @param {readonly string[]} states
 * @param {...import("../lib/dom.js").Child} more
 */
export function legend(states, ...more) {
  return h(
    "div",
    { class: "legend" },
    states.map((state) => badge(state)),
    more.map((text) => h("span", null, text)),
  );
}

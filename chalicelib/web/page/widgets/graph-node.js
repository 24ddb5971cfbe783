// The boxes and frames of a graph: one for each task, one for each group of tasks.
import { s } from "../lib/dom.js";
import { duration, shortened } from "../lib/format.js";
import { countsOf, countsText } from "../lib/task-counts.js";
import { mark, mostUrgent, toneClass, word } from "../lib/vocabulary.js";

export const BOX = { width: 152, height: 38 };
const LETTERS = 19;
const TEXT_LETTERS = 22;
const PILE = 3; // pixels by which the boxes below the first one of a pile can be seen
const PORTIONS = 3; // height

/**
 * @typedef {object} TaskSummary what a box shows of the instances of a task, or of the tasks of a group
 * @property {string[]} states
 * @property {number} tries
 * @property {number | null} duration
 * @property {boolean} isStarting a machine for it is being started
 * @property {string} reason what it waits for, or why it failed
 */
/**
 * @typedef {object} NodeContent
 * @property {string} id of the box
 * @property {string} name
 * @property {TaskSummary | undefined} summary
 * @property {string} hint what is special about a task that has not run
 * @property {boolean} isPile several instances or tasks
 * @property {boolean} isChosen
 * @property {string | null} href
 * @property {string} after the tasks that it comes after, in words
 * @property {number} cut how many of its neighbours are left out
 */

/** @param {import("../lib/graph-plan.js").Place} at @param {NodeContent} content */
export function node(at, content) {
  const { id, summary, isPile, isChosen, href } = content;
  const state = mostUrgent(summary?.states ?? []);
  const corner = { x: at.x - BOX.width / 2, y: at.y - BOX.height / 2 };
  const inside = [
    s("title", null, titleOf(content, state)),
    isPile ? s("rect", { class: "pile", x: corner.x + PILE, y: corner.y + PILE, ...BOX, rx: 7 }) : null,
    s("rect", { class: "frame", ...corner, ...BOX, rx: 7 }),
    summary
      ? s("rect", { class: "side", x: corner.x + 1, y: corner.y + 6, width: 4, height: BOX.height - 12, rx: 2 })
      : null,
    texts(corner, content, state),
    summary && isPile ? portions(corner, summary.states) : null,
  ];
  const classes = `node ${toneClass(state)}${isChosen ? " chosen" : ""}`;
  if (!href) return s("g", { class: classes, "data-box": id }, inside);
  const current = isChosen ? "true" : null;
  return s("a", { class: classes, href, id: `n-${id}`, "data-box": id, "aria-current": current }, inside);
}

/** @param {{ x: number, y: number }} corner @param {NodeContent} content @param {string} state */
function texts({ x, y }, { name, summary, hint, isPile, cut }, state) {
  const left = x + 13;
  return [
    s("text", { x: left, y: y + 15 }, shortened(isPile && summary ? named(name, summary) : name, LETTERS)),
    s(
      "text",
      { class: "quiet", x: left, y: y + 29 },
      shortened(summary ? summaryText(state, summary, isPile) : hint, TEXT_LETTERS),
    ),
    cut
      ? s(
          "text",
          { class: "quiet", x: x + BOX.width - 6, y: y + 15, "text-anchor": "end" },
          s("title", null, `${cut} more neighbours`),
          `+${cut}`,
        )
      : null,
  ];
}

/** The name with the number; a long name is cut, the number never. @param {string} name @param {TaskSummary} summary */
function named(name, { states }) {
  const count = ` × ${states.length}`;
  return shortened(name, LETTERS - count.length) + count;
}

/** How many are in which state, as a line at the bottom of the box. @param {{ x: number, y: number }} corner @param {string[]} states */
function portions(corner, states) {
  const width = BOX.width - 14;
  let x = corner.x + 7;
  return countsOf(states).map(({ tone, number }) => {
    const portion = s("rect", {
      class: `portion ${tone}`,
      x,
      y: corner.y + BOX.height - PORTIONS - 1,
      width: (number / states.length) * width,
      height: PORTIONS,
    });
    x += (number / states.length) * width;
    return portion;
  });
}

/** @param {NodeContent} content @param {string} state */
function titleOf({ name, summary, hint, isPile, after }, state) {
  const what = summary
    ? [isPile ? `${summary.states.length}: ${countsText(summary.states)}` : stateText(state, summary)]
    : [];
  const tries = summary && summary.tries > 1 ? [`try ${summary.tries}`] : [];
  const reason = summary?.reason ? [summary.reason] : [];
  const parts = [...what, ...tries, ...reason, ...(summary || !hint ? [] : [hint]), ...(after ? [after] : [])];
  return parts.length ? `${name}: ${parts.join(", ")}` : name;
}

/** @param {string} state @param {TaskSummary} summary */
const stateText = (state, { isStarting }) => (isStarting ? "starting" : word(state));

/** @param {string} state @param {TaskSummary} summary @param {boolean} isPile */
function summaryText(state, summary, isPile) {
  if (isPile) return countsText(summary.states, TEXT_LETTERS);
  const { duration: took, tries } = summary;
  const more = [took !== null && state !== "skipped" ? duration(took) : "", tries > 1 ? `try ${tries}` : ""].filter(
    Boolean,
  );
  const text = [`${mark(state)} ${stateText(state, summary)}`, ...more].join(" · ");
  // Of what is too long, the mark stands for the state.
  return text.length <= TEXT_LETTERS ? text : `${mark(state)} ${more.join(" · ")}`;
}

/** The frame around the tasks of an open group; its name folds it. @param {import("../lib/graph-plan.js").Frame} frame @param {string} name @param {string} href */
export function groupFrame({ id, x, y, width, height }, name, href) {
  return s(
    "g",
    { class: "group-frame" },
    s("rect", { x, y, width, height, rx: 9 }),
    s(
      "a",
      { href, id: `n-${id}` },
      s("title", null, `Fold the group ${name}`),
      s("text", { class: "quiet", x: x + 8, y: y + 13 }, `▾ ${shortened(name, LETTERS)}`),
    ),
  );
}

// The dialog before something is changed. It lists what will be touched.
import { messageOf } from "../lib/api.js";
import { button, errorText, h, notify, openDialog, show } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { plural } from "../lib/format.js";
import { badge } from "./badge.js";

const MOST = 200;

/** @typedef {{ task_id: string, map_index: number, state: string }} TouchedTask */
/**
 * @typedef {object} Confirmation
 * @property {string} title
 * @property {string} label of the button that confirms
 * @property {() => unknown} act what is done then; if it fails, the dialog stays open and says why
 * @property {() => unknown} [done] called after it succeeded
 * @property {string} [text]
 * @property {TouchedTask[]} [tasks] listed with their states
 * @property {import("../lib/dom.js").Child} [options] form fields above that list
 */

/**
 * Open the dialog. `update` shows other tasks and another label, `refuse` why it cannot be done.
 * @param {Confirmation} confirmation
 */
export function confirm({ title, label, act, done, text, tasks = [], options }) {
  const list = h("div");
  const trouble = h("div", { role: "alert" });
  const run = async () => {
    yes.disabled = true;
    try {
      await act();
      dialog.close();
      notify("Done");
      await done?.();
    } catch (error) {
      show(trouble, errorText(messageOf(error)));
      yes.disabled = false;
    }
  };
  const yes = h("button", { type: "button", class: "main", id: "confirm", onclick: run }, label);
  const dialog = openDialog(
    { "aria-labelledby": "confirm-title" },
    h("h2", { id: "confirm-title" }, title),
    text ? h("p", null, text) : null,
    options,
    list,
    trouble,
    h(
      "div",
      { class: "row foot" },
      yes,
      button("Cancel", () => dialog.close(), { id: "close-dialog" }),
    ),
  );
  /** @param {TouchedTask[]} items @param {string} words */
  const update = (items, words) => {
    show(list, taskList(items));
    show(trouble);
    yes.textContent = words;
    yes.disabled = false;
  };
  /** @param {string} message */
  const refuse = (message) => {
    show(list);
    show(trouble, errorText(message));
    yes.disabled = true;
  };
  update(tasks, label);
  return { update, refuse };
}

/** @param {TouchedTask[]} tasks */
function taskList(tasks) {
  if (!tasks.length) return null;
  const repeated = tasks.filter((task) => task.state === "success").length;
  const items = tasks.slice(0, MOST).map((task) => h("li", null, h("span", null, taskName(task)), badge(task.state)));
  return h(
    "div",
    null,
    h("ul", { class: "reach", tabindex: 0, "aria-label": "Tasks this affects" }, items),
    tasks.length > MOST ? h("p", { class: "quiet" }, `and ${tasks.length - MOST} more`) : null,
    repeated
      ? h(
          "p",
          { class: "quiet" },
          `${plural(repeated, "of these tasks has", "of these tasks have")} already succeeded. `,
          "Side effects, such as sending an email, may happen twice.",
        )
      : null,
  );
}

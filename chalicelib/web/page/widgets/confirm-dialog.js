// Before anything is changed: a dialog that says what is about to be touched.
import { button, h, say } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { count } from "../lib/format.js";
import { badge } from "./badge.js";

const SHOWN = 200;

/** `tasks` are listed with their states, `options` stand above them. It closes when `act` has
 * succeeded; otherwise it says what was wrong. */
export function confirm({ title, tasks, text, label, act, done, options }) {
  const list = h("div");
  const trouble = h("div", { role: "alert" });
  const yes = h("button", { type: "button", class: "main", id: "confirm", onclick: run }, label);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "confirm-title" },
    h("h2", { id: "confirm-title" }, title),
    text ? h("p", null, text) : null,
    options,
    list,
    trouble,
    h(
      "div",
      { class: "row" },
      yes,
      button("Leave it", () => dialog.close(), { id: "leave" }),
    ),
  );
  async function run() {
    yes.disabled = true;
    try {
      await act();
      dialog.close();
      say("Done");
      await done?.();
    } catch (error) {
      trouble.replaceChildren(h("p", { class: "cause" }, error.message));
      yes.disabled = false;
    }
  }
  const reach = (items, words) => {
    list.replaceChildren(reachList(items));
    trouble.replaceChildren();
    yes.textContent = words;
    yes.disabled = false;
  };
  const refuse = (message) => {
    list.replaceChildren();
    trouble.replaceChildren(h("p", { class: "cause" }, message));
    yes.disabled = true;
  };
  reach(tasks, label);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { reach, refuse };
}

function reachList(tasks) {
  if (!tasks.length) return "";
  const twice = tasks.filter((task) => task.state === "success").length;
  return h(
    "div",
    null,
    h(
      "ul",
      { class: "reach", tabindex: 0, "aria-label": "Tasks that this touches" },
      tasks.slice(0, SHOWN).map((task) => h("li", null, h("span", null, taskName(task)), badge(task.state))),
    ),
    tasks.length > SHOWN ? h("p", { class: "quiet" }, `and ${tasks.length - SHOWN} more`) : null,
    twice
      ? h(
          "p",
          { class: "quiet" },
          `${count(twice, "task")} of these had succeeded: what ${twice === 1 ? "it does" : "they do"} outside, such as sending a mail, may happen twice.`,
        )
      : null,
  );
}

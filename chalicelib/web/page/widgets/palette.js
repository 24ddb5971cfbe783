// The palette: one field that finds DAGs, runs, tasks, views and actions, and goes there or does it.
import { get, isAbort, messageOf, segment } from "../lib/api.js";
import { h, openDialog, show } from "../lib/dom.js";
import { shortTime } from "../lib/format.js";
import { currentRoute, dagLink, hrefTo, runLink } from "../lib/router.js";
import { word } from "../lib/vocabulary.js";

const WAIT_MS = 150; // after the last key
const MOST = 7; // of each kind
const HEADS = "main .head button[id], main .run-head button[id], main .selection button[id]"; // where actions are
const MOST_TASKS = 500; // of the run or DAG that is shown

/** @typedef {{ kind: string, text: string, about?: string, act: () => unknown }} Item */

/** Open the palette. */
export const palette = () => new Palette().open();

class Palette {
  constructor() {
    /** @type {Item[]} */
    this.items = [];
    this.chosen = 0;
    this.here = pageItems();
    this.ended = new AbortController();
    this.search = new AbortController();
    this.tasks = tasksHere(this.ended.signal).catch(() => []);
    this.list = h("ul", { id: "palette-list", role: "listbox", "aria-label": "Results" });
    this.status = h("p", { class: "quiet", role: "status", id: "palette-status" });
    this.input = h("input", {
      id: "palette-input",
      type: "search",
      role: "combobox",
      "aria-label": "Search DAGs, runs, tasks and actions",
      "aria-controls": "palette-list",
      "aria-expanded": "true",
      "aria-autocomplete": "list",
      autocomplete: "off",
      placeholder: "DAG, run, task or action",
      oninput: () => this.#find(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
  }

  open() {
    const { input, status, list } = this;
    this.dialog = openDialog({ "aria-label": "Go to", class: "palette" }, input, status, list);
    this.dialog.addEventListener("close", () => {
      this.ended.abort();
      this.search.abort();
    });
    this.#find();
  }

  /** @param {Item[]} items */
  #draw(items) {
    this.items = items;
    this.chosen = Math.min(this.chosen, Math.max(0, items.length - 1));
    show(
      this.list,
      items.map((item, i) => row(item, i, i === this.chosen, () => this.#choose(item))),
    );
    this.input.setAttribute("aria-activedescendant", items.length ? `palette-${this.chosen}` : "");
    document.getElementById(`palette-${this.chosen}`)?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Item} item */
  #choose(item) {
    this.dialog?.close();
    item.act();
  }

  async #find() {
    this.search.abort();
    this.search = new AbortController();
    const { signal } = this.search;
    const text = this.input.value.trim();
    const near = this.here.filter((item) => fits(item, text)).slice(0, text ? MOST : 2 * MOST);
    this.chosen = 0;
    this.#draw(near);
    show(this.status, text ? "Searching…" : null);
    if (!text) return;
    await new Promise((resolve) => {
      setTimeout(resolve, WAIT_MS);
    });
    if (signal.aborted) return;
    try {
      const tasks = (await this.tasks).filter((item) => fits(item, text)).slice(0, MOST);
      const found = distinct([...tasks, ...(await remote(text, signal)), ...near]);
      if (signal.aborted) return;
      this.#draw(found);
      show(this.status, found.length ? null : "Nothing found");
    } catch (error) {
      if (!isAbort(error)) show(this.status, messageOf(error));
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { items, chosen } = this;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      this.chosen = (chosen + step + items.length) % items.length;
      this.#draw(items);
    } else if (event.key === "Enter" && items[chosen]) {
      event.preventDefault();
      this.#choose(items[chosen]);
    }
  }
}

/** @param {Item} item @param {number} index @param {boolean} isChosen @param {() => void} act */
function row(item, index, isChosen, act) {
  return h(
    "li",
    { id: `palette-${index}`, role: "option", "aria-selected": String(isChosen), onclick: act },
    h("span", { class: "kind" }, item.kind),
    h("span", null, item.text, item.about ? h("span", { class: "quiet" }, ` ${item.about}`) : null),
  );
}

/** Each word of `text` is somewhere in the item. @param {Item} item @param {string} text */
function fits({ kind, text: own, about = "" }, text) {
  const all = `${kind} ${own} ${about}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((part) => all.includes(part));
}

/** @param {Item[]} items */
const distinct = (items) => [
  ...new Map(items.map((item) => [`${item.kind} ${item.text} ${item.about}`, item])).values(),
];

/** @param {string} href */
const go = (href) => () => {
  location.hash = href;
};

/** The actions of the page that is shown, and the other views. */
function pageItems() {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(HEADS));
  const actions = [...buttons]
    .filter((button) => !button.disabled && button.getAttribute("aria-disabled") !== "true")
    .map((button) => item("Action", textOf(button), () => document.getElementById(button.id)?.click()));
  const tools = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#tools button[id]"));
  const settings = [...tools].map((button) => item("Action", textOf(button), () => button.click()));
  const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("#nav a"));
  const views = [...links].map((link) => item("View", textOf(link), go(link.getAttribute("href") ?? "#/")));
  const lists = [
    item("View", "Failed runs that need attention", go(hrefTo(["runs"], { state: "failed", acknowledged: false }))),
    item("View", "Runs in progress", go(hrefTo(["runs"], { state: "running" }))),
  ];
  return [...actions, ...views, ...lists, ...settings];
}

/** @param {string} kind @param {string} text @param {() => unknown} act @param {string} [about] @returns {Item} */
const item = (kind, text, act, about) => ({ kind, text, act, about });

/** @param {HTMLElement} element */
const textOf = (element) => element.getAttribute("aria-label") ?? element.textContent?.trim() ?? "";

/** The tasks of the run or the DAG that is shown. @param {AbortSignal} signal @returns {Promise<Item[]>} */
async function tasksHere(signal) {
  const [view, id] = currentRoute().parts;
  if (view === "runs" && id) {
    const run = await get(/** @type {const} */ (`runs/${segment(id)}`), { limit: MOST_TASKS }, signal);
    const ids = [...new Set(run.task_instances.map((task) => task.task_id))];
    return ids.map((task) => item("Task", task, go(runLink(id, { task })), "of this run"));
  }
  if (view === "dags" && id) {
    const dag = await get(/** @type {const} */ (`dags/${segment(id)}`), {}, signal);
    return dag.tasks.map((task) => item("Task", task.id, go(dagLink(id, { tab: "graph" })), `of ${id}`));
  }
  return [];
}

/** What the API knows of. @param {string} text @param {AbortSignal} signal @returns {Promise<Item[]>} */
async function remote(text, signal) {
  const name = text.slice(0, 200);
  const [dags, runs, tasks, run] = await Promise.all([
    get("dags", { search: name, limit: MOST }, signal),
    get("runs", { name, limit: MOST }, signal),
    get("task_instances", { task_id: text.slice(0, 100), limit: MOST }, signal),
    text.includes("__")
      ? get(/** @type {const} */ (`runs/${segment(text)}`), { limit: 1 }, signal).catch(() => null)
      : null,
  ]);
  return [
    ...(run ? [runItem(run)] : []),
    ...dags.dags.flatMap((dag) => dagItems(dag)),
    ...runs.runs.map(runItem),
    ...tasks.task_instances.map((task) =>
      item(
        "Task",
        task.task_id,
        go(runLink(task.run_id, { task: task.task_id })),
        `${word(task.state)} in ${task.run_id}`,
      ),
    ),
  ];
}

/** @param {Api.Run | Api.RunDetail} run */
const runItem = (run) =>
  item("Run", run.dag_id, go(runLink(run.run_id)), `${shortTime(run.logical_date)}, ${word(run.state)}`);

/** The DAG, and what may be done with it. @param {Api.DagSummary} dag */
function dagItems(dag) {
  return [
    item("DAG", dag.name, go(dagLink(dag.dag_id)), dag.name === dag.dag_id ? "" : dag.dag_id),
    item("Action", `Run ${dag.name}…`, () => openRun(dag.dag_id), dag.dag_id),
  ];
}

/** @param {string} dagId */
async function openRun(dagId) {
  const { openRunForm } = await import("./run-form.js");
  openRunForm(dagId);
}

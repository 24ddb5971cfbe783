// The graph of a DAG: zoom, fit, search and folded groups. Of one that is too large for a picture: the part around
// one task, and all of it in numbers.
import { button, empty, h, s, show } from "../lib/dom.js";
import { duration, plural, shortened } from "../lib/format.js";
import { boxOf, foldedAtFirst, foldedGraph, groupsOf } from "../lib/graph-groups.js";
import { layOut } from "../lib/graph-layout.js";
import { neighbourhood } from "../lib/neighbourhood.js";
import { currentRoute, decoded, linkHere, runLink, setQuery } from "../lib/router.js";
import { GraphCanvas } from "./graph-canvas.js";
import { BOX, groupFrame, node } from "./graph-node.js";
import { explanation, levelTable, mostUrgentTask } from "./large-graph.js";
import { isStarting } from "./wait-reasons.js";

const LETTERS = 22;
const MOST_NODES = 300;
const MOST_NEAR = 40;
const MOST_NAMED = 3;
const NO_GROUP = "-";
const NEWEST = { map_index: null, try: null, poke: null }; // instance, attempt and poke of a task

/** @typedef {import("./graph-node.js").TaskSummary} TaskSummary */
/** @typedef {Map<string, TaskSummary>} Summaries */
/** @typedef {{ graph: Api.Graph, tasks: Api.Task[] }} DagShape */
/** @typedef {(taskId: string) => string} Link */
/** @typedef {{ chosen: string | null, link: Link | null, cut: Map<string, number> }} PictureOptions chosen: a task; cut: how many neighbours of a task are left out */

/** @type {WeakMap<HTMLElement, TaskGraph>} */
const graphs = new WeakMap();

/** What one box of the graph shows of the instances of a task. @param {Api.TaskInstance[]} tasks @returns {Summaries} */
export function summaries(tasks) {
  return new Map(
    [...Map.groupBy(tasks, (task) => task.task_id)].map(([taskId, instances]) => [taskId, summaryOf(instances)]),
  );
}

/** @param {Api.TaskInstance[]} instances @returns {TaskSummary} */
function summaryOf(instances) {
  const [first] = instances;
  const isOne = instances.length === 1;
  return {
    states: instances.map((task) => task.state),
    tries: Math.max(...instances.map((task) => task.try_number)),
    duration: isOne ? first.duration : null,
    isStarting: isOne && isStarting(first),
    reason: isOne ? first.reason || (first.waiting_for?.[0]?.message ?? "") : "",
  };
}

/**
 * @param {HTMLElement} box
 * @param {DagShape} dag
 * @param {Summaries} tasks empty for a DAG without a run
 * @param {{ chosen?: string | null, runId?: string | null }} options chosen: a task; a large graph shows what is near it
 */
export async function drawGraph(box, dag, tasks, { chosen = null, runId = null } = {}) {
  const graph = graphs.get(box) ?? new TaskGraph(box);
  graphs.set(box, graph);
  await graph.draw(dag, tasks, chosen, runId);
}

class TaskGraph {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.canvas = new GraphCanvas(`${box.id}-canvas`);
    this.foldButton = button("", () => this.#foldAll(), { id: `${box.id}-fold` });
    this.note = h("div");
    this.rest = h("div", { class: "levels-room" });
    this.find = this.#findField();
    this.tools = h("div", { class: "row graph-tools" }, this.find, this.foldButton, this.canvas.tools);
    /** @type {import("../lib/graph-groups.js").Group[]} */
    this.groups = [];
    /** @type {Set<string>} names of the groups that are folded now */
    this.folded = new Set();
    /** @type {string[]} boxes that the search has found, with the tasks that they stand for */
    this.order = [];
  }

  /** @param {DagShape} dag @param {Summaries} tasks @param {string | null} chosen @param {string | null} runId */
  async draw(dag, tasks, chosen, runId) {
    const { nodes } = dag.graph;
    if (!nodes.length) return show(this.box, empty("This DAG has no tasks."));
    if (!this.tools.isConnected) show(this.box, this.tools, this.note, this.canvas.scroller, this.rest);
    this.dag = dag;
    this.groups = groupsOf(dag.tasks, dag.graph);
    this.folded = this.#foldedNow(chosen);
    const shape = foldedGraph(dag.graph, this.groups, this.folded);
    const isSmall = shape.nodes.length <= MOST_NODES;
    this.#showTools(isSmall);
    if (isSmall) {
      const link = runId ? (/** @type {string} */ id) => linkTo(runId, id) : null;
      await this.#picture(shape, tasks, { chosen, link, cut: new Map() });
      return show(this.rest);
    }
    const centre = chosen !== null && nodes.includes(chosen) ? chosen : mostUrgentTask(nodes, tasks);
    const near = neighbourhood(dag.graph, centre, MOST_NEAR);
    const part = { nodes: near.nodes, edges: near.edges, members: new Map(), frames: {} };
    const link = (/** @type {string} */ id) => linkHere({ ...NEWEST, task: id });
    await this.#picture(part, tasks, { chosen: centre, link, cut: near.cut });
    show(this.note, explanation(nodes, near.nodes.length - 1, centre));
    show(this.rest, levelTable(dag.graph, tasks));
  }

  /** @param {import("../lib/graph-groups.js").Folded} shape @param {Summaries} tasks @param {PictureOptions} options */
  async #picture(shape, tasks, options) {
    const { nodes, edges, members, frames } = shape;
    const order = { nodes, edges, groups: frames };
    const plan = await layOut(order, BOX, this.canvas.room);
    const chosenBox = boxOfTask(options.chosen, members);
    const boxes = this.#contents(shape, tasks, options, chosenBox);
    const isNear = (/** @type {{ source: string, target: string }} */ { source, target }) =>
      source === chosenBox || target === chosenBox;
    const element = s(
      "svg",
      { role: "group", "aria-label": "Tasks and their dependencies" },
      plan.frames.map((frame) => groupFrame(frame, frame.id.slice(boxOf("").length), this.#toggled(frame.id))),
      plan.lines.map((line) => s("path", { class: isNear(line) ? "edge near" : "edge", d: line.d })),
      plan.places.map((place) => node(place, boxes(place.id))),
    );
    this.order = nodes;
    this.canvas.show({ element, width: plan.width, height: plan.height, key: JSON.stringify(order) }, chosenBox ?? "");
    this.#mark();
  }

  /** What each box says. @param {import("../lib/graph-groups.js").Folded} shape @param {Summaries} tasks @param {PictureOptions} options @param {string | null} chosenBox */
  #contents({ edges, members }, tasks, { link, cut }, chosenBox) {
    const definitions = new Map(this.dag?.tasks.map((task) => [task.id, task]));
    const sources = Map.groupBy(edges, ({ target }) => target);
    const nameOf = (/** @type {string} */ id) => (members.has(id) ? id.slice(boxOf("").length) : id);
    /** @param {string} id @returns {import("./graph-node.js").NodeContent} */
    return (id) => {
      const inside = members.get(id);
      const before = (sources.get(id) ?? []).map(({ source }) => nameOf(source));
      const summary = inside ? summaryOfGroup(inside, tasks) : tasks.get(id);
      return {
        id,
        name: nameOf(id),
        summary,
        hint: inside ? plural(inside.length, "task") : hintOf(definitions.get(id)),
        isPile: Boolean(inside) || (summary?.states.length ?? 0) > 1,
        isChosen: id === chosenBox,
        href: inside ? this.#toggled(id) : (link?.(id) ?? null),
        after: before.length ? afterText(before) : "",
        cut: cut.get(id) ?? 0,
      };
    };
  }

  /** The groups that are folded: as the address says, else those of a large graph. @param {string | null} chosen */
  #foldedNow(chosen) {
    const asked = currentRoute().query.get("folded");
    if (asked === null) return foldedAtFirst(this.groups, this.dag?.graph.nodes.length ?? 0, chosen);
    const names = new Set(asked.split(",").map(decoded));
    return new Set(this.groups.map(({ name }) => name).filter((name) => names.has(name)));
  }

  /** The address at which a group is folded, or no longer. @param {string} box */
  #toggled(box) {
    const name = box.slice(boxOf("").length);
    const names = new Set(this.folded);
    if (!names.delete(name)) names.add(name);
    return linkHere({ folded: foldedText(names) });
  }

  #foldAll() {
    setQuery({ folded: foldedText(this.folded.size ? [] : this.groups.map(({ name }) => name)) });
  }

  /** @param {boolean} isSmall */
  #showTools(isSmall) {
    this.find.hidden = !isSmall; // a large graph has a field of its own
    this.foldButton.hidden = !this.groups.length;
    this.foldButton.textContent = this.folded.size ? "Unfold groups" : "Fold groups";
    if (isSmall) show(this.note);
  }

  #findField() {
    const input = h("input", {
      type: "search",
      id: `${this.box.id}-find`,
      placeholder: "Find in graph",
      "aria-label": "Find a task in the graph",
      oninput: () => this.#mark(true),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") this.#chooseNext();
      },
    });
    return input;
  }

  /** The tasks whose id contains what is searched for. */
  #matches() {
    const wanted = this.find.value.trim().toLowerCase();
    return wanted ? (this.dag?.graph.nodes ?? []).filter((id) => id.toLowerCase().includes(wanted)) : [];
  }

  /** Let the boxes that were found stand out. @param {boolean} [isNew] bring the first into view */
  #mark(isNew = false) {
    const matches = new Set(this.#matches());
    const svg = this.canvas.picture?.element;
    const members = new Map(this.groups.map(({ name, members: ids }) => [boxOf(name), ids]));
    svg?.classList.toggle("searched", Boolean(this.find.value.trim()));
    const found = [...(svg?.querySelectorAll("[data-box]") ?? [])].filter((box) => {
      const id = box.getAttribute("data-box") ?? "";
      const isFound = matches.has(id) || (members.get(id)?.some((member) => matches.has(member)) ?? false);
      box.classList.toggle("match", isFound);
      return isFound;
    });
    this.find.setAttribute("aria-invalid", String(Boolean(this.find.value.trim()) && !found.length));
    if (isNew) this.canvas.reveal(found[0] ?? null);
  }

  /** Choose the first task that was found, or the one after the chosen one. */
  #chooseNext() {
    const matches = this.#matches();
    const now = matches.indexOf(currentRoute().query.get("task") ?? "");
    const next = matches[(now + 1) % matches.length];
    if (next) setQuery({ ...NEWEST, task: next });
  }
}

/** @param {string} runId @param {string} task */
function linkTo(runId, task) {
  const isHere = currentRoute().parts[1] === runId;
  return isHere ? linkHere({ ...NEWEST, task }) : runLink(runId, { task });
}

/** As the address has it. @param {Iterable<string>} names */
const foldedText = (names) => [...names].map(encodeURIComponent).join(",") || NO_GROUP;

/** @param {string | null} task @param {Map<string, string[]>} members */
function boxOfTask(task, members) {
  if (task === null) return null;
  return [...members].find(([, ids]) => ids.includes(task))?.[0] ?? task;
}

/** @param {string[]} ids @param {Summaries} tasks @returns {TaskSummary | undefined} */
function summaryOfGroup(ids, tasks) {
  const known = ids.flatMap((id) => tasks.get(id) ?? []);
  if (!known.length) return undefined;
  return {
    states: known.flatMap(({ states }) => states),
    tries: 1,
    duration: null,
    isStarting: false,
    reason: "",
  };
}

/** @param {string[]} names */
function afterText(names) {
  const more = names.length - MOST_NAMED;
  return `after ${names.slice(0, MOST_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** What is special about a task that has not run. @param {Api.Task | undefined} task */
function hintOf(task) {
  if (!task) return "";
  if (task.trigger_dag_id) return shortened(`triggers ${task.trigger_dag_id}`, LETTERS);
  if (task.sensor) return `pokes every ${duration(task.sensor.poke_interval)}`;
  if (Object.keys(task.expand).length) return "mapped";
  if (task.trigger_rule !== "all_success") return task.trigger_rule.replaceAll("_", " ");
  return task.retries ? `${task.retries} retries` : "";
}

// The graph of a DAG, laid out by a library that is fetched when the first graph is drawn. Of a graph
// that is too large for a picture, the part around one task, and all of it in numbers.
import { button, h, s, show, table } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { layout } from "../lib/graph-layout.js";
import { levels, neighbourhood } from "../lib/neighbourhood.js";
import { here, runLink, setQuery, to } from "../lib/router.js";
import { mark, word, worst } from "./badge.js";

const WIDTH = 168;
const HEIGHT = 42;
const LARGEST = 300;
const NEAR = 40;
const LEVELS = 30;

/** Task instances by task: what one box shows of one or many copies. */
export function fold(tasks) {
  return new Map(
    [...Map.groupBy(tasks, (task) => task.task_id)].map(([taskId, copies]) => [
      taskId,
      {
        state: worst(copies.map((task) => task.state)),
        copies: copies.length,
        failed: copies.filter((task) => task.state === "failed").length,
        tries: Math.max(...copies.map((task) => task.try_number)),
        duration: copies.length === 1 ? copies[0].duration : null,
      },
    ]),
  );
}

/** `boxes` maps tasks to what `fold` made of them; empty for a DAG without a run. `chosen` is a task;
 * of a graph that is too large the picture shows what is near to it. */
export async function drawGraph(box, dag, boxes, { chosen = null, runId = null } = {}) {
  const { nodes } = dag.graph;
  if (!nodes.length) return show(box, h("p", { class: "quiet" }, "There are no tasks."));
  if (nodes.length <= LARGEST) {
    const whole = await picture(dag, dag.graph, boxes, chosen, linkOf(runId));
    return put(box, whole, chosen, [whole]);
  }
  const centre = nodes.includes(chosen) ? chosen : firstOfNeed(nodes, boxes);
  const near = neighbourhood(dag.graph, centre, NEAR);
  const made = await picture(dag, near, boxes, centre, (id) => to(here().parts, { ...asked(), task: id }), near.cut);
  put(box, made, centre, [explained(nodes, near, centre), made, inNumbers(dag.graph, boxes)]);
}

/** A picture wider than half of the page gets all of it; the chosen task stands where it is seen. */
function put(box, svg, chosen, children) {
  const half = document.getElementById("main").clientWidth / 2 - 60;
  box.classList.toggle("spread", Number(svg.getAttribute("width")) > half);
  show(box, children);
  if (box.dataset.chosen === String(chosen)) return;
  box.dataset.chosen = chosen;
  const target = svg.querySelector(".chosen")?.getBoundingClientRect();
  if (!target) return;
  const seen = box.getBoundingClientRect();
  if (target.left < seen.left || target.right > seen.right) {
    box.scrollLeft += target.left - seen.left - (seen.width - target.width) / 2;
  }
  if (target.top < seen.top || target.bottom > seen.bottom) {
    box.scrollTop += target.top - seen.top - (seen.height - target.height) / 2;
  }
}

const linkOf = (runId) => (runId ? (id) => runLink(runId, { task: id }) : null);
const asked = () => Object.fromEntries(here().query);

/** What failed first in running order, else what runs, else the first. */
function firstOfNeed(nodes, boxes) {
  const is = (state) => nodes.find((id) => boxes.get(id)?.state === state);
  return is("failed") ?? is("running") ?? is("up_for_retry") ?? nodes[0];
}

async function picture(dag, graph, boxes, chosen, link, cut = new Map()) {
  const { width, height, places, lines } = await layout(
    { nodes: graph.nodes, edges: graph.edges },
    { width: WIDTH, height: HEIGHT },
  );
  const rules = new Map((dag.tasks ?? []).map((task) => [task.id, task]));
  return s(
    "svg",
    { width, height, role: "group", "aria-label": "Tasks and what waits for what" },
    lines.map((d) => s("path", { class: "edge", d })),
    places.map((place) =>
      node(place, boxes.get(place.id), rules.get(place.id), chosen === place.id, link, cut.get(place.id)),
    ),
  );
}

function explained(nodes, near, centre) {
  const typed = document.getElementById("centre")?.value ?? "";
  const input = h("input", {
    type: "search",
    id: "centre",
    placeholder: "Task id",
    value: typed,
    "aria-label": "Around the task",
  });
  const go = () => {
    const wanted = input.value.trim();
    const found = nodes.includes(wanted) ? wanted : nodes.find((id) => id.includes(wanted));
    if (wanted && found) setQuery({ task: found });
    else input.setAttribute("aria-invalid", "true");
  };
  input.addEventListener("change", go);
  const others = near.nodes.length - 1;
  return h(
    "div",
    { class: "explained" },
    h(
      "p",
      { class: "quiet" },
      `${nodes.length} tasks are too many for one picture. This is `,
      h("strong", null, centre),
      others
        ? ` with the ${others} nearest to it; choose one to see what is around it.`
        : ", which waits for nothing and nothing waits for it.",
    ),
    h("div", { class: "row" }, input, button("Show around it", go, { id: "show-around" })),
  );
}

/** All tasks by how many must come before them, with how many are in which state. */
function inNumbers(graph, boxes) {
  const state = (id) => boxes.get(id)?.state ?? "none";
  const all = levels(graph).map((ids, depth) => ({ ids, depth, isBad: ids.some((id) => state(id) === "failed") }));
  const shown = [...all.filter((level) => level.isBad), ...all.filter((level) => !level.isBad)]
    .slice(0, LEVELS)
    .sort((a, b) => a.depth - b.depth);
  const rows = shown.map(({ ids, depth }) => {
    const tally = [...Map.groupBy(ids, state)].map(([name, some]) => `${some.length} ${word(name)}`).join(", ");
    const such = ids.length < 4 ? ids.join(", ") : `${ids[0]}, ${ids[1]} …`;
    return [String(depth + 1), String(ids.length), boxes.size ? tally : "", such];
  });
  return h(
    "div",
    { class: "levels" },
    h("h3", null, "All of it, step by step"),
    table("Tasks by step", ["Step", "Tasks", "How they stand", "Such as"], rows),
    all.length > shown.length
      ? h("p", { class: "quiet" }, `${shown.length} of ${all.length} steps: those with a failure, then the first.`)
      : null,
  );
}

function node({ id, x, y }, folded, task, isChosen, link, cut) {
  const state = folded?.state ?? "none";
  const label = folded
    ? `${id}: ${word(state)}${folded.copies > 1 ? `, ${folded.copies} copies` : ""}${folded.tries > 1 ? `, try ${folded.tries}` : ""}`
    : id;
  const below = folded ? words(folded) : definition(task);
  const inside = [
    s("title", null, label),
    s("rect", { class: "frame", x: x - WIDTH / 2, y: y - HEIGHT / 2, width: WIDTH, height: HEIGHT, rx: 7 }),
    folded
      ? s("rect", {
          class: `side f-${state}`,
          x: x - WIDTH / 2 + 1,
          y: y - HEIGHT / 2 + 6,
          width: 4,
          height: HEIGHT - 12,
          rx: 2,
        })
      : null,
    s("text", { x: x - WIDTH / 2 + 14, y: y - 3 }, short(id)),
    s("text", { class: "quiet", x: x - WIDTH / 2 + 14, y: y + 13 }, below),
    cut
      ? s(
          "text",
          { class: "quiet", x: x + WIDTH / 2 - 6, y: y - 3, "text-anchor": "end" },
          s("title", null, `${cut} more come before or after it`),
          `+${cut}`,
        )
      : null,
  ];
  const classes = `node n-${state}${isChosen ? " chosen" : ""}`;
  return link ? s("a", { class: classes, href: link(id), id: `n-${id}` }, inside) : s("g", { class: classes }, inside);
}

function words({ state, copies, failed, tries, duration: took }) {
  const many = copies > 1 ? ` × ${copies}${failed ? `, ${failed} failed` : ""}` : "";
  return `${mark(state)} ${word(state)}${many}${took !== null && state !== "skipped" ? ` · ${duration(took)}` : ""}${tries > 1 ? ` · try ${tries}` : ""}`;
}

function definition(task) {
  if (!task) return "";
  if (task.trigger_dag_id) return short(`starts ${task.trigger_dag_id}`);
  if (task.sensor) return `asks every ${duration(task.sensor.poke_interval)}`;
  if (Object.keys(task.expand ?? {}).length) return "one copy per item";
  return task.trigger_rule === "all_success"
    ? task.retries
      ? `${task.retries} retries`
      : ""
    : task.trigger_rule.replaceAll("_", " ");
}

const short = (text) => (text.length > 21 ? `${text.slice(0, 20)}…` : text);

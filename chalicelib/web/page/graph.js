// The graph of a DAG, laid out by a library that is fetched when the first graph is drawn.
import { h, s, show } from "./dom.js";
import { runLink } from "./router.js";
import { mark, word, worst } from "./states.js";
import { duration } from "./words.js";

const WIDTH = 168;
const HEIGHT = 42;
const LARGEST = 300;
const layouts = new Map(); // the shape as text → where everything lies

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

/** `boxes` maps tasks to what `fold` made of them; empty for a DAG without a run. */
export async function drawGraph(box, dag, boxes, { chosen = null, runId = null } = {}) {
  const { nodes, edges } = dag.graph;
  if (!nodes.length) return show(box, h("p", { class: "quiet" }, "There are no tasks."));
  if (nodes.length > LARGEST)
    return show(
      box,
      h(
        "p",
        { class: "quiet" },
        `${nodes.length} tasks are too many for a picture that anybody could read; the list of tasks has them all.`,
      ),
    );
  const { width, height, places, lines } = await layout(dag.graph);
  const rules = new Map((dag.tasks ?? []).map((task) => [task.id, task]));
  show(
    box,
    s(
      "svg",
      { width, height, role: "group", "aria-label": "Tasks and what waits for what" },
      lines.map((d) => s("path", { class: "edge", d })),
      places.map((place) => node(place, boxes.get(place.id), rules.get(place.id), chosen === place.id, runId)),
    ),
  );
}

function node({ id, x, y }, folded, task, isChosen, runId) {
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
  ];
  const classes = `node n-${state}${isChosen ? " chosen" : ""}`;
  return runId
    ? s("a", { class: classes, href: runLink(runId, { task: id }), id: `n-${id}` }, inside)
    : s("g", { class: classes }, inside);
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

async function layout(graph) {
  const key = JSON.stringify(graph);
  if (layouts.has(key)) return layouts.get(key);
  const { Graph, layout: place } = await import("./vendor/dagre.js");
  const plan = new Graph()
    .setGraph({ rankdir: graph.nodes.length > 60 ? "LR" : "TB", nodesep: 16, ranksep: 30, marginx: 6, marginy: 6 })
    .setDefaultEdgeLabel(() => ({}));
  for (const id of graph.nodes) plan.setNode(id, { width: WIDTH, height: HEIGHT });
  for (const { source, target } of graph.edges) plan.setEdge(source, target);
  place(plan);
  const made = {
    width: Math.ceil(plan.graph().width),
    height: Math.ceil(plan.graph().height),
    places: graph.nodes.map((id) => ({ id, x: plan.node(id).x, y: plan.node(id).y })),
    lines: plan.edges().map((edge) => curve(plan.edge(edge).points)),
  };
  layouts.set(key, made);
  return made;
}

function curve(points) {
  const [first, ...rest] = points;
  const end = rest.at(-1);
  if (rest.length < 2) return `M${first.x},${first.y} L${end.x},${end.y}`;
  const middle = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1];
    return `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return `M${first.x},${first.y} ${middle.join(" ")} L${end.x},${end.y}`;
}

// How long the runs took, over time, and which tasks take that time.
import { get, path } from "../lib/api.js";
import { empty, h, s, show, table } from "../lib/dom.js";
import { duration, median, shortMoment } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { badge, word } from "../widgets/badge.js";
import { top } from "../widgets/run-bars.js";

const HEIGHT = 220;
const LEFT = 78;

export async function tab(body, dag, context) {
  let last = null;
  await context.poll(10, async () => {
    const page = await get(`dags/${path(dag.dag_id)}/runs`, { limit: 100 }, context.signal);
    if (page === last) return;
    last = page;
    const tasks = await get("task_instances", { dag_id: dag.dag_id, state: "success", limit: 500 }, context.signal);
    draw(
      body,
      dag,
      page.runs.filter((run) => run.duration !== null),
      tasks.task_instances,
    );
  });
}

function draw(body, dag, runs, tasks) {
  if (!runs.length) return show(body, empty("No run of this DAG has ended yet."));
  const usual = median(runs.filter((run) => run.state === "success").map((run) => run.duration));
  show(
    body,
    h(
      "p",
      null,
      usual === null
        ? "None has succeeded yet."
        : `Usually ${duration(usual)}; the last took ${duration(runs[0].duration)}.`,
    ),
    h(
      "div",
      { class: "box", tabindex: 0, role: "region", "aria-label": "Durations of runs" },
      chart([...runs].reverse(), usual),
    ),
    h(
      "div",
      { class: "legend" },
      ["success", "failed", "cancelled"].map((state) => badge(state)),
      h("span", null, "dashed line: usual; ▲ longer than the scale"),
    ),
    h("h3", null, "By task"),
    slowest(dag, tasks),
  );
}

function chart(runs, usual) {
  const highest = top(runs);
  const step = Math.max(9, Math.min(28, 900 / runs.length));
  const width = Math.max(320, LEFT + runs.length * step + 10);
  const y = (value) => HEIGHT - 22 - (Math.min(value, highest) / highest) * (HEIGHT - 44);
  const levels = [0, highest / 2, highest];
  return s(
    "svg",
    { width, height: HEIGHT, role: "group", "aria-label": "A bar for each run" },
    levels.map((value) => [
      s("line", { class: "axis", x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
      s("text", { class: "quiet", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, duration(value)),
    ]),
    runs.map((run, i) => bar(run, LEFT + 4 + i * step, y, step - 3, highest)),
    usual !== null ? s("line", { class: "usual", x1: LEFT, x2: width, y1: y(usual), y2: y(usual) }) : null,
    s("text", { class: "quiet", x: LEFT, y: HEIGHT - 5 }, shortMoment(runs[0].logical_date)),
    runs.length > 8
      ? s(
          "text",
          { class: "quiet", x: LEFT + 4 + runs.length * step, y: HEIGHT - 5, "text-anchor": "end" },
          shortMoment(runs.at(-1).logical_date),
        )
      : null,
  );
}

function bar(run, x, y, width, highest) {
  const label = `${shortMoment(run.logical_date)}: ${word(run.state)} after ${duration(run.duration)}`;
  return s(
    "a",
    { href: runLink(run.run_id), "aria-label": label },
    s("title", null, label),
    s("rect", { class: `f-${run.state}`, x, y: y(run.duration) - 1, width, height: y(0) - y(run.duration) + 1 }),
    run.duration > highest ? s("text", { class: "quiet", x, y: y(highest) - 3 }, "▲") : null,
  );
}

function slowest(dag, tasks) {
  const known = Map.groupBy(
    tasks.filter((task) => task.duration !== null),
    (task) => task.task_id,
  );
  const rows = dag.graph.nodes
    .filter((id) => known.has(id))
    .map((id) => {
      const all = known.get(id).map((task) => task.duration);
      return [id, duration(median(all)), duration(Math.max(...all)), String(all.length)];
    });
  return rows.length
    ? table("Durations by task", ["Task", "Usually", "At most", "Of"], rows)
    : empty("No task has succeeded yet.");
}

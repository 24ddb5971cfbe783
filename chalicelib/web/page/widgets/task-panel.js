// The chosen task: why it is as it is, its attempts, what it wrote, its log, and what may be done.
import { get, path } from "../lib/api.js";
import { button, h, show, table } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { bytes, duration, live, moment, shortMoment } from "../lib/format.js";
import { shown } from "../lib/json.js";
import { dagLink, here, setQuery } from "../lib/router.js";
import { badge, word } from "./badge.js";
import { logView } from "./log.js";
import { taskButtons } from "./run-actions.js";
import { ownReason, waits } from "./wait-reasons.js";

const QUESTIONS = 200; // the latest that can be chosen

export function taskPanel(box, context, changed) {
  const about = h("div");
  const log = logView(context);
  let current = null;
  show(box, about, log.node);

  async function choose(task) {
    if (!task) return show(about, h("h2", null, "No task yet"));
    const tryNumber = Number(here().query.get("try")) || null;
    const asked = here().query.get("poke");
    const poke = asked === null ? null : Number(asked);
    const key = JSON.stringify([task, tryNumber, poke]);
    if (key === current) return;
    current = key;
    try {
      const detail = await get(
        `runs/${path(task.run_id, "tasks", task.task_id)}`,
        { map_index: task.map_index },
        context.signal,
      );
      if (key !== current) return;
      draw(about, detail, { tryNumber, poke }, changed);
      log.open(detail, tryNumber ?? detail.try_number, poke);
    } catch (error) {
      if (error.name !== "AbortError") show(about, h("p", { class: "cause" }, error.message));
      current = null;
    }
  }
  return { choose };
}

function draw(about, task, { tryNumber, poke }, changed) {
  show(
    about,
    h(
      "div",
      { class: "head" },
      h(
        "h2",
        { id: "task-title" },
        taskName(task),
        " ",
        badge(task.state),
        task.removed_at ? [" ", badge("removed")] : null,
      ),
      h("div", { class: "row" }, taskButtons(task, changed)),
    ),
    ownReason(task) ? h("p", { class: task.state === "failed" ? "cause" : "quiet" }, task.reason) : null,
    waits(task),
    facts(task, tryNumber),
    tries(task, tryNumber),
    questions(task, tryNumber ?? task.try_number, poke),
    outputs(task),
  );
}

function facts(task, tryNumber) {
  const version = task.attempts.find((one) => one.try_number === tryNumber)?.version ?? task.version;
  const known = [
    ["Started", task.started_at && [moment(task.started_at), " (", live("ago", task.started_at), ")"]],
    [
      "Starts",
      !task.started_at && task.not_before && [live("in", task.not_before), ` (${shortMoment(task.not_before)})`],
    ],
    ["Took", task.duration !== null && duration(task.duration)],
    [
      "Exit code",
      task.exit_code !== null && task.exit_code !== 0 && !task.reason.includes("exit code") && String(task.exit_code),
    ],
    ["Signal", task.signal !== null && String(task.signal)],
    ["Memory", task.max_rss_bytes !== null && `at most ${bytes(task.max_rss_bytes)}`],
    [
      "Ran with",
      version !== null && h("a", { href: dagLink(task.dag_id, { tab: "source", version }) }, `version ${version}`),
    ],
    ["Pool", task.pool && `${task.pool} (${task.pool_slots})`],
    [
      "Item",
      task.item &&
        Object.entries(task.item)
          .map(([name, value]) => `${name}=${shown(value)}`)
          .join(", "),
    ],
    ["Asked", task.poke > 0 && `${task.poke + 1} times`],
  ].filter(([, value]) => value);
  return h(
    "dl",
    { class: "facts-list" },
    known.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}

function tries(task, tryNumber) {
  const ended = task.attempts;
  if (Math.max(task.try_number, ended.length) < 2) return null;
  const numbers = [...new Set([...ended.map((attempt) => attempt.try_number), task.try_number])].sort((a, b) => a - b);
  const now = tryNumber ?? task.try_number;
  return h(
    "div",
    { class: "row tries", role: "group", "aria-label": "Attempts" },
    h("span", { class: "quiet" }, "Attempts"),
    numbers.map((number) => {
      const attempt = ended.find((one) => one.try_number === number);
      const state = attempt ? attempt.outcome : task.state;
      const version = attempt ? attempt.version : task.version;
      const label = [
        badge(state, `try ${number}`),
        version === null ? "" : h("span", { class: "quiet" }, ` version ${version}`),
        attempt?.duration ? ` ${duration(attempt.duration)}` : "",
        h("span", { class: "unseen" }, ` ${word(state)}`),
      ];
      return button(
        label,
        () =>
          setQuery({
            try: number === task.try_number ? null : number,
            poke: null,
            ...of(task),
          }),
        { "aria-pressed": String(number === now), id: `try-${number}`, title: attempt?.reason || null },
      );
    }),
  );
}

/** Of a sensor: each of its questions has a log of its own. */
function questions(task, tryNumber, poke) {
  const attempt = task.attempts.find((one) => one.try_number === tryNumber);
  const last = attempt ? attempt.pokes : task.poke;
  if (!last) return null;
  const numbers = Array.from({ length: Math.min(last + 1, QUESTIONS) }, (_, i) => last - i);
  const select = h(
    "select",
    {
      id: "poke",
      onchange: () => setQuery({ poke: Number(select.value) === last ? null : select.value, ...of(task) }),
    },
    numbers.map((number) => h("option", { value: number, selected: number === (poke ?? last) }, String(number + 1))),
  );
  return h("p", null, h("label", { class: "switch" }, "The log of question", select), ` of ${last + 1}`);
}

const of = (task) => ({ task: task.task_id, copy: task.map_index >= 0 ? task.map_index : null });

function outputs(task) {
  const pairs = Object.entries(task.outputs);
  if (!pairs.length) return null;
  return h(
    "details",
    { id: "outputs", open: pairs.length < 6 },
    h("summary", null, "Outputs"),
    table(
      "Outputs",
      ["Name", "Value"],
      pairs.map(([name, value]) => [name, h("pre", null, shown(value, 2))]),
    ),
  );
}

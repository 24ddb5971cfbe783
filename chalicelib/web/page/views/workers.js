// Workers: processes on other machines, when each was last seen, and what waits in their queues.
import { get } from "../lib/api.js";
import { empty, h, show, table } from "../lib/dom.js";
import { fullTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.WorkerList | null} */
  let last = null;
  const about = "Workers run the tasks that name a queue, on machines of your own.";
  show(main, h("h1", null, "Workers"), h("p", { class: "quiet" }, about), list);
  await context.every(15, async () => {
    const found = await get("workers", {}, context.signal);
    if (found === last) return;
    last = found;
    show(list, found.queues.length ? tables(found) : noQueues());
  });
}

/** @param {Api.WorkerList} found */
const tables = ({ queues, workers }) => [
  h("h2", null, "Queues"),
  queueTable(queues),
  h("h2", null, "Seen in the last day"),
  workerTable(workers),
];

function noQueues() {
  return empty(
    "There are no worker queues. A task names its queue in the field ",
    h("code", null, "queue"),
    "; on AWS, ",
    h("code", null, "python -m infra queue create"),
    " adds one.",
  );
}

/** @param {Api.WorkerQueue[]} queues */
function queueTable(queues) {
  return table(
    "Queues",
    ["Queue", "Workers", "Waiting", "In hand"],
    queues.map((queue) => [
      queue.name,
      queue.workers ? String(queue.workers) : h("span", { class: "bad" }, "none seen in the last 3 minutes"),
      queue.depth ? String(queue.depth.visible + queue.depth.delayed) : unknown(),
      queue.depth ? String(queue.depth.in_flight) : unknown(),
    ]),
    "stack",
  );
}

const unknown = () => h("span", { class: "quiet" }, "unknown");

/** @param {Api.Worker[]} workers */
function workerTable(workers) {
  if (!workers.length) return empty("No worker has been seen in the last day.");
  return table(
    "Workers",
    ["Worker", "Queue", "Commands", "Started", "Last seen"],
    workers.map((worker) => [
      worker.name,
      worker.queue,
      `${worker.running} of ${worker.parallelism}`,
      time(worker.started_at),
      h("span", { class: worker.is_alive ? null : "bad" }, time(worker.seen_at)),
    ]),
    "stack",
  );
}

/** @param {string} iso */
const time = (iso) => h("span", { title: fullTime(iso) }, liveTime("ago", iso));

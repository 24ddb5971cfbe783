// The latest ticks: whether the clock of the scheduler runs, and what it did.
import { get } from "../lib/api.js";
import { empty, h, show, table } from "../lib/dom.js";
import { duration, fullTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.TickList | null} */
  let last = null;
  const about = "Every minute, the scheduler starts what is due and repairs what was lost.";
  show(main, h("h1", null, "Ticks"), h("p", { class: "quiet" }, about), list);
  await context.every(15, async () => {
    const page = await get("ticks", { limit: 100 }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.ticks.length
        ? table("Ticks", ["Time", "Duration", "Actions", "Errors"], page.ticks.map(cells), "stack")
        : empty(
            "No ticks yet. The first one comes within a minute. If it doesn't, check the schedule of the tick function.",
          ),
    );
  });
}

/** @param {Api.Tick} tick */
function cells(tick) {
  const actions = Object.entries(tick.counts)
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} ${name.replaceAll("_", " ")}`)
    .join(", ");
  return [
    h("span", { title: fullTime(tick.started_at) }, liveTime("ago", tick.started_at)),
    duration(tick.duration),
    actions || h("span", { class: "quiet" }, "nothing was due"),
    tick.errors.map((error) => h("div", { class: "bad" }, error)),
  ];
}

// What the last ticks did: whether the clock of the orchestrator beats.
import { get } from "../lib/api.js";
import { empty, h, show, table } from "../lib/dom.js";
import { duration, live, moment } from "../lib/format.js";

export async function view(main, context) {
  const list = h("div");
  let last = null;
  show(
    main,
    h("h1", null, "Ticks"),
    h("p", { class: "quiet" }, "Every minute the orchestrator looks at what is due and repairs what was lost."),
    list,
  );
  await context.poll(5, async () => {
    const page = await get("ticks", { limit: 100 }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.ticks.length
        ? table("Ticks", ["When", "Took", "Did", "Went wrong"], page.ticks.map(row), "stack")
        : empty(
            "There was no tick yet. The first comes within a minute; if it does not, look at the schedule of the tick function.",
          ),
    );
  });
}

function row(tick) {
  const did = Object.entries(tick.did)
    .filter(([, number]) => number)
    .map(([name, number]) => `${number} ${name.replaceAll("_", " ")}`)
    .join(", ");
  return [
    h("span", { title: moment(tick.started_at) }, live("ago", tick.started_at)),
    duration(tick.duration),
    did || h("span", { class: "quiet" }, "nothing was due"),
    tick.errors.map((error) => h("div", { class: "bad" }, error)),
  ];
}

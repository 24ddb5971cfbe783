// The last runs of a DAG as small bars: height is how long, colour and a foot how it ended.
import { h } from "../lib/dom.js";
import { duration, median, shortMoment } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { word } from "./badge.js";

/** The scale stops at three times the usual, so that one long run does not flatten the rest. */
export function top(runs) {
  const known = runs.map((run) => run.duration).filter((value) => value !== null);
  return Math.min(Math.max(...known, 1), Math.max(1, (median(known) ?? 1) * 3));
}

/** `runs` newest first; the newest stands at the right. */
export function bars(runs, most = 16) {
  const shown = runs.slice(0, most).reverse();
  const highest = top(shown);
  return h(
    "span",
    { class: "bars", role: "group", "aria-label": "Last runs, the newest last" },
    shown.map((run) => {
      const label = `${word(run.state)}, ${shortMoment(run.started_at ?? run.created_at)}${run.duration !== null ? `, ${duration(run.duration)}` : ""}`;
      const made = h("a", { href: runLink(run.run_id), class: `f-${run.state}`, title: label, "aria-label": label });
      made.style.height = `${Math.max(5, Math.min(1, (run.duration ?? highest) / highest) * 24)}px`;
      return made;
    }),
  );
}

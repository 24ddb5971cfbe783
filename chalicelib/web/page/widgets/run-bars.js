// The latest runs of a DAG as small bars: the height shows how long each took, colour and foot how it ended.
import { barHeight, topDuration } from "../lib/charts.js";
import { h } from "../lib/dom.js";
import { duration, shortTime } from "../lib/format.js";
import { runLink } from "../lib/router.js";
import { runLook, runWord, toneClass } from "../lib/vocabulary.js";

const MOST = 16;
const PIXELS = { least: 5, most: 24 };

/** @param {readonly Api.RecentRun[]} runs newest first; the newest stands at the right */
export function runBars(runs) {
  const shown = runs.slice(0, MOST).reverse();
  const top = topDuration(shown);
  return h(
    "span",
    { class: "bars", role: "group", "aria-label": "Latest runs, the newest last" },
    shown.map((run) => {
      const took = run.duration === null ? "" : `, ${duration(run.duration)}`;
      const label = `${runWord(run)}, ${shortTime(run.started_at ?? run.created_at)}${took}`;
      const attributes = { href: runLink(run.run_id), class: `fill ${toneClass(runLook(run))}`, title: label };
      const bar = h("a", { ...attributes, "aria-label": label });
      bar.style.height = `${barHeight(run, top, PIXELS)}px`;
      return bar;
    }),
  );
}

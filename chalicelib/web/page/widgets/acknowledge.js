// Acknowledging a failure: it no longer needs attention, until the DAG fails again.
import { segment, send } from "../lib/api.js";
import { h, labelled } from "../lib/dom.js";
import { confirm } from "./confirm-dialog.js";

const LONGEST_NOTE = 1000;

/** @param {{ run_id: string }} run @param {() => unknown} done */
export function acknowledge(run, done) {
  const note = h("textarea", { id: "acknowledge-note", maxlength: LONGEST_NOTE });
  confirm({
    title: "Acknowledge this failure",
    text: "This failure and earlier ones of the DAG leave “Needs attention”. A new failure is listed there again.",
    options: labelled("Note (optional)", note),
    label: "Acknowledge",
    act: () => send("POST", `runs/${segment(run.run_id)}/acknowledge`, { note: note.value.trim() ? note.value : null }),
    done,
  });
}

/** @param {{ run_id: string }} run @param {() => unknown} done */
export function unacknowledge(run, done) {
  confirm({
    title: "List this failure under “Needs attention” again",
    label: "Undo acknowledgement",
    act: () => send("DELETE", `runs/${segment(run.run_id)}/acknowledge`),
    done,
  });
}

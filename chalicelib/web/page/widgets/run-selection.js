// The runs that somebody has ticked in a list, and what can be done to all of them with one request.
import { send } from "../lib/api.js";
import { button, h, labelled, notify, select, show } from "../lib/dom.js";
import { plural, shortTime } from "../lib/format.js";
import { actionButton } from "../lib/session.js";
import { confirm } from "./confirm-dialog.js";

const LONGEST_NOTE = 1000;

/** @typedef {"retry" | "clear" | "cancel" | "acknowledge"} BulkAction */
/** @typedef {{ label: string, title: string, verb: string }} Wording title: before the number of runs; verb: of the button */

/** @type {Record<BulkAction, Wording>} */
const ACTIONS = {
  retry: { label: "Retry failed tasks…", title: "Retry the failed tasks of", verb: "Retry" },
  clear: { label: "Rerun all tasks…", title: "Run all tasks again in", verb: "Rerun" },
  acknowledge: { label: "Acknowledge…", title: "Acknowledge", verb: "Acknowledge" },
  cancel: { label: "Cancel…", title: "Cancel", verb: "Cancel" },
};

export class RunSelection {
  /** @param {() => unknown} changed called after runs were changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Set<string>} */
    this.chosen = new Set();
    /** @type {Api.Run[]} as listed */
    this.listed = [];
    this.last = -1; // the row that was ticked last
    this.element = h("div", { class: "row selection", role: "group", "aria-label": "Selected runs" });
  }

  /** The checkbox of a run. @param {Api.Run} run */
  box(run) {
    return h("input", {
      type: "checkbox",
      id: boxId(run),
      checked: this.chosen.has(run.run_id),
      "aria-label": `Select the run of ${run.dag_id} of ${shortTime(run.logical_date)}`,
      onclick: (/** @type {MouseEvent} */ event) => this.#tick(run, event),
    });
  }

  /** These runs are listed now: what is no longer among them is no longer selected. @param {Api.Run[]} runs */
  show(runs) {
    this.listed = runs;
    const ids = new Set(runs.map((run) => run.run_id));
    for (const runId of [...this.chosen]) if (!ids.has(runId)) this.chosen.delete(runId);
    this.#drawBar();
  }

  /** With Shift, all rows since the one before. @param {Api.Run} run @param {MouseEvent} event */
  #tick(run, event) {
    const isOn = /** @type {HTMLInputElement} */ (event.target).checked;
    const index = this.listed.findIndex((other) => other.run_id === run.run_id);
    const other = event.shiftKey && this.last >= 0 ? this.last : index;
    for (const one of this.listed.slice(Math.min(index, other), Math.max(index, other) + 1)) this.#set(one, isOn);
    this.last = index;
    this.#redraw();
  }

  /** @param {Api.Run} run @param {boolean} isOn */
  #set(run, isOn) {
    if (isOn) this.chosen.add(run.run_id);
    else this.chosen.delete(run.run_id);
  }

  #redraw() {
    for (const run of this.listed) {
      const field = /** @type {HTMLInputElement | null} */ (document.getElementById(boxId(run)));
      if (field) field.checked = this.chosen.has(run.run_id);
    }
    this.#drawBar();
  }

  #drawBar() {
    const { listed, element } = this;
    const runs = listed.filter((run) => this.chosen.has(run.run_id));
    if (!listed.length) return show(element);
    const isAll = runs.length === listed.length;
    const all = () => {
      for (const run of listed) this.#set(run, !isAll);
      this.#redraw();
    };
    const everything = h("input", { type: "checkbox", id: "select-all", checked: isAll, onclick: all });
    everything.indeterminate = runs.length > 0 && !isAll;
    show(
      element,
      h("label", { class: "switch" }, everything, runs.length ? `${runs.length} selected` : "Select all"),
      runs.length ? actionsFor(runs, () => this.#done()) : null,
      runs.length ? button("Clear selection", () => this.#clear(), { id: "select-none", class: "plain" }) : null,
    );
  }

  #clear() {
    this.chosen.clear();
    this.#redraw();
  }

  async #done() {
    this.chosen.clear();
    await this.changed();
    this.#redraw();
  }
}

/** @param {Api.Run} run */
const boxId = (run) => `select-${run.run_id}`;

/** A button for each action that at least one of the runs allows. @param {Api.Run[]} runs @param {() => unknown} done */
function actionsFor(runs, done) {
  const names = /** @type {BulkAction[]} */ (Object.keys(ACTIONS));
  return names
    .filter((name) => runs.some((run) => run.actions.includes(name)))
    .map((name) => actionButton(ACTIONS[name].label, () => openDialog(name, runs, done), { id: `bulk-${name}` }));
}

/** The dialog shows what the change would reach before it is made. @param {BulkAction} action @param {Api.Run[]} runs @param {() => unknown} done */
function openDialog(action, runs, done) {
  const { title, verb } = ACTIONS[action];
  const note = h("textarea", { id: "bulk-note", maxlength: LONGEST_NOTE });
  const version = select({ id: "bulk-version", onchange: () => plan() }, [
    ["", "As each DAG says"],
    ["true", "Latest version"],
    ["false", "Version of each run"],
  ]);
  const reach = h("div", { id: "bulk-reach", "aria-live": "polite" }, h("p", { class: "quiet" }, "Checking…"));
  const hasVersion = action === "retry" || action === "clear";
  const options = [
    action === "acknowledge" ? labelled("Note (optional)", note) : null,
    hasVersion ? labelled("Version of the DAG", version) : null,
    reach,
  ];
  /** @param {boolean} isDryRun */
  const request = (isDryRun) =>
    send("POST", "runs/bulk", {
      action,
      run_ids: runs.map((run) => run.run_id),
      dry_run: isDryRun,
      note: note.value.trim() || null,
      run_on_latest_version: version.value ? version.value === "true" : null,
    });
  const dialog = confirm({
    title: `${title} ${plural(runs.length, "run")}`,
    label: verb,
    options,
    act: async () => {
      const answer = await request(false);
      const left = answer.runs.find((run) => run.problem);
      if (left) setTimeout(() => notify(`${plural(answer.changed, "run")} changed. ${left.problem}`));
    },
    done,
  });

  async function plan() {
    try {
      const answer = await request(true);
      show(reach, reachList(runs, answer));
      dialog.update([], `${verb} ${plural(answer.changed, "run")}`);
      if (!answer.changed) dialog.refuse("Nothing would change.");
    } catch (error) {
      show(reach);
      dialog.refuse(error instanceof Error ? error.message : String(error));
    }
  }
  plan();
}

/** @param {Api.Run[]} runs @param {Api.BulkOutcomes} answer */
function reachList(runs, answer) {
  const names = new Map(runs.map((run) => [run.run_id, `${run.dag_id}, ${shortTime(run.logical_date)}`]));
  const left = answer.runs.filter((run) => !run.is_change).length;
  return [
    h(
      "ul",
      { class: "reach", tabindex: 0, "aria-label": "Runs this affects" },
      answer.runs.map((run) => h("li", null, h("span", null, names.get(run.run_id)), outcome(run))),
    ),
    left ? h("p", { class: "quiet" }, `${plural(left, "run")} cannot be changed.`) : null,
  ];
}

/** @param {Api.BulkOutcome} run */
function outcome({ tasks, is_change: isChange, problem }) {
  if (problem) return h("span", { class: "quiet" }, problem);
  if (!isChange) return h("span", { class: "quiet" }, "done before");
  return h("span", null, tasks ? plural(tasks, "task") : "will change");
}

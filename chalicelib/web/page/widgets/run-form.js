// The form that starts a run: the params of the DAG first, everything else folded.
import { getExactly, messageOf, segment, send } from "../lib/api.js";
import { button, h, labelled, notify, openDialog, show } from "../lib/dom.js";
import { clearErrors, focusError, showErrors } from "../lib/form-errors.js";
import { plural } from "../lib/format.js";
import { navigate } from "../lib/router.js";
import { inputsOf, paramField, readParams, textBox } from "./param-fields.js";

const LONGEST_NOTE = 1000;

/** @typedef {{ fields: import("./param-fields.js").ParamField[], note: HTMLTextAreaElement, date: HTMLInputElement }} Inputs */

/** Open the form; once the run has started, go to it. @param {string} dagId */
export async function openRunForm(dagId) {
  let dag;
  try {
    dag = await getExactly(/** @type {const} */ (`dags/${segment(dagId)}`));
  } catch (error) {
    return notify(messageOf(error));
  }
  /** @type {Inputs} */
  const inputs = {
    fields: dag.params.map(paramField),
    note: textBox({ id: "run-note", maxlength: LONGEST_NOTE }),
    date: h("input", { id: "run-date", type: "datetime-local", step: 1, max: thisMinute() }),
  };
  const trouble = h("div", { role: "alert" });
  const label = `Run ${plural(dag.tasks.length, "task")} now`;
  const submit = h("button", { type: "submit", class: "main", id: "run-now" }, label);
  /** @param {Event} event */
  const start = async (event) => {
    event.preventDefault();
    clearErrors(form);
    show(trouble);
    const params = readParams(inputs.fields);
    if (!params) return focusError(form);
    submit.disabled = true;
    try {
      const body = requestBody(inputs, params);
      const run = await send("POST", /** @type {const} */ (`dags/${segment(dagId)}/run`), body);
      dialog.close();
      navigate(["runs", run.run_id]);
    } catch (error) {
      submit.disabled = false;
      const named = { logical_date: inputs.date, note: inputs.note, ...inputsOf(inputs.fields) };
      showErrors(form, error, { inputs: named, trouble });
    }
  };
  const cancel = button("Cancel", () => dialog.close());
  const form = h(
    "form",
    { onsubmit: start, novalidate: true },
    h("h2", { id: "run-title" }, `Run ${dag.name}`),
    dag.is_paused ? h("p", { class: "quiet" }, "The schedule is paused. You can run the DAG manually anyway.") : null,
    formFields(inputs),
    h("div", { class: "foot" }, trouble, h("div", { class: "row" }, submit, cancel)),
  );
  const dialog = openDialog({ "aria-labelledby": "run-title" }, form);
}

/** @param {Inputs} inputs */
function formFields({ fields, note, date }) {
  const dateHelp = "The date that the run is for, as commands read it from LOGICAL_DATE. If empty: now.";
  return [
    fields.map((field) => field.element),
    fields.length ? null : h("p", { class: "quiet" }, "This DAG has no params."),
    labelled("Note", note, "Shown with the run, for example why you started it."),
    h(
      "details",
      null,
      h("summary", null, "Run for another date"),
      labelled("Logical date (your time zone)", date, dateHelp),
    ),
  ];
}

/** @param {Inputs} inputs @param {{ [name: string]: unknown }} params */
function requestBody({ note, date }, params) {
  return {
    ...(Object.keys(params).length ? { params } : {}),
    ...(note.value.trim() ? { note: note.value } : {}),
    ...(date.value ? { logical_date: new Date(date.value).toISOString() } : {}),
  };
}

/** On the viewer's clock, as the date field writes it. */
function thisMinute() {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

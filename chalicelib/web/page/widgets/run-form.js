// The form for a run: the DAG's own params first, everything else folded away.
import { getExactly, path, send } from "../lib/api.js";
import { button, h, say } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { go } from "../lib/router.js";
import { field, textBox } from "./param-fields.js";

/** Opens the form; on success goes to the new run. */
export async function openRunForm(dagId) {
  let dag;
  try {
    dag = await getExactly(`dags/${path(dagId)}`);
  } catch (error) {
    return say(error.message);
  }
  const fields = dag.params.map(field);
  const note = textBox({ id: "run-note", maxlength: 1000 });
  const date = h("input", { id: "run-date", type: "datetime-local", step: 1, max: localMinute() });
  const trouble = h("div", { role: "alert" });
  const submit = h(
    "button",
    { type: "submit", class: "main", id: "run-now" },
    `Run ${count(dag.tasks.length, "task")} now`,
  );
  const start = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      const run = await send("POST", `dags/${path(dagId)}/run`, asked(fields, note.value, date.value));
      dialog.close();
      go(["runs", run.run_id]);
    } catch (error) {
      trouble.replaceChildren(h("p", { class: "cause" }, error.message));
      submit.disabled = false;
    }
  };
  const dialog = h(
    "dialog",
    { "aria-labelledby": "run-title" },
    h(
      "form",
      { onsubmit: start, novalidate: true },
      h("h2", { id: "run-title" }, `Run ${dag.name}`),
      dag.is_paused
        ? h("p", { class: "quiet" }, "Its schedule is paused; a run by hand goes ahead all the same.")
        : null,
      fields.map((one) => one.node),
      fields.length ? null : h("p", { class: "quiet" }, "This DAG takes no params."),
      labelled("run-note", "Note", note, "Shown with the run, for example why you started it."),
      h(
        "details",
        null,
        h("summary", null, "For another moment"),
        labelled(
          "run-date",
          "Logical date, in your zone",
          date,
          "The moment that the run is for, which its commands find in LOGICAL_DATE. Left empty: now.",
        ),
      ),
      trouble,
      h(
        "div",
        { class: "row" },
        submit,
        button("Cancel", () => dialog.close()),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function asked(fields, note, date) {
  const params = Object.fromEntries(
    fields.map((one) => [one.name, one.read()]).filter(([, value]) => value !== undefined),
  );
  return {
    ...(Object.keys(params).length ? { params } : {}),
    ...(note.trim() ? { note } : {}),
    ...(date ? { logical_date: new Date(date).toISOString() } : {}),
  };
}

/** This minute on the viewer's clock, as the field has it. */
function localMinute() {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function labelled(id, name, input, help) {
  return h(
    "div",
    { class: "field" },
    h("label", { class: "name", for: id }, name),
    input,
    help ? h("p", { class: "help", id: `${id}-help` }, help) : null,
  );
}

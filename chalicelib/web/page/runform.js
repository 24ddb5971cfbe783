// The form for a run: the DAG's own params first, everything else folded away.
import { get, path, send } from "./api.js";
import { button, h, say } from "./dom.js";
import { go } from "./router.js";
import { count } from "./words.js";

/** Opens the form; on success goes to the new run. */
export async function openRunForm(dagId) {
  let dag;
  try {
    dag = await get(`dags/${path(dagId)}`);
  } catch (error) {
    return say(error.message);
  }
  const fields = dag.params.map(field);
  const note = h("input", { id: "run-note", maxlength: 1000 });
  const date = h("input", { id: "run-date", type: "datetime-local", step: 1 });
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
    ...(note.trim() ? { note: note.trim() } : {}),
    ...(date ? { logical_date: new Date(date).toISOString() } : {}),
  };
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

/** One param: `read` gives its value, undefined where its default is to be taken. Throws what is wrong. */
function field(param) {
  const id = `param-${param.name}`;
  const input = control(param, id);
  const rules = [
    param.description?.replace(/[^.!?]$/, "$&."),
    param.required ? "Required." : null,
    param.minimum !== null || param.maximum !== null
      ? `From ${param.minimum ?? "any"} to ${param.maximum ?? "any"}.`
      : null,
    param.pattern ? `Must match ${param.pattern}` : null,
    isJson(param) ? "As JSON." : null,
  ]
    .filter(Boolean)
    .join(" ");
  return { name: param.name, node: labelled(id, param.name, input, rules), read: () => reading(param, input) };
}

// A default that is a template has no type of its own; what is typed over it may be any JSON, or text.
const isTemplate = (param) => param.type === null && typeof param.default === "string";
const isJson = (param) =>
  ["array", "object"].includes(param.type) || (param.type === null && !param.enum && !isTemplate(param));

function control(param, id) {
  const given = param.default;
  if (param.enum)
    return h(
      "select",
      { id },
      param.required ? null : h("option", { value: "" }, "default"),
      param.enum.map((one) =>
        h(
          "option",
          { value: JSON.stringify(one), selected: JSON.stringify(one) === JSON.stringify(given) },
          String(one),
        ),
      ),
    );
  if (param.type === "boolean") return h("input", { id, type: "checkbox", checked: given === true });
  if (param.type === "integer" || param.type === "number")
    return h("input", {
      id,
      type: "number",
      step: param.type === "integer" ? 1 : "any",
      min: param.minimum,
      max: param.maximum,
      value: given ?? "",
    });
  if (isJson(param))
    return h("textarea", { id, value: given === null || given === undefined ? "" : JSON.stringify(given, null, 2) });
  return h("input", { id, value: given ?? "" });
}

function reading(param, input) {
  if (param.type === "boolean" && !param.enum) return input.checked;
  if (input.value === "" && !(param.type === "string" && param.default)) return undefined;
  const isText = param.type === "string" || isTemplate(param);
  if (isText && !param.enum && input.value === param.default) return undefined;
  if (param.type === "string" && !param.enum) return input.value;
  try {
    return JSON.parse(input.value);
  } catch {
    if (param.type === null) return input.value;
    throw new Error(
      `${param.name} must be ${param.type === "array" || param.type === "object" ? `JSON: ${param.type}` : `a ${param.type}`}`,
    );
  }
}

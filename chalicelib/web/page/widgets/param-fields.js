// One field for each param of a DAG. What nobody touched is not sent: the API uses the default as it stands
// in the file, even if a field could not show it exactly.
import { messageOf } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { fieldError } from "../lib/form-errors.js";
import { displayed, stringify } from "../lib/json.js";
import { hasWindowsLineEnds, isNumber, readAnything, readJson, readNumber } from "../lib/param-values.js";

const MOST_ROWS = 12;

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Input */
/** @typedef {{ input: Input, read: () => unknown, reset: () => void }} Control read: undefined for nothing; throws what is wrong */
/** @typedef {{ name: string, element: HTMLElement, input: Input, read: () => unknown }} ParamField read: undefined for the default */

/** @param {Api.Param} param @returns {ParamField} */
export function paramField(param) {
  const id = `param-${param.name}`;
  const { input, read, reset } = control(param, id);
  const label = h("label", { class: "name", for: id, id: `${id}-label` }, param.name);
  const help = helpOf(param);
  if (help) input.setAttribute("aria-describedby", `${id}-help`);
  let isTouched = false;
  const toDefault = () => {
    isTouched = false;
    reset();
    undo.remove();
    input.focus();
  };
  const attributes = { type: "button", class: "plain small", "aria-describedby": label.id, onclick: toDefault };
  const undo = h("button", attributes, "Reset to default");
  const touch = () => {
    isTouched = true;
    label.after(undo);
  };
  input.addEventListener("input", touch);
  input.addEventListener("change", touch);
  const element = h(
    "div",
    { class: "field" },
    h("div", { class: "named" }, label),
    input,
    help ? h("p", { class: "help", id: `${id}-help` }, help) : null,
  );
  return { name: param.name, element, input, read: () => (isTouched ? read() : undefined) };
}

/**
 * What was typed, by the names of the params. What cannot be read is said at its field; then it is null.
 * @param {ParamField[]} fields
 */
export function readParams(fields) {
  /** @type {{ [name: string]: unknown }} */
  const params = {};
  let isWrong = false;
  for (const { name, input, read } of fields) {
    try {
      const value = read();
      if (value !== undefined) params[name] = value;
    } catch (error) {
      isWrong = true;
      fieldError(input, messageOf(error));
    }
  }
  return isWrong ? null : params;
}

/** @param {ParamField[]} fields */
export const inputsOf = (fields) => Object.fromEntries(fields.map(({ name, input }) => [name, input]));

/** @param {Api.Param} param */
function helpOf(param) {
  const hasRange = param.minimum !== null || param.maximum !== null;
  return [
    param.description?.replace(/[^.!?]$/, "$&."),
    param.required ? "Required." : null,
    hasRange ? `From ${param.minimum ?? "any"} to ${param.maximum ?? "any"}.` : null,
    param.pattern ? `Must match ${param.pattern}` : null,
    isJson(param) ? "In JSON." : null,
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {Api.Param} param */
const isText = ({ type, default: value }) => type === "string" || (type === null && typeof value === "string");
/** @param {Api.Param} param */
const isJson = (param) => param.type === "array" || param.type === "object" || (param.type === null && !isText(param));

/** @param {Api.Param} param @param {string} id @returns {Control} */
function control(param, id) {
  if (param.enum) return choice(param, id, param.enum);
  if (param.type === "boolean") {
    return typeof param.default === "boolean" ? checkbox(param, id) : choice(param, id, [true, false]);
  }
  if (param.type === "integer" || param.type === "number") return number(param, id);
  return isText(param) ? text(param, id) : json(param, id);
}

/** What a drop-down shows while none of its values is chosen. @param {Api.Param} param */
function noChoice(param) {
  if (param.required) return "Choose…";
  return param.default === null || param.default === undefined ? "not set" : `default: ${displayed(param.default)}`;
}

/** @param {Api.Param} param @param {string} id @param {unknown[]} values @returns {Control} */
function choice(param, id, values) {
  const texts = values.map((value) => stringify(value));
  const given = texts.indexOf(stringify(param.default ?? null));
  /** @param {unknown} value */
  const isPlain = (value) =>
    typeof value === "string" && value.trim() === value && value !== "" && !texts.includes(value);
  const input = h(
    "select",
    { id },
    given < 0 ? h("option", { value: "" }, noChoice(param)) : null,
    values.map((value, i) =>
      h("option", { value: i, selected: i === given }, isPlain(value) ? String(value) : texts[i]),
    ),
  );
  return {
    input,
    read: () => (input.value === "" ? undefined : values[Number(input.value)]),
    reset: () => {
      input.value = given < 0 ? "" : String(given);
    },
  };
}

/** @param {Api.Param} param @param {string} id @returns {Control} */
function checkbox(param, id) {
  const input = h("input", { id, type: "checkbox", checked: param.default });
  return {
    input,
    read: () => input.checked,
    reset: () => {
      input.checked = param.default;
    },
  };
}

/**
 * A text field: one of the type number drops what it cannot read, and changes when the wheel moves.
 * @param {Api.Param} param
 * @param {string} id
 * @returns {Control}
 */
function number(param, id) {
  // A number that JSON would write differently comes as text; any other text is a template.
  const isTemplate = typeof param.default === "string" && !isNumber(param.default);
  const given = isTemplate ? "" : String(param.default ?? "");
  const inputmode = param.type === "integer" ? "numeric" : "decimal";
  const placeholder = isTemplate ? param.default : null;
  const input = h("input", { id, inputmode, autocomplete: "off", placeholder, value: given });
  return {
    input,
    read: () => readNumber(param, input.value),
    reset: () => {
      input.value = given;
    },
  };
}

/**
 * A field that grows with its lines. Enter breaks a line only with Shift, or if there is a line break already.
 * @param {import("../lib/dom.js").Attributes} attributes
 */
export function textBox(attributes) {
  const lines = (attributes.value ?? "").split("\n").length;
  const box = h("textarea", {
    rows: Math.min(lines, MOST_ROWS),
    ...attributes,
    class: `line ${attributes.class ?? ""}`,
    spellcheck: "false",
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || box.value.includes("\n")) return;
    event.preventDefault();
    box.form?.requestSubmit();
  });
  return box;
}

/** @param {Api.Param} param @param {string} id @returns {Control} */
function text(param, id) {
  const given = typeof param.default === "string" ? param.default : "";
  const isCode = given.includes("\n") || given.includes("{{"); // a query, a script, a template
  const input = textBox({ id, class: isCode ? "code" : "", value: given });
  const isWindows = hasWindowsLineEnds(given);
  return {
    input,
    read: () => {
      const typed = isWindows ? input.value.replaceAll("\n", "\r\n") : input.value;
      return param.type === null ? readAnything(typed) : typed;
    },
    reset: () => {
      input.value = given;
    },
  };
}

/** @param {Api.Param} param @param {string} id @returns {Control} */
function json(param, id) {
  const isTemplate = typeof param.default === "string";
  const isEmpty = param.default === null || param.default === undefined || isTemplate;
  const given = isEmpty ? "" : stringify(param.default, 2);
  const input = textBox({ id, class: "code", value: given, placeholder: isTemplate ? param.default : null });
  return {
    input,
    read: () => readJson(param, input.value),
    reset: () => {
      input.value = given;
    },
  };
}

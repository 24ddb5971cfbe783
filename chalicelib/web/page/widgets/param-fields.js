// One field for each param of a DAG. What nobody touched is not sent: the server takes the default
// as it stands in the DAG's file, also where a control could not show it exactly.
import { h } from "../lib/dom.js";
import { Exact, parse, shown, stringify } from "../lib/json.js";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WHOLE = /^(?:0|-?[1-9]\d*)$/;
const MOST_ROWS = 12;

/** `read` answers the value to send, undefined for none. Throws what is wrong with it. */
export function field(param) {
  const id = `param-${param.name}`;
  const { input, read, reset } = control(param, id);
  const label = h("label", { class: "name", for: id, id: `${id}-label` }, param.name);
  const rules = help(param);
  if (rules) input.setAttribute("aria-describedby", `${id}-help`);
  let isTouched = false;
  const again = h("button", { type: "button", class: "plain small" }, "Take the default");
  again.setAttribute("aria-describedby", label.id);
  const touch = () => {
    isTouched = true;
    label.after(again);
  };
  input.addEventListener("input", touch);
  input.addEventListener("change", touch);
  again.addEventListener("click", () => {
    isTouched = false;
    reset();
    again.remove();
    input.focus();
  });
  const node = h(
    "div",
    { class: "field" },
    h("div", { class: "named" }, label),
    input,
    rules ? h("p", { class: "help", id: `${id}-help` }, rules) : null,
  );
  return { name: param.name, node, read: () => (isTouched ? read() : undefined) };
}

function help(param) {
  return [
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
}

const isText = (param) => param.type === "string" || (param.type === null && typeof param.default === "string");
const isJson = (param) => ["array", "object"].includes(param.type) || (param.type === null && !isText(param));
const isNumber = (param) => ["integer", "number"].includes(param.type);

function control(param, id) {
  if (param.enum) return choice(param, id, param.enum);
  if (param.type === "boolean") {
    return typeof param.default === "boolean" ? switched(param, id) : choice(param, id, [true, false]);
  }
  if (isNumber(param)) return number(param, id);
  return isText(param) ? text(param, id) : json(param, id);
}

/** What stands for the default where the control has no value that is like it. */
function noChoice(param) {
  if (param.required) return "choose…";
  return param.default === null || param.default === undefined ? "not set" : `default: ${shown(param.default)}`;
}

function choice(param, id, values) {
  const texts = values.map((value) => stringify(value));
  const given = texts.indexOf(stringify(param.default ?? null));
  const isPlain = (value) =>
    typeof value === "string" && value.trim() === value && value !== "" && !texts.includes(value);
  const input = h(
    "select",
    { id },
    given < 0 ? h("option", { value: "" }, noChoice(param)) : null,
    values.map((value, i) => h("option", { value: i, selected: i === given }, isPlain(value) ? value : texts[i])),
  );
  return {
    input,
    read: () => (input.value === "" ? undefined : values[Number(input.value)]),
    reset: () => {
      input.value = given < 0 ? "" : String(given);
    },
  };
}

function switched(param, id) {
  const input = h("input", { id, type: "checkbox", checked: param.default });
  return {
    input,
    read: () => input.checked,
    reset: () => {
      input.checked = param.default;
    },
  };
}

/** A text field, for type=number would drop what it cannot read and rewrite what the wheel moves. */
function number(param, id) {
  // A number that JSON would write differently comes as text.
  const isTemplate = typeof param.default === "string" && !NUMBER.test(param.default);
  const given = isTemplate ? "" : String(param.default ?? "");
  const mode = param.type === "integer" ? "numeric" : "decimal";
  const placeholder = isTemplate ? param.default : null;
  const input = h("input", { id, inputmode: mode, autocomplete: "off", placeholder, value: given });
  return {
    input,
    read: () => {
      const typed = input.value.trim();
      if (typed === "") return undefined;
      if (NUMBER.test(typed)) return new Exact(typed);
      const what = param.type === "integer" ? "a whole number, such as 7" : "a number, such as 0.5";
      throw new Error(`${param.name} must be ${what}, not ${typed}`);
    },
    reset: () => {
      input.value = given;
    },
  };
}

/** Grows with its lines. Enter breaks a line only where there is one already, or with Shift. */
export function textBox(attributes) {
  const lines = (attributes.value ?? "").split("\n").length;
  const box = h("textarea", { rows: Math.min(lines, MOST_ROWS), ...attributes, class: "line", spellcheck: "false" });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || box.value.includes("\n")) return;
    event.preventDefault();
    box.form?.requestSubmit();
  });
  return box;
}

function text(param, id) {
  const given = typeof param.default === "string" ? param.default : "";
  const input = textBox({ id, value: given });
  // A textarea knows no carriage returns; a text of them only gets them back.
  const isWindows = given.includes("\r\n") && !/[^\r]\n/.test(given) && !given.startsWith("\n");
  return {
    input,
    read: () => {
      const typed = isWindows ? input.value.replaceAll("\n", "\r\n") : input.value;
      return param.type === null ? anything(typed) : typed;
    },
    reset: () => {
      input.value = given;
    },
  };
}

function json(param, id) {
  const isTemplate = typeof param.default === "string";
  const given = param.default === null || param.default === undefined || isTemplate ? "" : stringify(param.default, 2);
  const placeholder = isTemplate ? param.default : null;
  const input = textBox({ id, value: given, placeholder });
  return {
    input,
    read: () => {
      if (input.value.trim() === "") return undefined;
      if (param.type === null) return anything(input.value);
      try {
        return parse(input.value, { isEvery: true });
      } catch (error) {
        throw new Error(
          `${param.name} must be JSON, ${param.type === "array" ? "a list" : "an object"}: ${error.message}`,
          { cause: error },
        );
      }
    },
    reset: () => {
      input.value = given;
    },
  };
}

/** What was typed for a param of any type: JSON where a command would see it as it was typed. */
function anything(typed) {
  let value;
  try {
    value = parse(typed, { isEvery: true });
  } catch {
    return typed;
  }
  const isScalar = value === null || value instanceof Exact || typeof value !== "object";
  if (!isScalar || typeof value === "string") return value;
  const isAsTyped = stringify(value) === typed && (typeof value !== "object" || value === null);
  return WHOLE.test(typed) || isAsTyped ? value : typed;
}

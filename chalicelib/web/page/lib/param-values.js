// What somebody typed for a param, as the value that is sent. Pure.
import { Exact, parse, stringify } from "./json.js";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** Whether JSON has a number like this. @param {string} text */
export const isNumber = (text) => NUMBER.test(text);

/**
 * A number as it was typed; undefined for an empty field.
 * @param {{ name: string, type: string | null }} param
 * @param {string} typed
 * @throws {Error} that names the param
 */
export function readNumber(param, typed) {
  const text = typed.trim();
  if (text === "") return undefined;
  if (isNumber(text)) return new Exact(text);
  const kind = param.type === "integer" ? "a whole number, such as 7" : "a number, such as 0.5";
  throw new Error(`${param.name} must be ${kind}, not ${text}`);
}

/**
 * A list or an object; undefined for an empty field.
 * @param {{ name: string, type: string | null }} param
 * @param {string} typed
 * @throws {Error} that names the param
 */
export function readJson(param, typed) {
  if (typed.trim() === "") return undefined;
  if (param.type === null) return readAnything(typed);
  try {
    return parse(typed, { isExact: true });
  } catch (error) {
    const kind = param.type === "array" ? "a list" : "an object";
    const reason = error instanceof Error ? error.message : "";
    throw new Error(`${param.name} must be ${kind} in JSON: ${reason}`, { cause: error });
  }
}

/**
 * The value of a param without a type: JSON if a command gets to see it as it was typed, else the text itself.
 * @param {string} typed
 */
export function readAnything(typed) {
  let value;
  try {
    value = parse(typed, { isExact: true });
  } catch {
    return typed;
  }
  const isScalar = value === null || value instanceof Exact || typeof value !== "object";
  if (!isScalar || typeof value === "string") return value;
  const isAsTyped = stringify(value) === typed && (typeof value !== "object" || value === null);
  return INTEGER.test(typed) || isAsTyped ? value : typed;
}

/**
 * A textarea drops carriage returns. A text whose lines all end with them gets them back.
 * @param {string} original
 */
export function hasWindowsLineEnds(original) {
  return original.includes("\r\n") && !/[^\r]\n/.test(original) && !original.startsWith("\n");
}

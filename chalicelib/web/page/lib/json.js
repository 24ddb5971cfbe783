// JSON without loss. JavaScript rounds integers beyond 2^53, and writes 1.0 as 1. Pure.

/** A number as it was written in JSON, where JavaScript would change its value or its spelling. */
export class Exact {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
  /** For comparisons of values as JSON; `stringify` writes a number. */
  toJSON() {
    return this.text;
  }
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG = /\d{16}/;
const KEY = "\u0001number";

/** @param {string} token */
const isRounded = (token) => /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
/** @param {string} token */
const isRespelled = (token) => String(Number(token)) !== token;

/**
 * As JSON.parse, but integers that would be rounded become Exact; with `isExact`, so do numbers that
 * would be spelled differently, such as 1.0.
 * @param {string} text
 * @param {{ isExact?: boolean }} [options]
 * @returns {any}
 * @throws {SyntaxError}
 */
export function parse(text, { isExact = false } = {}) {
  const plain = JSON.parse(text);
  if (!isExact && !LONG.test(text)) return plain;
  const isKept = isExact ? isRespelled : isRounded;
  const marked = text.replace(TOKENS, (token) =>
    token[0] !== '"' && isKept(token) ? `{${JSON.stringify(KEY)}:"${token}"}` : token,
  );
  return JSON.parse(marked, (_, value) => (value?.[KEY] === undefined ? value : new Exact(value[KEY])));
}

/**
 * As JSON.stringify, with Exact numbers as numbers.
 * @param {unknown} value
 * @param {number} [indent]
 * @returns {string}
 */
export function stringify(value, indent) {
  /** @type {string[]} */
  const numbers = [];
  const marker = `number ${Math.random()} `;
  const marked = withMarkers(value, (exact) => marker + (numbers.push(exact.text) - 1));
  const text = JSON.stringify(marked, null, indent);
  return text?.replace(new RegExp(`"${marker}(\\d+)"`, "g"), (_, index) => numbers[index]);
}

/**
 * `value` with each Exact replaced. A replacer function of JSON.stringify would be called after toJSON.
 * @param {unknown} value
 * @param {(exact: Exact) => string} replace
 * @returns {unknown}
 */
function withMarkers(value, replace) {
  if (value instanceof Exact) return replace(value);
  if (Array.isArray(value)) return value.map((item) => withMarkers(item, replace));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withMarkers(item, replace)]));
}

/**
 * A value as people read it: a string as it is, everything else as JSON.
 * @param {unknown} value
 * @param {number} [indent]
 */
export function displayed(value, indent) {
  return typeof value === "string" ? value : stringify(value, indent);
}

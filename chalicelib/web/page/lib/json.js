// JSON without loss: JavaScript rounds whole numbers beyond 2^53, and writes 1.0 as 1.

/** A number as it stands in JSON, where JavaScript's own would be another, or be written otherwise. */
export class Exact {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
  toJSON() {
    return this.text; // for those who compare; `stringify` writes it as a number
  }
}

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONG = /\d{16}/;
const KEY = "\u0001number";

const isRounded = (token) => /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
const isRewritten = (token) => String(Number(token)) !== token;

/** As JSON.parse, but numbers that would be rounded stay exact; with `isEvery` also those that
 * would be written otherwise, such as 1.0. Throws SyntaxError. */
export function parse(text, { isEvery = false } = {}) {
  const plain = JSON.parse(text);
  if (!isEvery && !LONG.test(text)) return plain;
  const isKept = isEvery ? isRewritten : isRounded;
  const marked = text.replace(TOKENS, (token) =>
    token[0] !== '"' && isKept(token) ? `{${JSON.stringify(KEY)}:"${token}"}` : token,
  );
  return JSON.parse(marked, (_, value) => (value?.[KEY] === undefined ? value : new Exact(value[KEY])));
}

/** As JSON.stringify, with exact numbers as the numbers that they are. */
export function stringify(value, space) {
  const texts = [];
  const mark = `number ${Math.random()} `;
  const kept = (one) => (one instanceof Exact ? mark + (texts.push(one.text) - 1) : one);
  const text = JSON.stringify(withKept(value, kept), null, space);
  return text?.replace(new RegExp(`"${mark}(\\d+)"`, "g"), (_, index) => texts[index]);
}

// A replacer function would see an Exact only after its toJSON.
function withKept(value, kept) {
  if (value instanceof Exact) return kept(value);
  if (Array.isArray(value)) return value.map((one) => withKept(one, kept));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withKept(one, kept)]));
}

/** A value for people: a text as it is, everything else as JSON. */
export function shown(value, space) {
  return typeof value === "string" ? value : stringify(value, space);
}

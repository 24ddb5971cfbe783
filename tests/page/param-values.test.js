import assert from "node:assert/strict";
import { test } from "node:test";
import { stringify } from "../../chalicelib/web/page/lib/json.js";
import * as values from "../../chalicelib/web/page/lib/param-values.js";

/** @param {string | null} type */
const param = (type) => ({ name: "p", type });

test("a number is sent as it was typed", () => {
  for (const typed of ["7", "-0.50", "1e-3", "9007199254740993"]) {
    assert.equal(stringify(values.readNumber(param("number"), ` ${typed} `)), typed);
  }
  assert.equal(values.readNumber(param("number"), "  "), undefined);
});

test("what is no number is refused with an example", () => {
  for (const typed of ["07", "1,5", "0x10", "Infinity", "1.", ".5"]) {
    assert.throws(() => values.readNumber(param("number"), typed), /^Error: p must be a number, such as 0.5, not /);
  }
  assert.throws(() => values.readNumber(param("integer"), "x"), {
    message: "p must be a whole number, such as 7, not x",
  });
});

test("a list or an object is read as JSON", () => {
  assert.deepEqual(values.readJson(param("array"), "[1]"), [1]);
  assert.equal(values.readJson(param("object"), " "), undefined);
  assert.throws(() => values.readJson(param("array"), "[1"), /^Error: p must be a list in JSON: /);
  assert.throws(() => values.readJson(param("object"), "{"), /^Error: p must be an object in JSON: /);
});

test("a param without a type gets JSON only if a command sees it as it was typed", () => {
  const cases = /** @type {const} */ ([
    ["7", "7"],
    ["1.0", '"1.0"'],
    ["1e5", '"1e5"'],
    ["007", '"007"'],
    ["true", "true"],
    [" true", '" true"'],
    ["null", "null"],
    ["[1, 2]", "[1,2]"],
    ['{"a": 1}', '{"a":1}'],
    ['"quoted"', '"quoted"'],
    ["plain text", '"plain text"'],
    ["9007199254740993", "9007199254740993"],
    ["-0", '"-0"'],
  ]);
  for (const [typed, sent] of cases) assert.equal(stringify(values.readAnything(typed)), sent, typed);
});

test("only a text whose lines all end with carriage returns gets them back", () => {
  assert.ok(values.hasWindowsLineEnds("a\r\nb\r\n"));
  for (const text of ["", "a\nb", "a\r\nb\nc", "\n a\r\n", "a\rb"]) assert.ok(!values.hasWindowsLineEnds(text));
});

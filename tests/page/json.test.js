import assert from "node:assert/strict";
import { test } from "node:test";
import { Exact, displayed, parse, stringify } from "../../chalicelib/web/page/lib/json.js";

const BIG = "9007199254740993";
const TEXTS = ["1", "1.0", "-0", "1e5", "1.10", BIG, `-${BIG}`, `"${BIG}"`, "[]", "null", "true", '"\\u0001number"'];
TEXTS.push(`{"a":[${BIG},1.10,"${BIG}"],"\\\\":"\\" ${BIG}"}`, `[{"${BIG}":{"${BIG}":${BIG}}}]`);

for (const text of TEXTS) {
  test(`${text} is written as it was read`, () => {
    assert.equal(stringify(parse(text, { isExact: true })), text);
  });
}

test("only integers that would be rounded are exact unless all are asked for", () => {
  assert.equal(parse("1.10"), 1.1);
  assert.equal(parse("9007199254740991"), 9007199254740991);
  assert.ok(parse(BIG) instanceof Exact);
  assert.ok(parse("1.10", { isExact: true }) instanceof Exact);
});

test("what is no JSON is refused", () => {
  for (const text of ["", "{", "01", `{"a":${BIG}`]) assert.throws(() => parse(text), SyntaxError);
});

test("a value is displayed as text or as JSON", () => {
  assert.deepEqual(
    [displayed("a b"), displayed([1, "x"]), displayed(new Exact(BIG)), displayed(null)],
    ["a b", '[1,"x"]', BIG, "null"],
  );
  assert.equal(displayed({ a: 1 }, 2), '{\n  "a": 1\n}');
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "../../chalicelib/web/page/lib/csv.js";

const CASES = /** @type {const} */ ([
  ["", []],
  ["a", [["a"]]],
  ["a,b\n1,2\n", [["a", "b"], ["1", "2"]]],
  ["a,b\r\n1,2", [["a", "b"], ["1", "2"]]],
  ["a;b\n1,5;2", [["a", "b"], ["1,5", "2"]]],
  ["a\tb\n1\t2", [["a", "b"], ["1", "2"]]],
  ['"a,b",c', [["a,b", "c"]]],
  ['"a\nb",c\nd,e', [["a\nb", "c"], ["d", "e"]]],
  ['"say ""hi""",c', [['say "hi"', "c"]]],
  ['a "quoted" word,b', [['a "quoted" word', "b"]]],
  ['"never ends,b', [["never ends,b"]]],
  ["a,,b\n,,", [["a", "", "b"], ["", "", ""]]],
  ["a\n\nb", [["a"], [""], ["b"]]],
]); // prettier-ignore

for (const [text, rows] of CASES) {
  test(`${JSON.stringify(text)} has the cells that it should`, () => {
    assert.deepEqual(parseCsv(text, 10), rows);
  });
}

test("no more rows are read than asked for", () => {
  assert.equal(parseCsv("a\n".repeat(1000), 3).length, 3);
});

test("a mark that closes in the middle of a cell does not hang", () => {
  assert.ok(parseCsv('"a"b,c\n"', 10).length > 0);
});

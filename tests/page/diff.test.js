import assert from "node:assert/strict";
import { test } from "node:test";
import { diff } from "../../chalicelib/web/page/lib/diff.js";

/** @param {string} before one letter for each line @param {string} after */
const signs = (before, after) =>
  diff([...before], [...after])
    .map((line) => line.join(""))
    .join(" ");

test("lines are kept, removed and added", () => {
  assert.equal(signs("abc", "abc"), " a  b  c");
  assert.equal(signs("abc", "axc"), " a -b +x  c");
  assert.equal(signs("", "ab"), "+a +b");
  assert.equal(signs("ab", ""), "-a -b");
  assert.equal(signs("", ""), "");
});

test("a line that repeats at both ends is counted once", () => {
  assert.equal(signs("aa", "aaa"), " a  a +a");
  assert.equal(signs("aba", "a"), " a -b -a");
});

test("both files can be read from their differences", () => {
  const texts = ["", "a", "abcabba", "cbabac", "xxaxx", "aabbaabb", "abababab"];
  for (const before of texts) {
    for (const after of texts) {
      const lines = diff([...before], [...after]);
      /** @param {string} sign */
      const without = (sign) =>
        lines
          .filter(([own]) => own !== sign)
          .map(([, line]) => line)
          .join("");
      assert.deepEqual([without("+"), without("-")], [before, after]);
    }
  }
});

test("files that are too large to compare are shown one after the other", () => {
  const [before, after] = ["a", "b"].map((letter) => Array.from({ length: 3001 }, (_, i) => letter + i));
  const lines = diff(before, after);
  assert.equal(lines.length, 6002);
  assert.deepEqual(lines[3000], ["-", "a3000"]);
});

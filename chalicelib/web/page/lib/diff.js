// What changed from one list of lines to another. Pure.

/** @typedef {[" " | "-" | "+", string]} DiffLine kept, removed or added */

const MAX_PAIRS = 9_000_000;

/**
 * By the longest common subsequence.
 * @param {readonly string[]} before
 * @param {readonly string[]} after
 * @returns {DiffLine[]}
 */
export function diff(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const old = before.slice(start, before.length - end);
  const fresh = after.slice(start, after.length - end);
  return [
    ...signed(" ", before.slice(0, start)),
    ...middle(old, fresh),
    ...signed(" ", before.slice(before.length - end)),
  ];
}

/** @param {DiffLine[0]} sign @param {readonly string[]} lines @returns {DiffLine[]} */
const signed = (sign, lines) => lines.map((line) => [sign, line]);

/**
 * @param {readonly string[]} a
 * @param {readonly string[]} b
 * @returns {DiffLine[]}
 */
function middle(a, b) {
  if (a.length * b.length > MAX_PAIRS) return [...signed("-", a), ...signed("+", b)];
  const width = b.length + 1;
  const common = commonLengths(a, b);
  /** @type {DiffLine[]} */
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push([" ", a[i]]);
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      lines.push(["-", a[i]]);
      i += 1;
    } else {
      lines.push(["+", b[j]]);
      j += 1;
    }
  }
  return lines;
}

/**
 * At i * (b.length + 1) + j: the length of the longest common subsequence of a from i and b from j.
 * @param {readonly string[]} a
 * @param {readonly string[]} b
 */
function commonLengths(a, b) {
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  return common;
}

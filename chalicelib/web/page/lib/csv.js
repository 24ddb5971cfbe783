// CSV as rows of cells, as RFC 4180 has it, forgiving what it does not. Pure.

const SEPARATORS = [",", ";", "\t"];

/** The separator that the first line has most of. @param {string} text */
function separatorOf(text) {
  const line = text.slice(0, text.search(/[\r\n]|$/));
  const counts = SEPARATORS.map((separator) => line.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))];
}

/**
 * The first `most` rows. A quotation mark within a cell that does not begin with one is text.
 * @param {string} text
 * @param {number} most
 * @returns {string[][]}
 */
export function parseCsv(text, most) {
  const separator = separatorOf(text);
  /** @type {string[][]} */
  const rows = [];
  let row = [];
  let at = 0;
  while (at < text.length && rows.length < most) {
    const cell = text[at] === '"' ? quoted(text, at) : plain(text, at, separator);
    row.push(cell.value);
    at = cell.end;
    if (text[at] === separator) {
      at += 1;
      if (at < text.length) continue;
      row.push("");
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    rows.push(row);
    row = [];
  }
  return rows;
}

/** @param {string} text @param {number} start @param {string} separator */
function plain(text, start, separator) {
  let end = start;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return { value: text.slice(start, end), end };
}

/** What follows the closing mark up to the next separator belongs to nothing. @param {string} text @param {number} start */
function quoted(text, start) {
  let value = "";
  let from = start + 1;
  for (;;) {
    const mark = text.indexOf('"', from);
    if (mark < 0) return { value: value + text.slice(from), end: text.length };
    value += text.slice(from, mark);
    if (text[mark + 1] !== '"') return { value, end: mark + 1 };
    value += '"';
    from = mark + 2;
  }
}

// Lines of a log as text: without colours and timestamps, and whether they look like an error. Pure.

const SEQUENCES = /\x1b\[[0-9;]*m/g;
const STAMP = /^\d{4}-\d\d-\d\dT[\d:.]+Z /;
const LOOKS_WRONG = /(error|exception)\b|\b(fatal|failed|failure|denied|refused|not found|panic|cannot)\b/i;
const EXCEPTION = /^(?:[a-z_]\w*\.)+[A-Z]\w*(?::|$)/; // as Python and Java name theirs

/** `text` without its colours. @param {string} text */
export const withoutColours = (text) => (text.includes("\x1b") ? text.replace(SEQUENCES, "") : text);

/** The timestamp at the start of a line, "" if there is none, and the rest. @param {string} line */
export function splitStamp(line) {
  const stamp = STAMP.exec(line)?.[0] ?? "";
  return { stamp, text: line.slice(stamp.length) };
}

/** What the command wrote, without colours. @param {string} line */
export const plainText = (line) => withoutColours(splitStamp(line).text);

/** @param {string} text without colours and timestamp */
export const looksWrong = (text) => LOOKS_WRONG.test(text) || EXCEPTION.test(text);

/**
 * The line that most likely tells what went wrong: the last that looks like an error, else the last; "" if there is none.
 * @param {readonly string[]} lines
 */
export function lastWords(lines) {
  const texts = lines.map(plainText).filter((text) => text.trim());
  return texts.findLast(looksWrong) ?? texts.at(-1) ?? "";
}

/** A timestamp of the log, which is in UTC, as the viewer's clock shows it: "14:05:07.123". @param {string} stamp */
export function localClock(stamp) {
  const at = new Date(stamp.trim());
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  const millis = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${millis}`;
}

// The lines of a stack trace that lie in libraries, so that a log can fold them and one's own stand out. Pure.

const FEWEST_LINES = 3;
const PYTHON = /^\s+File "(?:[^"]*(?:site-packages|dist-packages|\/lib\/python\d)[^"]*|<frozen [^"]*)", line \d+/;
const OTHERS =
  /^\s+at .*(?:node_modules|node:internal|\((?:java|javax|jdk|sun|scala|org\.(?:apache|springframework|junit))\.|\b(?:java|javax|jdk|sun)\.[\w.$/]+\()/;

/**
 * Pairs of the index of the first line and of the one after the last.
 * @param {readonly string[]} lines without timestamps and colours
 */
export function libraryFrames(lines) {
  /** @type {[number, number][]} */
  const ranges = [];
  let at = 0;
  while (at < lines.length) {
    const end = endOfFrames(lines, at);
    if (end - at >= FEWEST_LINES) ranges.push([at, end]);
    at = Math.max(end, at + 1);
  }
  return ranges;
}

/** @param {readonly string[]} lines @param {number} from */
function endOfFrames(lines, from) {
  let at = from;
  for (;;) {
    const line = lines[at];
    if (line === undefined || !(line[0] === " " || line[0] === "\t")) return at;
    if (PYTHON.test(line)) at = endOfDeeper(lines, at);
    else if (OTHERS.test(line)) at += 1;
    else return at;
  }
}

/**
 * The lines below a frame of Python that are indented further: its source and carets.
 * @param {readonly string[]} lines
 * @param {number} frame
 */
function endOfDeeper(lines, frame) {
  let at = frame + 1;
  while (lines[at] !== undefined && indent(lines[at]) > indent(lines[frame])) at += 1;
  return at;
}

/** @param {string} line */
const indent = (line) => line.length - line.trimStart().length;

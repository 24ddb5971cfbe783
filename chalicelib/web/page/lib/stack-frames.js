// In a log, the lines of a stack trace that lie in libraries: folded, so that one's own stand out. Pure.

const LEAST = 3; // lines
const PYTHON = /^\s+File "(?:[^"]*(?:site-packages|dist-packages|\/lib\/python\d)[^"]*|<frozen [^"]*)", line \d+/;
const OTHERS =
  /^\s+at .*(?:node_modules|node:internal|\((?:java|javax|jdk|sun|scala|org\.(?:apache|springframework|junit))\.|\b(?:java|javax|jdk|sun)\.[\w.$/]+\()/;

/** Pairs of the first line and the one behind the last, of texts without time stamps and colours. */
export function libraryFrames(lines) {
  const found = [];
  let at = 0;
  while (at < lines.length) {
    const end = frames(lines, at);
    if (end - at >= LEAST) found.push([at, end]);
    at = Math.max(end, at + 1);
  }
  return found;
}

function frames(lines, from) {
  let at = from;
  for (;;) {
    const line = lines[at];
    if (line === undefined || !(line[0] === " " || line[0] === "\t")) return at;
    if (PYTHON.test(line)) at = behindDeeper(lines, at);
    else if (OTHERS.test(line)) at += 1;
    else return at;
  }
}

/** Below a frame of Python stand its source and marks, indented further. */
function behindDeeper(lines, frame) {
  let at = frame + 1;
  while (lines[at] !== undefined && indent(lines[at]) > indent(lines[frame])) at += 1;
  return at;
}

const indent = (line) => line.length - line.trimStart().length;

// The colours of a log, which go on over line ends until the command ends them.
import { h } from "./dom.js";
import { withoutColours } from "./log-text.js";

const MAX_PIECES_IN_LINE = 200;
const MAX_PIECES_IN_LOG = 200_000; // what follows is shown without colours
const NOTHING_NEW = "\x1b[10m"; // the library applies open colours only to what follows a sequence
const BASIC = /^ansi-(?:bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;

/** @typedef {ReturnType<typeof createPainter>} Painter */

/**
 * Turns the lines of one log into what shows them, in order. `prepare` must be awaited before `paint`
 * gets lines with colours; a line without any comes back as it is.
 */
export function createPainter() {
  /** @type {any} */
  let anser = null;
  let left = MAX_PIECES_IN_LOG;
  const isOpen = () => anser !== null && (anser.fg !== null || anser.bg !== null || anser.decorations.length > 0);
  return {
    /** @param {readonly string[]} lines */
    async prepare(lines) {
      if (anser !== null || !lines.some((line) => line.includes("\x1b"))) return;
      const { default: Anser } = await import("../vendor/anser.js");
      anser = new /** @type {any} */ (Anser)();
    },
    /** @param {string} text @returns {import("./dom.js").Child} */
    paint(text) {
      if (!text.includes("\x1b") && !isOpen()) return text;
      const pieces = text.split("\x1b").length;
      left -= Math.min(pieces, MAX_PIECES_IN_LINE);
      if (pieces > MAX_PIECES_IN_LINE || left < 0) return withoutColours(text);
      const options = { use_classes: true, remove_empty: true, json: true };
      const spans = anser.ansiToJson(isOpen() ? NOTHING_NEW + text : text, options).map(coloured);
      anser.decorations = [...new Set(anser.decorations)]; // the library notes each again, however often
      return spans;
    },
  };
}

/** @param {any} piece of the library */
function coloured(piece) {
  const classes = (piece.decorations ?? []).map((/** @type {string} */ name) => `ansi-${name}`);
  const span = h("span", null, piece.content);
  for (const [where, name, rgb] of [
    ["ink", piece.fg, piece.fg_truecolor],
    ["back", piece.bg, piece.bg_truecolor],
  ]) {
    if (!name) continue;
    const basic = BASIC.exec(name);
    classes.push(basic ? `${where}-${basic[1]}` : `${where}-any`);
    if (basic) continue;
    span.style.setProperty(`--${where}-of-line`, `rgb(${rgb ?? palette(Number(name.split("-").at(-1)))})`);
  }
  if (classes.length) span.className = classes.join(" ");
  return span;
}

/**
 * One of the colours 16 to 255 of terminals: a cube of six by six by six, then greys.
 * @param {number} index
 */
function palette(index) {
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10);
  /** @param {number} step */
  const level = (step) => (step ? 55 + step * 40 : 0);
  const at = index - 16;
  return [level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6)];
}

// The colours of a command's log. They go on over the ends of lines, until the command ends them.
import { h } from "./dom.js";

const SEQUENCES = /\x1b\[[0-9;]*m/g;
const MOST_IN_LINE = 200; // pieces
const MOST_IN_LOG = 200_000; // what comes behind them is shown without colours
const NOTHING_NEW = "\x1b[10m"; // the library gives colours that are open only to what follows a sequence
const BASIC = /^ansi-(?:bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;

/** `text` without its colours: what is searched, and what is read for errors. */
export const plain = (text) => (text.includes("\x1b") ? text.replace(SEQUENCES, "") : text);

/** For one log: a function from a text to what shows it, line after line. It must be awaited before
 * lines that have a colour; of others it gives the text itself. */
export function painter() {
  let anser = null;
  let left = MOST_IN_LOG;
  const isOpen = () => anser !== null && (anser.fg !== null || anser.bg !== null || anser.decorations.length > 0);
  return {
    async prepare(texts) {
      if (anser === null && texts.some((text) => text.includes("\x1b"))) {
        anser = new (await import("../vendor/anser.js")).default();
      }
    },
    paint(text) {
      if (!text.includes("\x1b") && !isOpen()) return text;
      const many = text.split("\x1b").length;
      left -= Math.min(many, MOST_IN_LINE);
      if (many > MOST_IN_LINE || left < 0) return plain(text);
      const options = { use_classes: true, remove_empty: true, json: true };
      const pieces = anser.ansiToJson(isOpen() ? NOTHING_NEW + text : text, options).map(piece);
      anser.decorations = [...new Set(anser.decorations)]; // it notes each again, however often
      return pieces;
    },
  };
}

function piece(part) {
  const classes = (part.decorations ?? []).map((one) => `ansi-${one}`);
  const made = h("span", null, part.content);
  for (const [where, name, rgb] of [
    ["ink", part.fg, part.fg_truecolor],
    ["back", part.bg, part.bg_truecolor],
  ]) {
    if (!name) continue;
    const basic = BASIC.exec(name);
    classes.push(basic ? `${where}-${basic[1]}` : `${where}-any`);
    if (!basic) made.style.setProperty(`--${where}-of-line`, `rgb(${rgb ?? palette(Number(name.split("-").at(-1)))})`);
  }
  if (classes.length) made.className = classes.join(" ");
  return made;
}

/** One of the colours 16 to 255 of terminals: a cube of six by six by six, then greys. */
function palette(index) {
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10);
  const level = (step) => (step ? 55 + step * 40 : 0);
  const at = index - 16;
  return [level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6)];
}

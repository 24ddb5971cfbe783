// The lines of a log, in blocks that the browser lays out only when they are seen.
import { createPainter } from "../lib/ansi.js";
import { h } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { localClock, plainText, splitStamp } from "../lib/log-text.js";
import { libraryFrames } from "../lib/stack-frames.js";

const BLOCK = 500; // lines
const LINE_PIXELS = 19.4;
const NEAR_END_PIXELS = 40;

export class LogLines {
  constructor() {
    /** @type {(number: number) => string} the link to a line, which is counted from 1 */
    this.hrefOf = () => "";
    this.element = h("div", {
      class: "log wrap",
      id: "log",
      tabindex: 0,
      role: "log",
      "aria-label": "Log",
      "aria-live": "off",
    });
    /** @type {string[]} as they are downloaded, with colours and timestamps */
    this.texts = [];
    /** @type {HTMLElement[]} what shows each of them */
    this.nodes = [];
    this.painter = createPainter();
  }

  /** Show nothing, for another log. */
  clear() {
    this.texts = [];
    this.nodes = [];
    this.painter = createPainter();
    this.element.replaceChildren();
  }

  /**
   * Add lines, a block in each frame of the screen. Whoever looks at the end keeps seeing the end.
   * @param {readonly string[]} texts
   * @param {AbortSignal} signal
   */
  async append(texts, signal) {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PIXELS;
    for (let from = 0; from < texts.length && !signal.aborted; from += BLOCK) {
      const fresh = texts.slice(from, from + BLOCK);
      await this.painter.prepare(fresh);
      if (signal.aborted) return;
      this.#appendTo(this.#block(texts.length), fresh);
      if (from) await nextFrame();
    }
    if (isAtEnd && texts.length) this.scrollToEnd();
  }

  /** The last block if few lines are added to it, else a new one. @param {number} added */
  #block(added) {
    const last = /** @type {HTMLElement | null} */ (this.element.lastElementChild);
    if (last && last.childElementCount < BLOCK && added < BLOCK) return last;
    return this.element.appendChild(h("div", { class: "block" }));
  }

  /** @param {HTMLElement} block @param {readonly string[]} texts */
  #appendTo(block, texts) {
    const before = this.texts.length;
    const nodes = texts.map((text, i) => lineNode(text, this.painter, before + i + 1, this.hrefOf));
    for (const text of texts) this.texts.push(text);
    this.nodes.push(...nodes);
    block.append(...folded(nodes, texts));
    block.style.containIntrinsicSize = `auto ${block.childElementCount * LINE_PIXELS}px`;
  }

  /** Scroll to a line, and unfold it. @param {number} index */
  reveal(index) {
    const node = this.nodes[index];
    node.closest("details")?.setAttribute("open", "");
    const { element } = this;
    const distance = node.getBoundingClientRect().top - element.getBoundingClientRect().top;
    element.scrollTop += distance - element.clientHeight / 3;
  }

  /** Mark the line that a link names, and scroll to it. Answers whether it is there. @param {number} number from 1 */
  point(number) {
    this.element.querySelector(".linked")?.classList.remove("linked");
    const node = this.nodes[number - 1];
    if (!node) return false;
    node.classList.add("linked");
    this.reveal(number - 1);
    return true;
  }

  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Whether a line is folded as one of a library. @param {number} index */
  isFolded(index) {
    return this.nodes[index].parentElement?.matches(".frames") ?? false;
  }
}

/** @param {string} line @param {import("../lib/ansi.js").Painter} painter @param {number} number @param {(number: number) => string} hrefOf */
function lineNode(line, painter, number, hrefOf) {
  const { stamp, text } = splitStamp(line);
  const painted = painter.paint(text);
  const link = h("a", {
    class: "n",
    href: hrefOf(number),
    tabindex: -1,
    "data-n": number,
    "aria-label": `Line ${number}`,
  });
  return h("div", { class: "line" }, link, stamp ? h("span", { class: "at" }, localClock(stamp)) : null, painted);
}

/**
 * The nodes of lines, with the frames of libraries folded.
 * @param {readonly HTMLElement[]} nodes
 * @param {readonly string[]} texts
 */
function folded(nodes, texts) {
  const result = [...nodes];
  for (const [from, end] of libraryFrames(texts.map(plainText)).reverse()) {
    const inside = nodes.slice(from, end);
    const summary = h("summary", null, `${plural(inside.length, "line")} in libraries`);
    result.splice(from, inside.length, h("details", { class: "frames" }, summary, inside));
  }
  return result;
}

const nextFrame = () =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
  });

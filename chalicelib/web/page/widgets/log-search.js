// Finds lines of a log: what somebody looks for, and the first error.
import { plural } from "../lib/format.js";
import { looksWrong, plainText, withoutColours } from "../lib/log-text.js";

const MOST_MARKED = 2000;
const SLICE = 8000; // lines that are searched at once, so that the page stays responsive

export class LogSearch {
  /**
   * @param {import("./log-lines.js").LogLines} log
   * @param {(text: string) => void} onStatus told what was found
   */
  constructor(log, onStatus) {
    this.log = log;
    this.onStatus = onStatus;
    this.searches = 0;
    /** @type {number[]} the marked lines */
    this.hits = [];
    this.current = -1;
  }

  /** Another log is shown: end the search that goes on. */
  reset() {
    this.searches += 1;
    this.hits = [];
    this.current = -1;
  }

  /** Mark the lines that contain a text, and go to the first. @param {string} text */
  async find(text) {
    for (const index of this.hits) this.log.nodes[index]?.classList.remove("hit", "here");
    this.hits = [];
    this.current = -1;
    const wanted = text.trim().toLowerCase();
    if (!wanted) return;
    const found = await this.#lines((line) => withoutColours(line).toLowerCase().includes(wanted));
    if (found === null) return;
    this.hits = found.slice(0, MOST_MARKED);
    for (const index of this.hits) this.log.nodes[index].classList.add("hit");
    this.move(1);
    const rest = found.length > MOST_MARKED ? `; the first ${MOST_MARKED} are marked` : "";
    this.onStatus(found.length ? `${plural(found.length, "line")} found${rest}` : "No matches");
  }

  /** Go to the next match, or with -1 to the previous one. @param {1 | -1} direction */
  move(direction) {
    const { hits, log } = this;
    if (!hits.length) return;
    log.nodes[hits[this.current]]?.classList.remove("here");
    this.current = (this.current + direction + hits.length) % hits.length;
    const index = hits[this.current];
    log.nodes[index].classList.add("here");
    log.reveal(index);
    this.onStatus(`${this.current + 1} of ${hits.length}`);
  }

  /** Go to the first line that looks like an error, one's own rather than a library's. Answers whether there is one. */
  async showFirstError() {
    const found = await this.#lines((line) => looksWrong(plainText(line)));
    if (found === null) return true;
    const index = found.find((line) => !this.log.isFolded(line)) ?? found[0];
    if (index === undefined) return false;
    this.log.nodes[index].classList.add("error");
    this.log.reveal(index);
    return true;
  }

  /**
   * The indexes of the lines that pass a test; null if another search or another log has come in between.
   * @param {(line: string) => boolean} test
   */
  async #lines(test) {
    this.searches += 1;
    const mine = this.searches;
    const { texts } = this.log;
    /** @type {number[]} */
    const found = [];
    for (let from = 0; from < texts.length; from += SLICE) {
      if (from) await nextTurn();
      if (mine !== this.searches) return null;
      texts.slice(from, from + SLICE).forEach((line, i) => {
        if (test(line)) found.push(from + i);
      });
    }
    return found;
  }
}

const nextTurn = () =>
  new Promise((resolve) => {
    setTimeout(resolve);
  });

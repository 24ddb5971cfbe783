// What a view or a tab is given: its part of the address, and polling until it is left.
import { every, poll } from "./poll.js";

/** @typedef {(error: any) => void} OnTrouble called with an error of a poll, and with null once all is well again */

export class ViewContext {
  /**
   * @param {string[]} args the parts of the path after the name of the view
   * @param {OnTrouble} onTrouble
   */
  constructor(args, onTrouble) {
    this.args = args;
    this.onTrouble = onTrouble;
    this.leave = new AbortController();
    /** @type {(() => unknown) | null} called when only the query of the address has changed */
    this.onQuery = null;
  }

  /** Aborted when the view is left. */
  get signal() {
    return this.leave.signal;
  }

  /**
   * Call `work` now and whenever something has changed, at most every `seconds`, until the view is left. Errors of the
   * first call are thrown.
   * @param {number | (() => number)} seconds
   * @param {() => Promise<unknown>} work
   * @param {() => boolean} [isLive] while it is true, `work` is called without waiting for a change
   */
  poll(seconds, work, isLive) {
    return poll(this.signal, seconds, work, this.onTrouble, isLive);
  }

  /**
   * Call `work` now and every `seconds`: for what changes unseen by the database.
   * @param {number | (() => number)} seconds
   * @param {() => Promise<unknown>} work
   */
  every(seconds, work) {
    return every(this.signal, seconds, work, this.onTrouble);
  }

  /** The context of a tab of this view; it ends with the view at the latest. */
  forTab() {
    const tab = new ViewContext(this.args, this.onTrouble);
    this.signal.addEventListener("abort", () => tab.leave.abort(), { once: true });
    return tab;
  }

  /** @param {string} text of the window and of the browser's history */
  setTitle(text) {
    document.title = `${text} · Orchestrator`;
  }
}

// Whether anything has changed, asked once for all parts of the page. The local cloud answers when something does;
// AWS answers at once, so the page asks every few seconds while things happen, and seldom while nothing does.
import { ask, isAbort } from "./api.js";

export const QUIET_MS = 15_000; // between requests while nothing changes
const LIVELY_MS = 2_000;
const LIVELY_FOR_MS = 20_000; // after a change, others follow
const LEAST_MS = 1_000;
const LONGEST_ERROR_MS = 15_000;
const IDLE_MS = 60_000; // where nobody has touched the page for a while

/** @typedef {{ since: number, wait: number }} Question */
/** @typedef {{ number: number, has_changed: boolean }} Answer */
/**
 * @typedef {object} Surroundings what the loop needs, so that a test can have a clock of its own
 * @property {(question: Question, signal: AbortSignal) => Promise<Answer>} ask
 * @property {() => number} now in milliseconds
 * @property {(milliseconds: number) => Promise<void>} pause
 * @property {() => boolean} isIdle
 */

export class Changes {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.surroundings = surroundings;
    /** @type {number | null} of the latest change; null until the first answer */
    this.number = null;
    this.version = 0; // how often something has changed, or may have
    /** @type {any} of the latest request, if it failed */
    this.error = null;
    this.failures = 0;
    this.changedAt = -Infinity;
    /** @type {Set<() => void>} */
    this.waiting = new Set();
    this.isAsking = false;
    this.request = new AbortController();
  }

  /** Learn the number that later changes are compared with. Call it before anything is fetched. */
  async begin() {
    try {
      this.number = (await this.surroundings.ask({ since: 0, wait: 0 }, this.request.signal)).number;
    } catch {
      this.number = null; // the first answer counts as a change
    }
  }

  /**
   * Resolves once something has changed since this version, or a request for it has failed.
   * @param {number} version
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  next(version, signal) {
    if (this.version > version || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.waiting.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
        if (!this.waiting.size) this.request.abort();
      };
      signal.addEventListener("abort", end);
      this.waiting.add(end);
      this.askOn();
    });
  }

  /** Give up the request that waits: the page is hidden, or is seen again. */
  interrupt() {
    this.request.abort();
  }

  async askOn() {
    if (this.isAsking) return;
    this.isAsking = true;
    await this.surroundings.pause(LEAST_MS); // the page comes to rest before a request waits
    while (this.waiting.size) await this.askOnce();
    this.isAsking = false;
  }

  async askOnce() {
    const { now, pause } = this.surroundings;
    const begun = now();
    this.request = new AbortController();
    try {
      const question = { since: this.number ?? 0, wait: this.number === null ? 0 : QUIET_MS / 1000 };
      const answer = await this.surroundings.ask(question, this.request.signal);
      const hasChanged = this.number === null || answer.has_changed || this.failures > 0;
      this.number = answer.number;
      this.error = null;
      this.failures = 0;
      if (hasChanged) this.tell();
    } catch (error) {
      if (isAbort(error)) return pause(0);
      this.error = error;
      this.failures += 1;
      this.tell();
    }
    await pause(Math.max(LEAST_MS, this.interval(begun) - (now() - begun)));
  }

  /** How long after the beginning of the last request the next one is due. @param {number} begun */
  interval(begun) {
    const { now, isIdle } = this.surroundings;
    if (this.failures) return Math.min(LONGEST_ERROR_MS, LEAST_MS * 2 ** this.failures);
    if (now() - this.changedAt < LIVELY_FOR_MS) return isIdle() ? QUIET_MS : LIVELY_MS;
    const hasWaited = now() - begun >= QUIET_MS - LEAST_MS;
    return isIdle() && !hasWaited ? IDLE_MS : QUIET_MS;
  }

  tell() {
    if (!this.error) this.changedAt = this.surroundings.now();
    this.version += 1;
    for (const end of [...this.waiting]) end();
  }
}

/** @param {Question} question @param {AbortSignal} signal @returns {Promise<Answer>} */
export const askServer = (question, signal) => ask("changes", question, signal);

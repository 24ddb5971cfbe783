// Refreshing that spares the API: when something has changed, or every few seconds where nothing tells; less often
// while nobody touches the page, not at all while it is hidden, and after errors at growing intervals.
import { Changes, askServer } from "./changes.js";

import { whenServerIsBack } from "./connection.js";

const IDLE_AFTER_MS = 5 * 60_000;
const IDLE_FACTOR = 8;
const LONGEST_MS = 60_000;
let touchedAt = Date.now();

for (const kind of ["pointerdown", "keydown", "pointermove"]) {
  addEventListener(
    kind,
    () => {
      touchedAt = Date.now();
    },
    { passive: true },
  );
}

const changes = new Changes({ ask: askServer, now: Date.now, pause: pauseUntilSeen, isIdle });
document.addEventListener("visibilitychange", () => changes.interrupt());

/** Call it before anything is fetched: only what changes later is a change. */
export const beginChanges = () => changes.begin();

function isIdle() {
  return Date.now() - touchedAt > IDLE_AFTER_MS;
}

/**
 * Call `work` now, and whenever something has changed, at most every `seconds`, until `signal` aborts. The first error
 * is thrown; later ones go to `onTrouble`, which gets null once `work` succeeds again.
 * @param {AbortSignal} signal
 * @param {number | (() => number)} seconds
 * @param {() => Promise<unknown>} work
 * @param {(error: any) => void} onTrouble
 * @param {() => boolean} [isLive] while it is true, `work` is called without waiting for a change
 */
export async function poll(signal, seconds, work, onTrouble, isLive = () => false) {
  let version = changes.version;
  await work();
  const wait = async () => {
    if (isLive()) return;
    await changes.next(version, signal);
    version = changes.version;
    if (changes.error) throw changes.error;
  };
  repeat(signal, seconds, wait, work, onTrouble);
}

/**
 * Call `work` now, and again every `seconds`, whether anything has changed or not: for what changes unseen by the
 * database, such as the log of a command, and for times that pass.
 * @param {AbortSignal} signal
 * @param {number | (() => number)} seconds
 * @param {() => Promise<unknown>} work
 * @param {(error: any) => void} onTrouble
 */
export async function every(signal, seconds, work, onTrouble) {
  await work();
  repeat(signal, seconds, () => Promise.resolve(), work, onTrouble);
}

/**
 * @param {AbortSignal} signal
 * @param {number | (() => number)} seconds
 * @param {() => Promise<void>} wait
 * @param {() => Promise<unknown>} work
 * @param {(error: any) => void} onTrouble
 */
async function repeat(signal, seconds, wait, work, onTrouble) {
  let failures = 0;
  let begun = Date.now();
  while (!signal.aborted) {
    try {
      await wait();
      const least = typeof seconds === "number" ? seconds : seconds();
      await pauseWhileSeen(begun + interval(least, failures) - Date.now(), signal);
      if (signal.aborted) return;
      begun = Date.now();
      await work();
      if (failures) onTrouble(null);
      failures = 0;
    } catch (error) {
      if (signal.aborted || (error instanceof Error && error.name === "AbortError")) return;
      failures += 1;
      onTrouble(error);
    }
  }
}

/** @param {number} seconds @param {number} failures in a row */
function interval(seconds, failures) {
  const idle = isIdle() ? IDLE_FACTOR : 1;
  return Math.min(LONGEST_MS, seconds * 1000 * idle * 2 ** Math.min(failures, 5));
}

/** A pause that a page cannot leave while it is hidden. @param {number} milliseconds */
function pauseUntilSeen(milliseconds) {
  return pauseWhileSeen(milliseconds, new AbortController().signal);
}

/**
 * A hidden page waits for as long as it is hidden, and goes on as soon as it is seen, or the server is back.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pauseWhileSeen(milliseconds, signal) {
  return new Promise((resolve) => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", changed);
      resolve();
    };
    const changed = () => {
      if (!document.hidden) return end();
      clearTimeout(timer);
    };
    document.addEventListener("visibilitychange", changed);
    signal.addEventListener("abort", end, { once: true });
    whenServerIsBack(changed, signal);
    if (!document.hidden) timer = setTimeout(end, milliseconds);
  });
}

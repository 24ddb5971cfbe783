// Polling that spares the API: every few seconds while somebody looks, less often while nobody touches the page,
// not at all while it is hidden, and after errors at growing intervals.

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

/**
 * Call `work` now, and again every `seconds` until `signal` aborts. The first error is thrown; later
 * ones go to `onTrouble`, which gets null once `work` succeeds again.
 * @param {AbortSignal} signal
 * @param {number} seconds
 * @param {() => Promise<unknown>} work
 * @param {(error: any) => void} onTrouble
 */
export async function poll(signal, seconds, work, onTrouble) {
  await work();
  repeat(signal, seconds, work, onTrouble);
}

/**
 * @param {AbortSignal} signal
 * @param {number} seconds
 * @param {() => Promise<unknown>} work
 * @param {(error: any) => void} onTrouble
 */
async function repeat(signal, seconds, work, onTrouble) {
  let failures = 0;
  while (!signal.aborted) {
    await pauseWhileSeen(interval(seconds, failures), signal);
    if (signal.aborted) return;
    try {
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
  const idle = Date.now() - touchedAt > IDLE_AFTER_MS ? IDLE_FACTOR : 1;
  return Math.min(LONGEST_MS, seconds * 1000 * idle * 2 ** Math.min(failures, 5));
}

/**
 * A hidden page waits for as long as it is hidden, and goes on as soon as it is seen.
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
    if (!document.hidden) timer = setTimeout(end, milliseconds);
  });
}

// Live without hammering: ask every two seconds while somebody looks and things move, less often
// while nobody touches the page, not at all while it is hidden; after errors ever less often.

const IDLE_AFTER = 5 * 60_000;
const IDLE_FACTOR = 8;
const LONGEST = 60_000;
let touched = Date.now();

for (const kind of ["pointerdown", "keydown", "pointermove"]) {
  addEventListener(
    kind,
    () => {
      touched = Date.now();
    },
    { passive: true },
  );
}

/** Call `work` now and again every `seconds` until `signal` says stop. Errors of the first call are
 * thrown; those of later ones go to `trouble`, which gets null when all is well again. */
export async function poll(signal, seconds, work, trouble) {
  await work();
  repeat(signal, seconds, work, trouble);
}

async function repeat(signal, seconds, work, trouble) {
  let failures = 0;
  while (!signal.aborted) {
    await pause(wait(seconds, failures), signal);
    if (signal.aborted) return;
    try {
      await work();
      if (failures) trouble(null);
      failures = 0;
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      failures += 1;
      trouble(error);
    }
  }
}

function wait(seconds, failures) {
  const idle = Date.now() - touched > IDLE_AFTER ? IDLE_FACTOR : 1;
  return Math.min(LONGEST, seconds * 1000 * idle * 2 ** Math.min(failures, 5));
}

/** A hidden page waits for as long as it is hidden, and asks at once when it is seen. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    let timer = null;
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      resolve();
    };
    const seen = () => {
      if (!document.hidden) return end();
      clearTimeout(timer);
    };
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", end, { once: true });
    if (!document.hidden) timer = setTimeout(end, milliseconds);
  });
}

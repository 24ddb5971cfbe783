// Whether the server answers. While it does not, it is asked again every few seconds; once it does, everything that
// waits for that goes on.

const FIRST_MS = 1000;
const LONGEST_MS = 8000;
const SLOWER = 1.5;
const BACK = "serverback";
const GONE = "servergone";
/** What API Gateway or a proxy answers in the place of a server that is gone. */
const IN_BETWEEN = new Set([502, 504]);

/** @type {Date | null} since when it has not answered */
let goneSince = null;

export const isGone = () => goneSince !== null;

/** Since when the server has not answered; null if it does. */
export const serverGoneSince = () => goneSince;

/** @param {() => void} listener called whenever the server stops answering */
export const onServerGone = (listener) => addEventListener(GONE, listener);

/**
 * @param {() => void} listener called once, when the server answers again
 * @param {AbortSignal} [signal] ends the wait
 */
export function whenServerIsBack(listener, signal) {
  addEventListener(BACK, listener, { once: true, signal });
}

/** Note how a request went. @param {Response | null} response null if nothing answered */
export function noteAnswer(response) {
  if (response && !IN_BETWEEN.has(response.status)) {
    if (goneSince) back();
    return;
  }
  if (goneSince) return;
  goneSince = new Date();
  dispatchEvent(new Event(GONE));
  askAgain(FIRST_MS);
}

function back() {
  goneSince = null;
  dispatchEvent(new Event(BACK));
}

/** @param {number} milliseconds to wait before */
async function askAgain(milliseconds) {
  await pause(milliseconds);
  if (!goneSince) return;
  const answer = await fetch(new URL("api/health", document.baseURI), { method: "HEAD", cache: "no-store" }).catch(
    () => null,
  );
  if (!goneSince) return;
  if (answer && !IN_BETWEEN.has(answer.status)) return back();
  askAgain(Math.min(LONGEST_MS, milliseconds * SLOWER));
}

/** A hidden page waits until it is seen. @param {number} milliseconds @returns {Promise<void>} */
function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(() => {
      if (!document.hidden) return resolve();
      document.addEventListener("visibilitychange", () => resolve(), { once: true });
    }, milliseconds);
  });
}

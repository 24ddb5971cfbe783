// Lays out graphs in a worker, so that the page stays responsive. Each shape is laid out once.

/** @typedef {{ id: string, x: number, y: number }} Place the centre of a box */
/** @typedef {{ width: number, height: number, places: Place[], lines: string[] }} Layout the lines are SVG paths */
/** @typedef {{ width: number, height: number }} Size of a box */
/** @typedef {{ resolve: (layout: Layout) => void, reject: (error: Error) => void, timer: ReturnType<typeof setTimeout> }} Request */

const MAX_KEPT = 50;
const LONGEST_MS = 20_000;
/** @type {Map<string, Promise<Layout>>} by the shape as text */
const layouts = new Map();
/** @type {Map<string, Request>} by the shape as text */
const open = new Map();
/** @type {Worker | null} */
let worker = null;

/**
 * @param {Api.Graph} graph
 * @param {Size} size
 */
export function layOut(graph, size) {
  const key = JSON.stringify(graph);
  const known = layouts.get(key);
  if (known) return known;
  if (layouts.size >= MAX_KEPT) layouts.delete(layouts.keys().next().value ?? "");
  const layout = request(key, graph, size);
  layouts.set(key, layout);
  layout.catch(() => layouts.delete(key));
  return layout;
}

/**
 * @param {string} key
 * @param {Api.Graph} graph
 * @param {Size} size
 * @returns {Promise<Layout>}
 */
function request(key, graph, size) {
  const current = (worker ??= startWorker());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail("Laying out this graph takes too long."), LONGEST_MS);
    open.set(key, { resolve, reject, timer });
    current.postMessage({ key, graph, size });
  });
}

function startWorker() {
  const started = new Worker(new URL("./graph-layout-worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data }) => {
    const asked = open.get(data.key);
    open.delete(data.key);
    clearTimeout(asked?.timer);
    asked?.resolve(data);
  };
  started.onerror = () => fail("This graph could not be laid out.");
  return started;
}

/** Reject all open requests; the next one gets a new worker. @param {string} message */
function fail(message) {
  worker?.terminate();
  worker = null;
  for (const { reject, timer } of open.values()) {
    clearTimeout(timer);
    reject(new Error(`${message} The list of tasks is complete.`));
  }
  open.clear();
}

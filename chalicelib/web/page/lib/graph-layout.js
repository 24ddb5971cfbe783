// Asks for the layout of a graph, once for each shape, of a worker that is started with the first.

const KEPT = 50;
const LONGEST_MS = 20_000;
const made = new Map(); // the shape as text → Promise of {width, height, places, lines}
const waiting = new Map(); // the shape as text → {resolve, reject, timer}
let worker = null;

/** `graph` is {nodes: [id], edges: [{source, target}]}, `size` {width, height} of each box. */
export function layout(graph, size) {
  const key = JSON.stringify(graph);
  if (!made.has(key)) {
    if (made.size >= KEPT) made.delete(made.keys().next().value);
    made.set(key, ask(key, graph, size));
    made.get(key).catch(() => made.delete(key));
  }
  return made.get(key);
}

function ask(key, graph, size) {
  worker ??= start();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail("The picture of this graph takes too long to work out."), LONGEST_MS);
    waiting.set(key, { resolve, reject, timer });
    worker.postMessage({ key, graph, size });
  });
}

function start() {
  const started = new Worker(new URL("./graph-layout-worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data }) => {
    const asked = waiting.get(data.key);
    waiting.delete(data.key);
    clearTimeout(asked?.timer);
    asked?.resolve(data);
  };
  started.onerror = () => fail("The picture of this graph could not be worked out.");
  return started;
}

/** Whoever waits is told; the next one gets a new worker. */
function fail(message) {
  worker?.terminate();
  worker = null;
  for (const { reject, timer } of waiting.values()) {
    clearTimeout(timer);
    reject(new Error(`${message} The list of tasks has all of it.`));
  }
  waiting.clear();
}

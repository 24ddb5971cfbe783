// Lays out graphs in a worker, so that the page stays responsive. Each shape is laid out once.

/** @typedef {import("./graph-plan.js").Plan} Plan */
/** @typedef {import("./graph-plan.js").Shape} Shape */
/** @typedef {import("./graph-plan.js").Size} Size */
/** @typedef {{ key: string, shape: Shape, box: Size, room: Size }} Order room: where the picture is shown */
/** @typedef {{ resolve: (plan: Plan) => void, reject: (error: Error) => void, timer: ReturnType<typeof setTimeout> }} Request */

const MAX_KEPT = 50;
const LONGEST_MS = 20_000;
/** Rooms of about the same proportions have the same layout. */
const PROPORTION_STEPS = 2;
/** @type {Map<string, Promise<Plan>>} by the shape as text */
const plans = new Map();
/** @type {Map<string, Request>} by the shape as text */
const open = new Map();
/** @type {Worker | null} */
let worker = null;

/**
 * @param {Shape} shape
 * @param {Size} box
 * @param {Size} room
 */
export function layOut(shape, box, room) {
  const proportion = Math.round((room.width / room.height) * PROPORTION_STEPS);
  const key = JSON.stringify([shape, proportion]);
  const known = plans.get(key);
  if (known) return known;
  if (plans.size >= MAX_KEPT) plans.delete(plans.keys().next().value ?? "");
  const plan = request({ key, shape, box, room });
  plans.set(key, plan);
  plan.catch(() => plans.delete(key));
  return plan;
}

/** @param {Order} order @returns {Promise<Plan>} */
function request(order) {
  const current = (worker ??= startWorker());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail("Laying out this graph takes too long."), LONGEST_MS);
    open.set(order.key, { resolve, reject, timer });
    current.postMessage(order);
  });
}

function startWorker() {
  const started = new Worker(new URL("./graph-layout-worker.js", import.meta.url), { type: "module" });
  started.onmessage = ({ data }) => {
    const asked = open.get(data.key);
    open.delete(data.key);
    clearTimeout(asked?.timer);
    asked?.resolve(data.plan);
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

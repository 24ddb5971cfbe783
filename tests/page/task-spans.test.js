import assert from "node:assert/strict";
import { test } from "node:test";
import { readyTime, spansOf } from "../../chalicelib/web/page/lib/task-spans.js";

const START = Date.parse("2026-11-23T10:00:00Z");
/** @param {number | null} seconds */
const at = (seconds) => (seconds === null ? null : new Date(START + seconds * 1000).toISOString());

/** A task instance whose times are seconds. @param {{ [name: string]: any }} values */
function instance({ queued = null, first = null, started = null, ended = null, ...values }) {
  const times = { queued_at: at(queued), first_started_at: at(first), started_at: at(started), ended_at: at(ended) };
  return /** @type {any} */ ({ state: "success", try_number: 1, poke: 0, pokes: 0, ...times, ...values });
}

/** Spans as "kind from-until", in seconds. @param {any} task @param {any[]} [earlier] @param {number | null} [ready] @param {number} [now] */
const spans = (task, earlier = [], ready = null, now = 1000) =>
  spansOf(task, earlier, ready === null ? null : START + ready * 1000, START + now * 1000).map(
    ({ kind, from, until }) => `${kind} ${(from - START) / 1000}-${(until - START) / 1000}`,
  );

test("a task waits from when it could have run until it starts", () => {
  const task = instance({ queued: 15, started: 20, ended: 60 });
  assert.deepEqual(spans(task, [], 10), ["wait 10-20", "run 20-60"]);
  assert.deepEqual(spans(task), ["wait 15-20", "run 20-60"]);
  // It was run again: what it waits for ended later than it was queued then.
  assert.deepEqual(spans(task, [], 500), ["wait 15-20", "run 20-60"]);
});

test("a retried task shows each attempt, and the pause between them", () => {
  const first = instance({ queued: 0, started: 5, ended: 65 });
  const task = instance({ try_number: 2, queued: 185, started: 190, ended: 250 });
  assert.deepEqual(spans(task, [first], 0), ["wait 0-5", "tried 5-65", "delay 65-185", "wait 185-190", "run 190-250"]);
});

test("a task that waits to be retried pauses until now", () => {
  const task = instance({ state: "up_for_retry", queued: 0, started: 5, ended: 65 });
  assert.deepEqual(spans(task, [], 0, 100), ["wait 0-5", "tried 5-65", "delay 65-100"]);
});

test("a sensor pokes from its first start on, through all its pokes", () => {
  const ended = instance({ poke: 0, first: 10, queued: 490, started: 491, ended: 493 });
  assert.deepEqual(spans(ended, [], 0), ["wait 0-10", "asking 10-491", "run 491-493"]);
  const waiting = instance({ state: "up_for_reschedule", poke: 3, first: 10, queued: 200, started: 201, ended: 202 });
  assert.deepEqual(spans(waiting, [], 0, 230), ["wait 0-10", "asking 10-230"]);
  const asking = instance({ state: "running", poke: 3, first: 10, queued: 200, started: 201 });
  assert.deepEqual(spans(asking, [], 0, 230), ["wait 0-10", "asking 10-201", "run 201-230"]);
});

test("what waits for a slot or an executor waits until now", () => {
  assert.deepEqual(spans(instance({ state: "scheduled", try_number: 0 }), [], 10, 50), ["wait 10-50"]);
  assert.deepEqual(spans(instance({ state: "queued", queued: 30 }), [], 10, 50), ["wait 10-50"]);
  assert.deepEqual(spans(instance({ state: "running", queued: 30, started: 40 }), [], 10, 50), [
    "wait 10-40",
    "run 40-50",
  ]);
});

test("a task that has not begun shows only what it did before it was cleared", () => {
  const first = instance({ queued: 0, started: 5, ended: 65 });
  for (const state of ["none", "upstream_failed", "skipped"]) {
    assert.deepEqual(spans(instance({ state, try_number: 0 }), [], 10), []);
  }
  const cleared = instance({ state: "none", queued: 0, started: 5 });
  assert.deepEqual(spans(cleared, [first]), ["wait 0-5", "tried 5-65"]);
});

test("a task is ready when the last of those that it waits for has ended", () => {
  const ends = new Map([
    ["a", 10],
    ["b", 30],
    ["c", null],
  ]);
  const all = { trigger_rule: "all_success", dependencies: ["a", "b"] };
  assert.equal(readyTime(all, ends, 0), 30);
  assert.equal(readyTime({ ...all, dependencies: [] }, ends, 7), 7);
  assert.equal(readyTime({ ...all, dependencies: ["a", "c"] }, ends, 0), null);
  assert.equal(readyTime({ ...all, trigger_rule: "one_failed" }, ends, 0), null);
});

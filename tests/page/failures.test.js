import assert from "node:assert/strict";
import { test } from "node:test";
import { firstFailures, openFailures, taskName, taskQuery } from "../../chalicelib/web/page/lib/failures.js";

/**
 * A run that ended at an hour of a day.
 * @param {string} dagId
 * @param {string} state
 * @param {number | null} hour
 * @param {number | null} [acknowledged] at this hour
 */
function run(dagId, state, hour, acknowledged = null) {
  /** @param {number | null} at */
  const time = (at) => (at === null ? null : `2026-11-23T${String(at).padStart(2, "0")}:00:00Z`);
  const fields = { run_id: `${dagId} ${hour}`, dag_id: dagId, state };
  return /** @type {Api.Run} */ ({ ...fields, ended_at: time(hour), acknowledged_at: time(acknowledged) });
}

/** @param {Api.Run[]} runs newest first */
const open = (runs) => openFailures(runs).map(({ run: { run_id: id }, count }) => `${id} × ${count}`);

test("a failure is open until a run of its DAG succeeds", () => {
  assert.deepEqual(open([run("a", "failed", 3), run("a", "failed", 2), run("a", "success", 1)]), ["a 3 × 2"]);
  assert.deepEqual(open([run("a", "success", 3), run("a", "failed", 2)]), []);
  assert.deepEqual(open([run("a", "running", null), run("a", "failed", 2)]), ["a 2 × 1"]);
  assert.deepEqual(open([run("a", "cancelled", 3), run("a", "failed", 2)]), ["a 2 × 1"]);
});

test("a success that ended before the failure does not close it, though its run is listed first", () => {
  assert.deepEqual(open([run("a", "success", 2), run("a", "failed", 3)]), ["a 3 × 1"]);
});

test("an acknowledgement closes its failure and the earlier ones", () => {
  assert.deepEqual(open([run("a", "failed", 3, 4), run("a", "failed", 2)]), []);
  assert.deepEqual(open([run("a", "failed", 5), run("a", "failed", 3, 4)]), ["a 5 × 1"]);
});

test("each DAG has its own failures, in the order of the runs", () => {
  assert.deepEqual(open([run("b", "failed", 4), run("a", "failed", 3), run("b", "failed", 2)]), ["b 4 × 2", "a 3 × 1"]);
});

test("the first failure of a run is the one that ended first and still counts", () => {
  /** @param {string} id @param {string | null} ended @param {Partial<Api.TaskInstance>} more */
  const task = (id, ended, more = {}) =>
    /** @type {Api.TaskInstance} */ ({
      task_id: id,
      run_id: "r",
      state: "failed",
      ended_at: ended,
      removed_at: null,
      ...more,
    });
  const tasks = [task("late", "2"), task("early", "1"), task("fine", "0", { state: "success" })];
  assert.equal(firstFailures(tasks).get("r")?.task_id, "early");
  assert.equal(firstFailures([task("gone", "0", { removed_at: "3" }), ...tasks]).get("r")?.task_id, "early");
  assert.equal(firstFailures([]).size, 0);
});

test("a mapped instance is named by its index", () => {
  assert.deepEqual(
    [taskName({ task_id: "a", map_index: -1 }), taskName({ task_id: "a", map_index: 0 })],
    ["a", "a [0]"],
  );
  assert.deepEqual(taskQuery({ task_id: "a", map_index: -1 }), { task: "a", map_index: null });
  assert.deepEqual(taskQuery({ task_id: "a", map_index: 0 }), { task: "a", map_index: 0 });
  assert.deepEqual(taskQuery({ task_id: null, map_index: null }), { task: null, map_index: null });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { firstFailures, taskName, taskQuery } from "../../chalicelib/web/page/lib/failures.js";

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

import assert from "node:assert/strict";
import { test } from "node:test";
import * as words from "../../chalicelib/web/page/lib/vocabulary.js";

test("every state has a mark, a word and a tone", () => {
  for (const state of [...words.RUN_STATES, ...words.TASK_STATES, ...words.NOTIFICATION_STATES]) {
    assert.notEqual(words.mark(state), "?", state);
    assert.match(words.word(state), /^[a-z ]+$/);
    assert.match(words.toneClass(state), /^tone-(good|bad|active|waiting|idle|empty)$/);
  }
});

test("a state that a newer API delivers is shown all the same", () => {
  assert.deepEqual(
    [words.mark("brand_new"), words.word("brand_new"), words.toneClass("brand_new")],
    ["?", "brand new", "tone-idle"],
  );
});

test("the most urgent of the states stands for all", () => {
  assert.equal(words.mostUrgent(["success", "running", "failed"]), "failed");
  assert.equal(words.mostUrgent(["success", "skipped"]), "skipped");
  assert.equal(words.mostUrgent([]), "none");
  for (const state of words.TASK_STATES) assert.equal(words.mostUrgent([state]), state);
});

test("a run is active until it is in a final state", () => {
  for (const state of words.RUN_STATES) assert.equal(words.isActive(state), !words.isFinal(state), state);
});

test("states are counted in the order in which they come", () => {
  assert.equal(words.tally(["success", "failed", "success", "none"]), "2 succeeded, 1 failed, 1 not started");
  assert.equal(words.tally([]), "");
});

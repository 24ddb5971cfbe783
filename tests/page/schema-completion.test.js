import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { suggestionsAt } from "../../chalicelib/web/page/lib/schema-completion.js";

const SCHEMA = JSON.parse(readFileSync(new URL("../../examples/dag.schema.json", import.meta.url), "utf8"));

/** The labels at the bar. @param {string} source */
function labels(source) {
  const [before, after] = source.split("‸");
  return suggestionsAt(SCHEMA, before, after)?.suggestions.map(({ label }) => label) ?? null;
}

/** @param {string} source @param {string} label */
function inserted(source, label) {
  const [before, after] = source.split("‸");
  return suggestionsAt(SCHEMA, before, after)?.suggestions.find((one) => one.label === label)?.insert;
}

test("the keys of a DAG that the file has not got yet are suggested at its margin", () => {
  const found = labels("name: A\ntasks:\n  - id: a\n‸\nschedule: x\n");
  assert.ok(found?.includes("timezone"));
  assert.ok(!found?.includes("name"));
  assert.ok(!found?.includes("tasks"));
  assert.ok(!found?.includes("schedule"));
  assert.equal(inserted("‸", "name"), "name: ");
});

test("the keys of a task are suggested inside it, after a dash or below one, whatever the indentation", () => {
  for (const source of [
    "tasks:\n  - ‸",
    "tasks:\n- ‸",
    "tasks:\n  - id: a\n    ‸",
    "tasks:\n- id: a\n  ‸",
    "tasks:\n  - id: a\n    command: |\n      echo\n    retr‸\n  - id: b\n",
    "tasks:\n    -   id: a\n        ‸",
  ]) {
    assert.ok(labels(source)?.includes("retries"), source);
    assert.ok(!labels(source)?.includes("schedule"), source);
  }
});

test("a key that the same object has already is not suggested, one of its neighbour is", () => {
  const found = labels("tasks:\n  - id: a\n    retries: 1\n  - id: b\n    ‸\n    pool: p\n  - id: c\n    group: g\n");
  assert.ok(!found?.includes("id"));
  assert.ok(!found?.includes("pool"));
  assert.ok(found?.includes("retries"));
  assert.ok(found?.includes("group"));
});

test("an alias comes after the words that it stands for", () => {
  const found = labels("tasks:\n  - ‸") ?? [];
  const ranks = suggestionsAt(SCHEMA, "tasks:\n  - ")?.suggestions ?? [];
  const rank = (/** @type {string} */ label) => ranks.find((one) => one.label === label)?.rank ?? -1;
  assert.ok(found.includes("task_id"));
  assert.ok(rank("task_id") > rank("command"));
});

test("nested objects, params and references are followed", () => {
  assert.ok(labels("params:\n  region:\n    ‸")?.includes("pattern"));
  assert.ok(labels("tasks:\n  - id: a\n    sensor:\n      ‸")?.includes("poke_interval"));
  assert.ok(labels("default_args:\n  ‸")?.includes("retries"));
  assert.deepEqual(labels("on_failure:\n  - ‸")?.sort(), labels("on_failure:\n- ‸")?.sort());
  assert.ok(labels("on_failure:\n  - ‸")?.includes("webhook"));
});

test("the words of a closed set, true and false, and examples are suggested as values", () => {
  assert.ok(labels("tasks:\n  - id: a\n    trigger_rule: ‸")?.includes("all_done"));
  assert.ok(labels("tasks:\n  - id: a\n    trigger_rule: one‸")?.includes("one_failed"));
  assert.deepEqual(labels("catchup: ‸"), ["true", "false"]);
  assert.equal(inserted("schedule: ‸", "@daily"), '"@daily"');
  assert.equal(inserted("schedule:\n  - ‸", "@daily"), '"@daily"');
  assert.equal(inserted("catchup: ‸", "true"), "true");
});

test("dependencies are the tasks of the file, those below included", () => {
  const rest = "\n  - id: last\n";
  for (const place of ["dependencies: ‸", "dependencies: [‸", "dependencies: [first, ‸]", "dependencies:\n      - ‸"]) {
    const found = labels(`tasks:\n  - id: first\n  - {id: second, command: x}\n  - id: mine\n    ${place}${rest}`);
    assert.deepEqual(found, ["first", "second", "mine", "last"], place);
  }
});

test("nothing is suggested in a command, a comment, a text or after a complete value", () => {
  for (const source of [
    "tasks:\n  - id: a\n    command: |\n      na‸",
    "tasks:\n  - id: a\n    command: |\n      if x; then\n        na‸",
    "tasks:\n  - id: a\n    command: >-\n\n      na‸",
    "# na‸",
    "name: A # na‸",
    "name: a b‸",
    "name:‸",
    'name: "A‸',
    "unknown:\n  ‸",
  ]) {
    assert.equal(labels(source), null, source);
  }
});

test("after a command of several lines, keys are suggested again", () => {
  assert.ok(labels("tasks:\n  - id: a\n    command: |\n      echo\n    ‸")?.includes("retries"));
});

test("what is being typed is measured, so that it is replaced", () => {
  assert.equal(suggestionsAt(SCHEMA, "tasks:\n  - id: a\n    retr")?.length, 4);
  assert.equal(suggestionsAt(SCHEMA, "tasks:\n  - id: a\n    dependencies: [a, b")?.length, 1);
});

test("any half of a file is no error", () => {
  const text = readFileSync(new URL("../../examples/csv_handover.yaml", import.meta.url), "utf8");
  for (let i = 0; i <= text.length; i += 1) suggestionsAt(SCHEMA, text.slice(0, i), text.slice(i));
  for (const odd of ["\t- :", "- - - ", "{", "[", "a:\n\t b", "? x", "&a *b", "a: |", ": ", "-", "- -"]) {
    suggestionsAt(SCHEMA, odd);
  }
});

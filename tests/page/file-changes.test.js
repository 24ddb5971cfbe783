import assert from "node:assert/strict";
import { test } from "node:test";
import { compareFiles } from "../../chalicelib/web/page/lib/file-changes.js";

/** @param {string} path @param {string} sha256 */
const file = (path, sha256, is_executable = false) => ({ path, sha256, is_executable });

/** @param {ReturnType<typeof file>[]} files @param {ReturnType<typeof file>[] | null} before */
const changes = (files, before) => compareFiles(files, before).map((row) => [row.file.path, row.change]);

test("without another version nothing has changed", () => {
  assert.deepEqual(changes([file("b", "1"), file("a", "1")], null), [
    ["b", ""],
    ["a", ""],
  ]);
});

test("files are added, removed, changed, and made executable", () => {
  const before = [file("same", "1"), file("gone", "1"), file("other", "1"), file("run", "1")];
  const after = [file("same", "1"), file("new", "1"), file("other", "2"), file("run", "1", true)];
  assert.deepEqual(changes(after, before), [
    ["gone", "removed"],
    ["new", "added"],
    ["other", "changed"],
    ["run", "permissions changed"],
    ["same", ""],
  ]);
});

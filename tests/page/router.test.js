import assert from "node:assert/strict";
import { test } from "node:test";
import { hrefTo, parseRoute, queryString } from "../../chalicelib/web/page/lib/router.js";

test("an id with any letters comes back from its link", () => {
  for (const id of ["etl", "a/b", "50%", "ä ö?x=1&y#z", "..", "a+b"]) {
    const { parts, query } = parseRoute(hrefTo(["dags", id], { tag: id }));
    assert.deepEqual([parts, query.get("tag")], [["dags", id], id]);
  }
});

test("an address that nobody would write is read as far as it goes", () => {
  assert.deepEqual(parseRoute("").parts, []);
  assert.deepEqual(parseRoute("#/").parts, []);
  assert.deepEqual(parseRoute("#//dags//%E0%A4%A/").parts, ["dags", "%E0%A4%A"]);
  assert.equal(parseRoute("#/runs?state=failed").query.get("state"), "failed");
});

test("what is not given is left out of a query", () => {
  assert.equal(queryString({ a: null, b: undefined, c: "", d: 0, e: false, f: "x y" }), "?d=0&e=false&f=x+y");
  assert.equal(queryString({}), "");
});

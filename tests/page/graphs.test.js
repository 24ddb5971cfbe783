import assert from "node:assert/strict";
import { test } from "node:test";
import { levels, neighbourhood } from "../../chalicelib/web/page/lib/neighbourhood.js";

/** A graph from words such as "a>b". Its nodes are in the order in which they are named. @param {string[]} words */
function graph(...words) {
  const edges = words.map((word) => word.split(">")).map(([source, target]) => ({ source, target }));
  return { nodes: [...new Set(edges.flatMap(({ source, target }) => [source, target]))], edges };
}

test("the tasks nearest to the centre are kept, with the edges between them", () => {
  const chain = graph("a>b", "b>c", "c>d", "d>e");
  assert.deepEqual(neighbourhood(chain, "c", 3), {
    nodes: ["b", "c", "d"],
    edges: [
      { source: "b", target: "c" },
      { source: "c", target: "d" },
    ],
    cut: new Map([
      ["d", 1],
      ["b", 1],
    ]),
  });
});

test("a small graph is kept as a whole", () => {
  const small = graph("a>b", "a>c");
  assert.deepEqual(neighbourhood(small, "a", 40), { ...small, cut: new Map() });
});

test("one wide task does not fill the picture", () => {
  const wide = graph(...Array.from({ length: 100 }, (_, i) => `hub>leaf${i}`), "leaf0>end");
  const near = neighbourhood(wide, "hub", 40);
  assert.equal(near.nodes.length, 14);
  assert.ok(near.nodes.includes("end"));
  assert.equal(near.cut.get("hub"), 88);
});

test("a level has the tasks with the same longest path to them", () => {
  assert.deepEqual(levels(graph("a>b", "a>c", "b>d", "c>d", "a>d")), [["a"], ["b", "c"], ["d"]]);
  assert.deepEqual(levels({ nodes: ["x", "y"], edges: [] }), [["x", "y"]]);
  assert.deepEqual(levels({ nodes: [], edges: [] }), []);
});

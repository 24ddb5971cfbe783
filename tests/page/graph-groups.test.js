import assert from "node:assert/strict";
import { test } from "node:test";
import { foldedAtFirst, foldedGraph, groupsOf } from "../../chalicelib/web/page/lib/graph-groups.js";
import { countsOf, countsText } from "../../chalicelib/web/page/lib/task-counts.js";

/** Tasks of three steps for each of many regions, each after the step before. @param {number} regions @param {string} [separator] */
function steps(regions, separator = "_") {
  const names = ["extract", "clean", "load"];
  const id = (/** @type {string} */ step, /** @type {number} */ i) => `${step}${separator}r${i}`;
  const nodes = names.flatMap((step) => Array.from({ length: regions }, (_, i) => id(step, i)));
  const edges = names
    .slice(1)
    .flatMap((step, n) =>
      Array.from({ length: regions }, (_, i) => ({ source: id(names[n], i), target: id(step, i) })),
    );
  return { nodes, edges };
}

/** @param {string[]} nodes */
const plain = (nodes) => nodes.map((id) => ({ id, group: null }));

test("the tasks of a DAG file's groups are its groups, however few they are", () => {
  const graph = { nodes: ["a", "b", "c"], edges: [{ source: "a", target: "b" }] };
  const tasks = [
    { id: "a", group: "Load" },
    { id: "b", group: "Load" },
    { id: "c", group: null },
  ];
  assert.deepEqual(groupsOf(tasks, graph), [{ name: "Load", members: ["a", "b"], isNamed: true }]);
});

test("a large graph without groups has those of the beginnings of its ids", () => {
  for (const separator of ["_", "-", ".", "__"]) {
    const graph = steps(9, separator);
    assert.deepEqual(
      groupsOf(plain(graph.nodes), graph).map(({ name, members }) => [name, members.length]),
      [
        ["extract", 9],
        ["clean", 9],
        ["load", 9],
      ],
    );
  }
  const small = steps(8);
  assert.deepEqual(groupsOf(plain(small.nodes), small), []);
});

test("a beginning that nearly all tasks share, or few, makes no group", () => {
  const nodes = [...Array.from({ length: 30 }, (_, i) => `task_${i}`), "end_a", "end_b"];
  assert.deepEqual(groupsOf(plain(nodes), { nodes, edges: [] }), []);
});

test("tasks between which others run are no group: folding them would turn the graph around", () => {
  const graph = steps(9);
  graph.edges.push({ source: "load_r0", target: "extract_r1" });
  assert.deepEqual(
    groupsOf(plain(graph.nodes), graph).map(({ name }) => name),
    [],
  );
});

test("a folded group is one box with the lines of all its tasks", () => {
  const graph = steps(9);
  const groups = groupsOf(plain(graph.nodes), graph);
  const { nodes, edges, members, frames } = foldedGraph(graph, groups, new Set(["extract", "load"]));
  assert.equal(nodes.length, 11);
  assert.equal(nodes[0], "group:extract");
  assert.equal(edges.length, 18);
  assert.equal(members.get("group:load")?.length, 9);
  assert.deepEqual(Object.keys(frames), ["group:clean"]);
  assert.equal(foldedGraph(graph, groups, new Set(["extract", "clean"])).edges.length, 10);
});

test("the groups of a large graph are folded at first, but not around the chosen task", () => {
  const graph = steps(30);
  const groups = groupsOf(plain(graph.nodes), graph);
  assert.deepEqual([...foldedAtFirst(groups, 90, "clean_r3")], ["extract", "load"]);
  assert.deepEqual([...foldedAtFirst(groups, 60, null)], []);
  const named = groups.map((group) => ({ ...group, isNamed: true }));
  assert.deepEqual([...foldedAtFirst(named, 60, null)], ["extract", "clean", "load"]);
  assert.deepEqual([...foldedAtFirst(named, 20, null)], []);
});

test("counts say how many run and how many wait, whatever they wait for", () => {
  const states = [
    "running",
    "scheduled",
    "running",
    "queued",
    "running",
    "up_for_retry",
    "scheduled",
    "up_for_reschedule",
  ];
  assert.equal(countsText(states), "3 running, 5 waiting");
  assert.equal(countsText(["success", "failed", "none", "success"]), "1 failed, 1 not started, 2 succeeded");
  assert.deepEqual(countsOf(["success", "failed"])[0], { words: "failed", tone: "tone-bad", number: 1 });
  assert.equal(countsText([...states, "failed", "success"], 24), "1 failed, 3 running, …");
  assert.equal(countsText(["upstream_failed", "success"], 5), "1 upstream failed, …");
});

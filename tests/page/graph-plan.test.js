import assert from "node:assert/strict";
import { test } from "node:test";
import { bandsOf, edgePath } from "../../chalicelib/web/page/lib/edge-paths.js";
import { scaleIn } from "../../chalicelib/web/page/lib/picture-size.js";
import { planGraph } from "../../chalicelib/web/page/lib/graph-plan.js";

const BOX = { width: 152, height: 38 };
const WIDE = { width: 700, height: 250 };
const HIGH = { width: 300, height: 900 };
const STEPS = 40; // points in which a curve is looked at

/** The same numbers each time. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

/** A graph in which every task may wait for any before it. @param {number} seed @param {number} size @param {boolean} isGrouped */
function anyGraph(seed, size, isGrouped) {
  const next = numbers(seed);
  const nodes = Array.from({ length: size }, (_, i) => `t${i}`);
  const pairs = nodes
    .slice(1)
    .flatMap((target, i) => [0, 1, 2].map(() => [nodes[Math.floor(next() * (i + 1))], target, next()]));
  const wanted = pairs.filter(([, , luck]) => Number(luck) < 0.6);
  const edges = [...new Map(wanted.map(([source, target]) => [`${source}>${target}`, { source, target }])).values()];
  const groups = isGrouped ? { a: nodes.slice(0, 5), b: nodes.slice(10, 15) } : {};
  return /** @type {import("../../chalicelib/web/page/lib/graph-plan.js").Shape} */ ({ nodes, edges, groups });
}

/** Points of an SVG path of lines and curves. @param {string} path */
function pointsOf(path) {
  /** @type {number[][]} */
  const points = [];
  let [at] = [[0, 0]];
  for (const [, command, numerals] of path.matchAll(/([MLC])([^MLC]+)/g)) {
    const given = numerals
      .trim()
      .split(" ")
      .map((pair) => pair.split(",").map(Number));
    const [a, b, c, d] = command === "C" ? [at, ...given] : [at, at, given[0], given[0]];
    for (let i = 0; command !== "M" && i <= STEPS; i += 1) {
      const [t, u] = [i / STEPS, 1 - i / STEPS];
      points.push([0, 1].map((k) => u ** 3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t ** 3 * d[k]));
    }
    at = given[given.length - 1];
  }
  return points;
}

/** @param {number[]} point @param {{ x: number, y: number }} box */
const isInside = ([x, y], box) =>
  Math.abs(x - box.x) < BOX.width / 2 - 0.2 && Math.abs(y - box.y) < BOX.height / 2 - 0.2;

for (const [name, room, isGrouped] of /** @type {const} */ ([
  ["downwards", HIGH, false],
  ["sideways", WIDE, false],
  ["with frames around groups", WIDE, true],
])) {
  test(`no line of a graph crosses a box, ${name}`, () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const plan = planGraph(anyGraph(seed, 15 + 4 * seed, isGrouped), BOX, room);
      for (const { source, target, d } of plan.lines) {
        const points = pointsOf(d);
        const others = plan.places.filter(({ id }) => id !== source && id !== target);
        const crossed = others.filter((box) => points.some((point) => isInside(point, box)));
        assert.deepEqual(crossed, [], `${source}>${target} of graph ${seed}`);
      }
    }
  });
}

test("a graph runs in the direction in which more of it can be read", () => {
  const chain = {
    nodes: ["a", "b", "c"],
    edges: [
      { source: "a", target: "b" },
      { source: "b", target: "c" },
    ],
  };
  const [wide, high] = [planGraph(chain, BOX, WIDE), planGraph(chain, BOX, HIGH)];
  assert.ok(wide.width > wide.height);
  assert.ok(high.width < high.height);
});

test("a frame lies around the boxes of its group", () => {
  const { frames, places } = planGraph(anyGraph(3, 20, true), BOX, WIDE);
  assert.deepEqual(
    frames.map(({ id }) => id),
    ["a", "b"],
  );
  for (const { x, y } of places.slice(0, 5)) {
    const [frame] = frames;
    assert.ok(x - BOX.width / 2 >= frame.x && x + BOX.width / 2 <= frame.x + frame.width);
    assert.ok(y - BOX.height / 2 >= frame.y && y + BOX.height / 2 <= frame.y + frame.height);
  }
});

test("a line goes straight through the rows that it passes, in either direction", () => {
  const bands = bandsOf([0, 100, 200], 40);
  assert.deepEqual(bands[1], { from: 80, until: 120 });
  const points = [
    { x: 0, y: 20 },
    { x: 50, y: 100 },
    { x: 10, y: 180 },
  ];
  assert.equal(edgePath(points, bands, false), "M0,20 C0,50 50,50 50,80 L50,120 C50,150 10,150 10,180");
  assert.equal(edgePath([...points].reverse(), bands, false), "M10,180 C10,150 50,150 50,120 L50,80 C50,50 0,50 0,20");
  assert.equal(edgePath(points, bands, true), "M20,0 C50,0 50,50 80,50 L120,50 C150,50 150,10 180,10");
});

test("a picture shrinks to fit in its room, and is never enlarged", () => {
  assert.equal(scaleIn(WIDE, { width: 1400, height: 100 }), 0.5);
  assert.equal(scaleIn(WIDE, { width: 700, height: 1000 }), 0.25);
  assert.equal(scaleIn(WIDE, { width: 10, height: 10 }), 1);
});

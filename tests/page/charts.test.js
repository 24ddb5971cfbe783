import assert from "node:assert/strict";
import { test } from "node:test";
import * as charts from "../../chalicelib/web/page/lib/charts.js";

/** @param {...(number | null)} seconds */
const runs = (...seconds) => seconds.map((duration) => ({ duration }));
const HOUR = 3_600_000;

test("one long run does not flatten the others", () => {
  assert.equal(charts.topDuration(runs(10, 20, 15)), 20);
  assert.equal(charts.topDuration(runs(10, 10, 1000)), 30);
  assert.equal(charts.topDuration(runs(0.2, null)), 1);
  assert.equal(charts.topDuration([]), 1);
});

test("a bar fits its room, whatever the run took", () => {
  const pixels = { least: 5, most: 24 };
  const heights = [0, 10, 20, 400, null].map((duration) => charts.barHeight({ duration }, 20, pixels));
  assert.deepEqual(heights, [5, 12, 24, 24, 24]);
});

test("an axis has round times, and not too many of them", () => {
  const from = Date.UTC(2026, 10, 23, 1, 30);
  assert.deepEqual(
    charts.timelineTicks(from, from + 12 * HOUR, 6).map((time) => new Date(time).getUTCHours()),
    [2, 4, 6, 8, 10, 12],
  );
  for (const hours of [1, 2, 12, 48, 500]) {
    assert.ok(charts.timelineTicks(from, from + hours * HOUR, 8).length <= (hours > 192 ? 21 : 9));
    const ticks = charts.ganttTicks(from, from + hours * HOUR);
    assert.equal(ticks[0], from);
    assert.ok(ticks.length <= (hours > 120 ? 21 : 6));
  }
  assert.deepEqual(charts.ganttTicks(0, 1000), [0, 500, 1000]);
});

test("of times that would be drawn over each other only the first is kept", () => {
  assert.deepEqual(
    charts.spaced([0, 3, 7, 13, 14], (time) => time, 7),
    [0, 7, 14],
  );
  assert.deepEqual(
    charts.spaced([], (time) => time, 7),
    [],
  );
});

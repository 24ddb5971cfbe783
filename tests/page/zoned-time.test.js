import assert from "node:assert/strict";
import test from "node:test";

import { instantOf, lastDays, monthBefore, wallClock, wholeMonth } from "../../chalicelib/web/page/lib/zoned-time.js";

const BERLIN = "Europe/Berlin";
const NOW = Date.parse("2026-11-23T23:30:00Z"); // the 24th in Berlin, the 23rd in New York

/** @param {string} wall @param {string} zone */
const utc = (wall, zone) => new Date(instantOf(wall, zone)).toISOString();

test("a time on a zone's clock is the time that it stands for", () => {
  assert.equal(utc("2026-11-23T02:00", BERLIN), "2026-11-23T01:00:00.000Z");
  assert.equal(utc("2026-07-01T02:00:30", BERLIN), "2026-07-01T00:00:30.000Z");
  assert.equal(utc("2026-11-23T02:00", "Asia/Kathmandu"), "2026-11-22T20:15:00.000Z");
  assert.equal(utc("2026-11-23T02:00", "America/New_York"), "2026-11-23T07:00:00.000Z");
  assert.equal(utc("2026-11-23T00:00", "UTC"), "2026-11-23T00:00:00.000Z");
});

test("a time that occurs twice is the first, one that is skipped comes after the gap", () => {
  assert.equal(utc("2026-10-25T02:30", BERLIN), "2026-10-25T00:30:00.000Z");
  assert.equal(utc("2026-03-29T02:30", BERLIN), "2026-03-29T01:30:00.000Z");
});

test("a clock and its time are each other's inverse all year, in any zone", () => {
  for (const zone of [BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]) {
    for (let hour = 0; hour < 366 * 24; hour += 7) {
      const wall = wallClock(Date.UTC(2026, 0, 1, hour), zone);
      assert.equal(wallClock(instantOf(wall, zone), zone), wall, `${zone} ${wall}`);
    }
  }
});

test("presets are days and months of the zone, up to now", () => {
  assert.deepEqual(lastDays(7, NOW, BERLIN), { from: "2026-11-18T00:00:00", to: "2026-11-24T00:30:00" });
  assert.deepEqual(lastDays(7, NOW, "America/New_York"), { from: "2026-11-17T00:00:00", to: "2026-11-23T18:30:00" });
  assert.deepEqual(wholeMonth("2026-02", NOW, BERLIN), { from: "2026-02-01T00:00:00", to: "2026-02-28T23:59:59" });
  assert.deepEqual(wholeMonth("2026-11", NOW, BERLIN), { from: "2026-11-01T00:00:00", to: "2026-11-24T00:30:00" });
  assert.equal(monthBefore(0, NOW, BERLIN), "2026-11");
  assert.equal(monthBefore(11, NOW, BERLIN), "2025-12");
});

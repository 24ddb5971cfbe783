import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../../chalicelib/web/page/lib/format.js";

test("a duration has two units at most and tenths only where they matter", () => {
  const cases = /** @type {const} */ ([
    [null, ""],
    [undefined, ""],
    [0, "0 s"],
    [0.0004, "1 ms"],
    [0.094, "94 ms"],
    [0.095, "0.1 s"],
    [2, "2 s"],
    [2.25, "2.3 s"],
    [9.94, "9.9 s"],
    [9.95, "10 s"],
    [59.6, "1 min"],
    [60, "1 min"],
    [61, "1 min 1 s"],
    [3600, "1 h"],
    [3601, "1 h"],
    [4000, "1 h 6 min"],
    [86_399.6, "1 d"],
    [90_061, "1 d 1 h"],
    [90_000_000, "1041 d 16 h"],
  ]);
  for (const [seconds, text] of cases) assert.equal(format.duration(seconds), text, String(seconds));
});

test("a relative time looks back, ahead, or at how long something has been going on", () => {
  const cases = /** @type {const} */ ([
    ["ago", -4_999, "just now"],
    ["ago", -5_000, "5 s ago"],
    ["ago", -3_599_000, "59 min ago"],
    ["ago", -7_200_000, "2 h ago"],
    ["ago", 3_000, "just now"], // the clock of the server is ahead
    ["in", 999, "now"],
    ["in", -60_000, "now"],
    ["in", 200_000, "in 3 min 20 s"],
    ["since", -200_400, "3 min 20 s"],
    ["since", 5_000, "0 s"],
  ]);
  const now = Date.UTC(2026, 10, 23);
  for (const [direction, offset, text] of cases) assert.equal(format.relative(direction, now + offset, now), text);
});

test("a time is shown on the clock of its zone, across a change of clocks as well", () => {
  assert.equal(format.fullTime("2026-11-23T01:00:00Z", "Europe/Berlin"), "23 Nov 2026, 02:00:00 CET");
  assert.equal(format.fullTime("2026-10-25T00:30:00Z", "Europe/Berlin"), "25 Oct 2026, 02:30:00 CEST");
  assert.equal(format.fullTime("2026-10-25T01:30:00Z", "Europe/Berlin"), "25 Oct 2026, 02:30:00 CET");
  assert.equal(format.fullTime(null), "");
  assert.equal(format.clockTime("2026-11-23T23:05:00Z", "Asia/Kolkata"), "04:35");
  assert.equal(format.dayOf("2026-12-31T23:30:00Z", "Asia/Tokyo"), "2027-01-01");
});

test("a short time names the day unless it is near", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2026, 10, 23, 12) });
  const cases = [
    ["2026-11-22T00:00:00Z", "yesterday 00:00"],
    ["2026-11-23T14:05:00Z", "today 14:05"],
    ["2026-11-24T23:59:00Z", "tomorrow 23:59"],
    ["2026-11-25T00:00:00Z", "25 Nov 00:00"],
    ["2025-11-23T14:05:00Z", "23 Nov 14:05"],
  ];
  for (const [iso, text] of cases) assert.equal(format.shortTime(iso, "UTC"), text);
});

test("sizes, counts, medians and prices are readable", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1024 ** 2, null].map(format.bytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "1.0 MiB",
    "",
  ]);
  assert.deepEqual(
    [format.plural(1, "task"), format.plural(0, "task"), format.plural(2, "child", "children")],
    ["1 task", "0 tasks", "2 children"],
  );
  assert.deepEqual([format.median([]), format.median([3, null, 1, 2]), format.median([10, 9])], [null, 2, 10]);
  const fargate = { fargate_vcpu_hours: 0, fargate_gb_hours: 0 };
  const cost = { billed_ms: 1, gb_seconds: 1, ...fargate, requests: 1, prices: "", since: null };
  assert.equal(format.dollars({ ...cost, dollars: 0.00012, basis: "billed" }), "0.0120 cents");
  assert.equal(format.dollars({ ...cost, dollars: 1.2, basis: "estimated" }), "about 1.20 USD, estimated");
  assert.deepEqual([format.shortened("abcdef", 6), format.shortened("abcdefg", 6)], ["abcdef", "abcde…"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { dayText, periods, rangeOf } from "../../chalicelib/web/page/lib/periods.js";

test("periods are counted in days of the viewer's calendar", () => {
  const [today, yesterday, week, month] = periods(new Date(2026, 2, 1, 0, 30));
  assert.deepEqual([today.from, today.to], ["2026-03-01", "2026-03-01"]);
  assert.deepEqual([yesterday.from, yesterday.to], ["2026-02-28", "2026-02-28"]);
  assert.deepEqual([week.from, week.to], ["2026-02-23", "2026-03-01"]);
  assert.deepEqual([month.from, month.to], ["2026-01-31", "2026-03-01"]);
});

test("a range reaches from the first moment to the last, and may be open", () => {
  const { from, to } = rangeOf("2026-11-27", "2026-11-28");
  assert.equal(new Date(from ?? "").getTime(), new Date(2026, 10, 27).getTime());
  assert.equal(new Date(to ?? "").getTime(), new Date(2026, 10, 29).getTime() - 1);
  assert.deepEqual(rangeOf(null, null), { from: null, to: null });
  assert.deepEqual(rangeOf("yesterday", ""), { from: null, to: null });
});

test("what is no day is no filter", () => {
  assert.equal(dayText("2026-11-28"), "2026-11-28");
  assert.equal(dayText("2026-13-41"), "");
  assert.equal(dayText(null), "");
});

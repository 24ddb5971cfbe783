import assert from "node:assert/strict";
import { test } from "node:test";
import { scheduleText } from "../../chalicelib/web/page/lib/schedule-text.js";

/** @type {[string, string | null][]} null: it takes the library */
const CASES = [
  ["* * * * *", "every minute"],
  ["*/5 * * * *", "every 5 minutes"],
  ["7 * * * *", "every hour at :07"],
  ["30 2 * * *", "daily at 02:30"],
  ["0 9 * * 1-5", "on weekdays at 09:00"],
  ["0 6 * * 1", "Mondays at 06:00"],
  ["0 6 1 * *", "on day 1 of every month at 06:00"],
  ["@daily", "daily at 00:00"],
  ["@every 10s", "every 10s"],
  ["0 6 1 * 1", null],
  ["0 6 * 2 *", null],
  ["0 6,18 * * *", null],
  ["0 6 * * MON", null],
  ["0 */2 * * *", null],
  ["1-5 * * * *", null],
  ["0 0 6 * * *", null],
  ["@reboot", null],
];

for (const [expression, text] of CASES) {
  test(`${expression} is ${text ?? "left to the library"}`, () => assert.equal(scheduleText(expression), text));
}

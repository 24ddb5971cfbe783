import assert from "node:assert/strict";
import { test } from "node:test";
import { Changes } from "../../chalicelib/web/page/lib/changes.js";

const MINUTE = 60_000;

/**
 * A server and a clock. `wait`: the server answers a question only when something has changed, or its time is over.
 * @param {{ wait?: boolean, isIdle?: boolean, changesAt?: number[], failsUntil?: number }} options
 */
function scene({ wait = false, isIdle = false, changesAt = [], failsUntil = -1 } = {}) {
  let time = 0;
  /** @type {number[]} when each question was asked */
  const asked = [];
  const numberAt = () => changesAt.filter((at) => at <= time).length;
  const changes = new Changes({
    now: () => time,
    isIdle: () => isIdle,
    pause: async (milliseconds) => {
      await new Promise((resolve) => setImmediate(resolve)); // those who were told note the time first
      time += milliseconds;
    },
    ask: async ({ since, wait: seconds }) => {
      asked.push(time);
      if (time < failsUntil) throw new TypeError("the server does not answer");
      if (wait && numberAt() <= since) {
        const next = changesAt.find((at) => at > time) ?? Infinity;
        time = Math.min(next, time + seconds * 1000);
      }
      return { number: numberAt(), has_changed: numberAt() > since };
    },
  });
  /** When each change was told, until a time. @param {number} end */
  const watch = async (end) => {
    /** @type {number[]} */
    const told = [];
    const leave = new AbortController();
    await changes.begin();
    while (time < end) {
      const { version } = changes;
      // Whoever waits leaves at the end, as a view does.
      const ask = changes.surroundings.ask;
      changes.surroundings.ask = async (question, signal) => {
        if (time >= end) leave.abort();
        return ask(question, signal);
      };
      await changes.next(version, leave.signal);
      changes.surroundings.ask = ask;
      if (leave.signal.aborted) break;
      told.push(time);
    }
    return told;
  };
  return { watch, asked, changes };
}

for (const wait of [true, false]) {
  test(`a quiet minute costs four questions${wait ? ", which wait" : ""}`, async () => {
    const { watch, asked } = scene({ wait });
    assert.deepEqual(await watch(MINUTE), []);
    assert.ok(asked.filter((at) => at > 0 && at <= MINUTE).length <= 4, `${asked}`);
  });
}

test("where the server waits, a change is told at once", async () => {
  const { watch } = scene({ wait: true, changesAt: [20_000] });
  assert.deepEqual(await watch(MINUTE), [20_000]);
});

test("where it does not, a change is told with the next question, and those that follow within two seconds", async () => {
  const { watch } = scene({ changesAt: [20_000, 33_000, 34_500] });
  const told = await watch(MINUTE);
  assert.equal(told.length, 3);
  assert.ok(told[0] - 20_000 <= 15_000 && told[1] - 33_000 <= 2_000 && told[2] - 34_500 <= 2_000, `${told}`);
});

test("a tab that nobody touches asks once a minute where the server does not wait", async () => {
  const { watch, asked } = scene({ isIdle: true });
  await watch(5 * MINUTE);
  assert.ok(asked.length <= 7, `${asked}`);
});

test("a server that is gone is told, asked at growing intervals, and its return is a change", async () => {
  const { watch, asked, changes } = scene({ failsUntil: 40_000 });
  const told = await watch(MINUTE);
  assert.ok(told.length > 2);
  assert.equal(changes.error, null);
  assert.ok(asked.filter((at) => at < 40_000).length <= 8, `${asked}`);
});

test("nobody who waits asks nothing", async () => {
  const { asked, changes } = scene();
  const leave = new AbortController();
  leave.abort();
  await changes.next(0, leave.signal);
  assert.deepEqual(asked, []);
});

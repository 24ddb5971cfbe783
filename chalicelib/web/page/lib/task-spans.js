// What a task did when: the times that it waited, was tried, paused before a retry, polled as a sensor, and ran. Pure.

/** @typedef {"wait" | "tried" | "delay" | "asking" | "run"} SpanKind */
/** @typedef {{ kind: SpanKind, from: number, until: number, text: string }} Span text: what it was, without its length */
/** @typedef {{ try_number: number, queued_at: string | null, first_started_at: string | null, started_at: string | null, ended_at: string | null, pokes: number, outcome?: string }} Attempt */

const NOT_YET = new Set(["none", "upstream_failed", "skipped"]); // unless it has ended

/**
 * In the order of time, without gaps between what belongs together.
 * @param {Api.TaskInstance} task
 * @param {readonly Api.EarlierAttempt[]} earlier its attempts before the latest
 * @param {number | null} readyAt when all that it waits for had ended; null if unknown
 * @param {number} now
 * @returns {Span[]}
 */
export function spansOf(task, earlier, readyAt, now) {
  const attempts = [...earlier].sort((a, b) => a.try_number - b.try_number);
  /** @type {Span[]} */
  const spans = [];
  let idleFrom = readyAt;
  for (const attempt of attempts) {
    spans.push(...attemptSpans(attempt, idleFrom, now, true));
    idleFrom = time(attempt.ended_at);
  }
  return [...spans, ...latestSpans(task, { idleFrom, isRetry: attempts.length > 0, now })];
}

/** @param {Attempt} attempt @param {number | null} idleFrom @param {number} now @param {boolean} isOver */
function attemptSpans({ try_number: number, ...attempt }, idleFrom, now, isOver) {
  const [queued, started] = [time(attempt.queued_at), time(attempt.started_at)];
  const end = time(attempt.ended_at) ?? now;
  const first = time(attempt.first_started_at) ?? started;
  const begin = first ?? end;
  return [
    ...waits(idleFrom, queued, begin, number > 1),
    first !== null && started !== null && first < started
      ? span("asking", first, started, attempt.pokes ? `poked ${attempt.pokes} times` : "poked")
      : null,
    started === null ? null : span(isOver ? "tried" : "run", started, end, isOver ? `try ${number}` : ""),
  ].filter((item) => item !== null);
}

/**
 * From when nothing kept the task to its start: a pause before a retry ends when the attempt is queued.
 * @param {number | null} idleFrom
 * @param {number | null} queued
 * @param {number} begin
 * @param {boolean} isRetry
 */
function waits(idleFrom, queued, begin, isRetry) {
  const from = idleFrom !== null && idleFrom <= begin ? idleFrom : queued;
  if (from === null || from >= begin) return [];
  if (!isRetry || queued === null || queued <= from) return [span("wait", from, begin, "waited")];
  return [
    span("delay", from, Math.min(queued, begin), "paused between attempts"),
    ...(queued < begin ? [span("wait", queued, begin, "waited")] : []),
  ];
}

/** @param {Api.TaskInstance} task @param {{ idleFrom: number | null, isRetry: boolean, now: number }} when */
function latestSpans(task, { idleFrom, isRetry, now }) {
  const { state, poke } = task;
  if (NOT_YET.has(state) && !(state === "skipped" && task.started_at)) return [];
  const [queued, ended] = [time(task.queued_at), time(task.ended_at)];
  if (state === "scheduled" && !poke) {
    return idleFrom === null ? [] : [span("wait", idleFrom, now, "waiting for a slot")];
  }
  const isAsking = poke > 0;
  const attempt = { ...task, pokes: poke, ended_at: state === "running" || state === "queued" ? null : task.ended_at };
  if (state === "up_for_retry" && ended !== null) {
    return [...attemptSpans(attempt, idleFrom, now, true), span("delay", ended, now, "pauses before the next attempt")];
  }
  if (isAsking && state !== "running") {
    const first = time(task.first_started_at) ?? time(task.started_at) ?? now;
    return [...waits(idleFrom, queued, first, isRetry), span("asking", first, now, `poked ${poke} times so far`)];
  }
  if (state === "queued") return waits(idleFrom, queued, now, isRetry);
  return attemptSpans(attempt, idleFrom, now, false);
}

/**
 * When all that a task waits for had ended; null while something has not, or if its rule does not wait for all.
 * @param {{ dependencies: readonly string[], trigger_rule: string }} task
 * @param {ReadonlyMap<string, number | null>} ends of the tasks; null of those that have not ended
 * @param {number | null} begin of the run
 */
export function readyTime({ dependencies, trigger_rule: rule }, ends, begin) {
  if (!dependencies.length) return begin;
  if (rule.startsWith("one_") || rule === "always") return null;
  const times = dependencies.map((id) => ends.get(id) ?? null);
  return times.some((at) => at === null) ? null : Math.max(...times.map(Number));
}

/** @param {SpanKind} kind @param {number} from @param {number} until @param {string} text @returns {Span} */
const span = (kind, from, until, text) => ({ kind, from, until: Math.max(from, until), text });

/** @param {string | null} iso */
const time = (iso) => (iso ? Date.parse(iso) : null);

// A log, live: fetched part by part, shown in blocks that the browser only lays out when they are seen.
import { painter, plain } from "../lib/ansi.js";
import { get, path } from "../lib/api.js";
import { button, h, show } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { count } from "../lib/format.js";
import { libraryFrames } from "../lib/stack-frames.js";
import { looksWrong, withoutStamp } from "./failure.js";

const BLOCK = 500; // lines
const LIVE_SECONDS = 2;
const MARKED = 2000; // matches
const SLICE = 8000; // lines
const STAMP = /^\d{4}-\d\d-\d\dT[\d:.]+Z /;

/** `open(task, tryNumber, poke)` shows that attempt's log, of a sensor that question's or, for null, the latest; again for the same goes on where it was. */
export function logView(context) {
  const log = h("div", {
    class: "log wrap",
    id: "log",
    tabindex: 0,
    role: "log",
    "aria-label": "Log",
    "aria-live": "off",
  });
  const status = h("span", { class: "quiet", role: "status", id: "log-status" });
  const find = h("input", {
    type: "search",
    id: "find",
    placeholder: "Search the log",
    "aria-label": "Search the log",
    oninput: () => search(),
    onkeydown: (event) => {
      if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
    },
  });
  const bar = h(
    "div",
    { class: "row" },
    find,
    button("↑", () => move(-1), { "aria-label": "Previous match" }),
    button("↓", () => move(1), { "aria-label": "Next match" }),
    toggle("Wrap", "wrap", true),
    toggle("Times", "bare", false, true),
    button("First error", () => firstError(true), { id: "first-error" }),
    button("End", toEnd, { id: "to-end" }),
    button("Download", download, { id: "download" }),
  );
  let lines = []; // as they are downloaded: with their colours
  let nodes = []; // what shows each of them
  let searches = 0;
  let brush = painter();
  let hits = [];
  let at = -1;
  let key = "";
  let stop = null;
  let name = "log";
  let current = null; // the task as it was last heard of: it may have failed since its log was opened

  context.signal.addEventListener("abort", () => stop?.abort());

  function toggle(label, cls, isOn, isInverse) {
    const made = button(
      label,
      () => {
        const has = log.classList.toggle(cls);
        made.setAttribute("aria-pressed", String(isInverse ? !has : has));
      },
      { "aria-pressed": String(isOn || Boolean(isInverse)) },
    );
    return made;
  }

  async function open(task, tryNumber, poke = null) {
    const next = `${task.run_id} ${task.task_id} ${task.map_index} ${tryNumber} ${poke ?? `latest ${task.poke}`}`;
    current = task;
    if (next === key) return;
    key = next;
    stop?.abort();
    stop = new AbortController();
    brush = painter();
    nodes = [];
    searches += 1;
    [lines, hits, at, name] = [[], [], -1, `${task.run_id}.${taskName(task)}.${tryNumber}`];
    log.replaceChildren();
    status.textContent = tryNumber ? "Loading…" : "It has not started, so there is no log yet.";
    if (tryNumber) await follow(task, { try_number: tryNumber, poke }, stop.signal);
  }

  /** Until it is complete: at once while there is more, every two seconds at its end. */
  async function follow(task, which, signal) {
    const where = `runs/${path(task.run_id, "tasks", task.task_id)}/logs`;
    let [offset, rest] = [0, ""];
    while (!signal.aborted) {
      let part;
      try {
        part = await get(where, { map_index: task.map_index, ...which, offset }, signal);
      } catch (error) {
        if (signal.aborted) return;
        status.textContent = error.message;
        if (error.status === 404) return;
        await wait(LIVE_SECONDS * 2, signal);
        continue;
      }
      const isFresh = offset === 0;
      offset = part.next_offset;
      const pieces = (rest + part.content).split("\n");
      rest = pieces.pop();
      if (part.complete && rest) pieces.push(rest);
      await append(pieces, signal);
      status.textContent = part.complete
        ? lines.length
          ? count(lines.length, "line")
          : "It wrote nothing."
        : `${count(lines.length, "line")}, live`;
      if (part.complete) return end();
      if (isFresh) toEnd();
      if (!part.content) await wait(LIVE_SECONDS, signal);
    }
  }

  async function end() {
    await search();
    if (current.state === "failed" || current.attempts.some((attempt) => attempt.outcome === "failed")) {
      firstError(false);
    }
  }

  async function append(more, signal) {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    for (let from = 0; from < more.length && !signal.aborted; from += BLOCK) {
      const block =
        log.lastElementChild?.childElementCount < BLOCK && more.length < BLOCK
          ? log.lastElementChild
          : log.appendChild(h("div", { class: "block" }));
      const fresh = more.slice(from, from + BLOCK);
      await brush.prepare(fresh);
      if (signal.aborted) return;
      const made = fresh.map((text) => line(text, brush));
      nodes.push(...made);
      block.append(...folded(made, fresh));
      block.style.containIntrinsicSize = `auto ${block.childElementCount * 19.4}px`;
      for (const text of fresh) lines.push(text);
      if (from) {
        await new Promise((resolve) => {
          requestAnimationFrame(resolve);
        });
      }
    }
    if (isAtEnd && more.length) log.scrollTop = log.scrollHeight;
  }

  /** The numbers of the lines that `test` likes, some thousand lines at a time: nobody waits for it.
   * Null where another log or another search has come in between. */
  async function linesThat(test) {
    searches += 1;
    const [mine, found] = [searches, []];
    for (let from = 0; from < lines.length; from += SLICE) {
      if (from) await nextTurn();
      if (mine !== searches) return null;
      lines.slice(from, from + SLICE).forEach((text, i) => {
        if (test(text)) found.push(from + i);
      });
    }
    return found;
  }

  async function search() {
    const wanted = find.value.trim().toLowerCase();
    for (const index of hits) nodes[index]?.classList.remove("hit", "here");
    hits = [];
    at = -1;
    if (!wanted) return;
    const all = await linesThat((text) => plain(text).toLowerCase().includes(wanted));
    if (all === null) return;
    hits = all.slice(0, MARKED);
    for (const index of hits) nodes[index].classList.add("hit");
    if (hits.length) move(1);
    status.textContent = all.length
      ? `${count(all.length, "line")} found${all.length > MARKED ? `, the first ${MARKED} are marked` : ""}`
      : "No line matches";
  }

  function move(direction) {
    if (!hits.length) return;
    nodes[hits[at]]?.classList.remove("here");
    at = (at + direction + hits.length) % hits.length;
    nodes[hits[at]].classList.add("here");
    reveal(nodes[hits[at]]);
    status.textContent = `${at + 1} of ${hits.length}`;
  }

  async function firstError(wasAsked) {
    const wrong = await linesThat((text) => looksWrong(withoutStamp(plain(text))));
    if (wrong === null) return;
    const found = wrong.find((index) => !nodes[index].parentElement.matches(".frames")) ?? wrong[0];
    if (found !== undefined) {
      nodes[found].classList.add("error");
      reveal(nodes[found]);
    } else if (wasAsked) status.textContent = "No line looks like an error";
    else toEnd();
  }

  const reveal = (element) => {
    element.closest("details")?.setAttribute("open", "");
    log.scrollTop += element.getBoundingClientRect().top - log.getBoundingClientRect().top - log.clientHeight / 3;
  };
  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  function download() {
    const address = URL.createObjectURL(new Blob([lines.join("\n"), "\n"], { type: "text/plain" }));
    h("a", { href: address, download: `${name}.log` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  const node = h(
    "section",
    { "aria-label": "Log" },
    h("div", { class: "row" }, h("h3", null, "Log"), status),
    bar,
    log,
  );
  show(status, "");
  return { node, open };
}

/** One line: its time, then its text. */
function line(text, brush) {
  const stamp = STAMP.exec(text);
  const shown = brush.paint(stamp ? text.slice(stamp[0].length) : text);
  const at = stamp ? h("span", { class: "at" }, clock(stamp[0])) : null;
  return h("div", { class: "line" }, at, shown);
}

/** A stamp of the log, which is in UTC, in the viewer's zone. */
function clock(stamp) {
  const at = new Date(stamp.trim());
  const two = (number) => String(number).padStart(2, "0");
  const millis = String(at.getMilliseconds()).padStart(3, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${millis}`;
}

/** The nodes of lines, those of libraries' frames folded. */
function folded(nodes, texts) {
  const groups = libraryFrames(texts.map((text) => plain(withoutStamp(text)))).reverse();
  for (const [from, behind] of groups) {
    const inside = nodes.slice(from, behind);
    const summary = h("summary", null, `${count(inside.length, "line")} inside of libraries`);
    nodes.splice(from, inside.length, h("details", { class: "frames" }, summary, inside));
  }
  return nodes;
}

const nextTurn = () =>
  new Promise((resolve) => {
    setTimeout(resolve);
  });

function wait(seconds, signal) {
  return new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000 * (document.hidden ? 15 : 1));
    signal.addEventListener("abort", resolve, { once: true });
  });
}

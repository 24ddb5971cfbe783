// Why a run failed: the task that failed first, its reason, and the last words of its log.
import { plain } from "../lib/ansi.js";
import { get, path } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { taskName } from "../lib/failures.js";
import { runLink } from "../lib/router.js";

const TAIL = 3000;
const LOOKS_WRONG = /(error|exception)\b|\b(fatal|failed|failure|denied|refused|not found|panic|cannot)\b/i;
const EXCEPTION = /^(?:[a-z_]\w*\.)+[A-Z]\w*(?::|$)/; // as Python and Java name theirs
const words = new Map(); // attempt → Promise of a text

/** The line of the log that most likely says what went wrong; "" if there is none. Asked for once. */
export function lastWords(task) {
  const key = `${task.run_id} ${task.task_id} ${task.map_index} ${task.try_number}`;
  if (!task.log_bytes) return Promise.resolve("");
  if (!words.has(key)) {
    words.set(
      key,
      fetchWords(task).catch(() => ""),
    );
  }
  return words.get(key);
}

async function fetchWords(task) {
  const offset = Math.max(0, task.log_bytes - TAIL);
  const where = `runs/${path(task.run_id, "tasks", task.task_id)}`;
  const part = await get(`${where}/logs`, { map_index: task.map_index, try_number: task.try_number, offset });
  const lines = part.content
    .split("\n")
    .slice(offset ? 1 : 0)
    .map(withoutStamp)
    .map(plain)
    .filter((line) => line.trim());
  return lines.findLast(looksWrong) ?? lines.at(-1) ?? "";
}

export const looksWrong = (line) => LOOKS_WRONG.test(line) || EXCEPTION.test(line);
export const withoutStamp = (line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, "");

/** The cause in a list: "transform_us exited with 3", and what it said last. */
export function cause(task, { isSmall = true } = {}) {
  const said = h("span", { class: "mono" });
  lastWords(task).then((text) => {
    said.textContent = text;
    if (text) said.before(document.createElement("br"));
  });
  return h(
    "span",
    { class: `cause ${isSmall ? "small" : ""}` },
    h(
      "a",
      { href: runLink(task.run_id, { task: task.task_id, copy: task.map_index >= 0 ? task.map_index : null }) },
      taskName(task),
    ),
    `: ${task.reason || "failed"}`,
    said,
  );
}

// Warnings about DAG files: legal, and probably not meant. The DAG is registered all the same.
import { h } from "../lib/dom.js";
import { count } from "../lib/format.js";

/** One line that leads to all warnings, or nothing where no DAG has any. */
export function warned(dags) {
  const some = dags.filter((dag) => dag.warning_count);
  if (!some.length) return null;
  return h(
    "p",
    { class: "quiet" },
    h("a", { href: "#/errors" }, count(some.length, "DAG has warnings", "DAGs have warnings")),
  );
}

/** The warnings of one file, each with its place in it. */
export function warningList(warnings) {
  return h(
    "ul",
    { class: "list warnings" },
    warnings.map(({ line, column, path, message }) =>
      h("li", null, h("span", { class: "quiet" }, `line ${line}, column ${column}, ${path}: `), message),
    ),
  );
}

/** The same for a page that is about something else: many of them are folded away. */
export function warningsOf({ warnings }) {
  if (!warnings.length) return null;
  const title = count(warnings.length, "warning");
  if (warnings.length > 2) {
    return h("details", { id: "warnings" }, h("summary", null, title), warningList(warnings));
  }
  return h("section", { "aria-label": title }, h("span", { class: "quiet" }, title), warningList(warnings));
}

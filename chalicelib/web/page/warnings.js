// Warnings about DAG files: legal, and probably not meant. The DAG is registered all the same.
import { h } from "./dom.js";
import { count } from "./words.js";

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
    { class: "list" },
    warnings.map(({ line, column, path, message }) =>
      h("li", null, h("span", { class: "quiet" }, `Warning, line ${line}, column ${column}, ${path}: `), message),
    ),
  );
}

// Warnings about DAG files: what is legal but probably a mistake.
import { h } from "../lib/dom.js";
import { plural } from "../lib/format.js";

const FEW = 2;

/** One line that leads to all warnings; null if no DAG has any. @param {Api.DagSummary[]} dags */
export function warningsLink(dags) {
  const warned = dags.filter((dag) => dag.warning_count);
  if (!warned.length) return null;
  const text = plural(warned.length, "DAG has warnings", "DAGs have warnings");
  return h("p", { class: "quiet" }, h("a", { href: "#/errors" }, text));
}

/** The warnings of one file, each with its position in it. @param {Api.DagWarning[]} warnings */
export function warningList(warnings) {
  return h(
    "ul",
    { class: "list warnings" },
    warnings.map(({ line, column, path, message }) =>
      h("li", null, h("span", { class: "quiet" }, `line ${line}, column ${column}, ${path}: `), message),
    ),
  );
}

/** The warnings of a DAG on its own page; many of them are folded. @param {{ warnings: Api.DagWarning[] }} dag */
export function warningsOf({ warnings }) {
  if (!warnings.length) return null;
  const title = plural(warnings.length, "warning");
  const list = warningList(warnings);
  if (warnings.length > FEW) return h("details", { id: "warnings" }, h("summary", null, title), list);
  return h("section", { "aria-label": title }, h("span", { class: "quiet" }, title), list);
}

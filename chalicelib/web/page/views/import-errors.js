// Files that could not be registered, with the lines that are wrong; after them the warnings about other files.
import { getAll } from "../lib/api.js";
import { empty, h, show } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { dagLink } from "../lib/router.js";
import { warningList } from "../widgets/warnings.js";

const MOST = 100;
const PAGE = 50;

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  const warnings = h("div");
  const options = { query: { limit: PAGE }, most: MOST, signal: context.signal };
  /** @type {Api.ImportErrorList | null} */
  let lastErrors = null;
  /** @type {Api.DagWarningsList | null} */
  let lastWarnings = null;
  show(main, h("h1", null, "Import errors"), list, warnings);
  await context.poll(3, async () => {
    const warned = await getAll("dag_warnings", "dag_warnings", options);
    if (warned.first !== lastWarnings) show(warnings, warnedFiles(warned));
    lastWarnings = warned.first;
    const { items, isCut, first } = await getAll("import_errors", "import_errors", options);
    if (first === lastErrors) return;
    lastErrors = first;
    show(list, items.length ? [items.map(brokenFile), isCut ? firstOnly(items.length, "files") : null] : noErrors());
  });
}

function noErrors() {
  return empty(
    "No import errors. If a DAG file has errors, they are listed here, and its last valid version stays active.",
  );
}

/** @param {number} number @param {string} things */
const firstOnly = (number, things) =>
  h("p", { class: "quiet" }, `The first ${number} ${things}. The API lists the others.`);

/** @param {{ items: Api.DagWarnings[], isCut: boolean }} warned */
function warnedFiles({ items, isCut }) {
  if (!items.length) return null;
  return [
    h("h2", { class: "apart" }, "Warnings"),
    h("p", { class: "quiet" }, "These DAGs are registered and run. Check what is probably a mistake in their files."),
    items.map((dag) =>
      h(
        "section",
        { class: "card", "aria-label": dag.dag_id },
        h("h3", { class: "mono" }, h("a", { href: dagLink(dag.dag_id) }, dag.file_key)),
        warningList(dag.warnings),
      ),
    ),
    isCut ? firstOnly(items.length, "DAGs") : null,
  ];
}

/** @param {Api.DagImportError} error */
function brokenFile(error) {
  return h(
    "section",
    { class: "card", "aria-label": error.file_key },
    h("h2", { class: "mono" }, error.file_key),
    h(
      "p",
      { class: "quiet" },
      `${plural(error.problems.length, "problem")}, found `,
      liveTime("ago", error.recorded_at),
      ". ",
      error.dag_id
        ? ["The last valid version of ", h("a", { href: dagLink(error.dag_id) }, error.dag_id), " stays active."]
        : "There is no valid version yet.",
      " Fix the file and upload it again.",
    ),
    excerpt(error),
  );
}

/** The lines around the problems, each problem below its line; those whose line is not included come last. @param {Api.DagImportError} error */
function excerpt({ file_key: file, lines, problems }) {
  const byLine = Map.groupBy(problems, (problem) => problem.line);
  const included = new Set(lines.map(({ line }) => line));
  const rest = problems.filter((problem) => !included.has(problem.line));
  return h(
    "div",
    { class: "source excerpt", tabindex: 0, role: "region", "aria-label": `Lines of ${file}` },
    lines.map(({ line, text }, i) => [
      i > 0 && lines[i - 1].line < line - 1 ? h("div", { class: "gap", "aria-hidden": "true" }, "⋯") : null,
      h("div", { class: byLine.has(line) ? "line wrong" : "line", "data-line": line }, text),
      (byLine.get(line) ?? []).map((problem) => pointer(problem, text)),
    ]),
    rest.map((problem) => h("div", { class: "problem" }, `line ${problem.line}: ${problem.message}`)),
  );
}

/** A caret below the column, then the message; indented as the line is, tabs included. @param {Api.Problem} problem @param {string} text of the line */
function pointer({ line, column, path, message }, text) {
  const before = column <= text.length + 1 ? text.slice(0, column - 1).replace(/[^\t]/g, " ") : "";
  return [
    h("div", { class: "caret", "aria-hidden": "true" }, `${before}^`),
    h(
      "div",
      { class: "problem" },
      h("span", { class: "quiet" }, `line ${line}, column ${column}${path ? `, ${path}` : ""}: `),
      message,
    ),
  ];
}

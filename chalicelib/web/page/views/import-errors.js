// Files that could not be registered: the lines around what is wrong, and below each what it is.
// After them the warnings about files that could.
import { all } from "../lib/api.js";
import { empty, h, show } from "../lib/dom.js";
import { count, live } from "../lib/format.js";
import { dagLink } from "../lib/router.js";
import { warningList } from "../widgets/warnings.js";

const MOST = 100;

export async function view(main, context) {
  const list = h("div");
  const warnings = h("div");
  let last = null;
  let lastWarned = null;
  show(main, h("h1", null, "Import errors"), list, warnings);
  await context.poll(3, async () => {
    const warned = await all("dag_warnings", "dag_warnings", { limit: 50 }, MOST, context.signal);
    if (warned.first !== lastWarned) show(warnings, warnedFiles(warned));
    lastWarned = warned.first;
    const { items, isCut, first } = await all("import_errors", "import_errors", { limit: 50 }, MOST, context.signal);
    if (first === last) return;
    last = first;
    show(
      list,
      items.length
        ? [
            items.map(file),
            isCut ? h("p", { class: "quiet" }, `The first ${items.length} files; the API has the others.`) : null,
          ]
        : empty(
            "Every file could be read. A file with a mistake would stand here with its lines; what was registered before stays as it is.",
          ),
    );
  });
}

function warnedFiles({ items, isCut }) {
  if (!items.length) return null;
  return [
    h("h2", { class: "apart" }, "Warnings"),
    h("p", { class: "quiet" }, "These DAGs are registered and run. What is legal in them is probably not meant."),
    items.map((dag) =>
      h(
        "section",
        { class: "card", "aria-label": dag.dag_id },
        h("h3", { class: "mono" }, h("a", { href: dagLink(dag.dag_id) }, dag.file_key)),
        warningList(dag.warnings),
      ),
    ),
    isCut ? h("p", { class: "quiet" }, `The first ${items.length} DAGs; the API has the others.`) : null,
  ];
}

function file(error) {
  return h(
    "section",
    { class: "card", "aria-label": error.file_key },
    h("h2", { class: "mono" }, error.file_key),
    h(
      "p",
      { class: "quiet" },
      `${count(error.problems.length, "problem")}, found `,
      live("ago", error.recorded_at),
      ". ",
      error.dag_id
        ? ["The last good version of ", h("a", { href: dagLink(error.dag_id) }, error.dag_id), " stays active."]
        : "No DAG came of it.",
      " Put it right and upload it again.",
    ),
    excerpt(error),
  );
}

/** The lines that are kept, gaps between them marked; problems whose line is not kept come last. */
function excerpt({ file_key: name, lines, problems }) {
  const byLine = Map.groupBy(problems, (problem) => problem.line);
  const kept = new Set(lines.map(({ line }) => line));
  const rest = problems.filter((problem) => !kept.has(problem.line));
  return h(
    "div",
    { class: "source excerpt", tabindex: 0, role: "region", "aria-label": `Lines of ${name}` },
    lines.map(({ line, text }, i) => [
      i > 0 && lines[i - 1].line < line - 1 ? h("div", { class: "gap", "aria-hidden": "true" }, "⋯") : null,
      h("div", { class: byLine.has(line) ? "line wrong" : "line", "data-line": line }, text),
      (byLine.get(line) ?? []).map((problem) => pointer(problem, text)),
    ]),
    rest.map((problem) => h("div", { class: "problem" }, `line ${problem.line}: ${problem.message}`)),
  );
}

/** A caret below the column, then the words; indented as the line is, tabs included. */
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

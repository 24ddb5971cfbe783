// Files that could not be registered, with the lines that are wrong.
import { all } from "./api.js";
import { empty, h, show } from "./dom.js";
import { dagLink } from "./router.js";
import { count, live } from "./words.js";

export async function view(main, context) {
  const list = h("div");
  let last = null;
  show(main, h("h1", null, "Import errors"), list);
  await context.poll(3, async () => {
    const { items, first } = await all("import_errors", "import_errors", {}, 500, context.signal);
    if (first === last) return;
    last = first;
    show(
      list,
      items.length
        ? items.map(file)
        : empty(
            "Every file could be read. A file with a mistake would stand here with its lines; what was registered before stays as it is.",
          ),
    );
  });
}

function file(error) {
  return h(
    "section",
    { class: "card", "aria-label": error.file_key },
    h("h2", null, error.file_key),
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
    h(
      "ul",
      { class: "list" },
      error.problems.map((problem) =>
        h(
          "li",
          null,
          h(
            "span",
            { class: "quiet mono" },
            `line ${problem.line}, column ${problem.column}${problem.path ? `, ${problem.path}` : ""}`,
          ),
          h("div", { class: "bad" }, problem.message),
        ),
      ),
    ),
  );
}

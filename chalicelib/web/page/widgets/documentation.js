// The documentation of a DAG, folded until somebody opens it.
import { errorText, h, show } from "../lib/dom.js";
import { markdown } from "../lib/markdown.js";

/** @type {{ text: string, element: HTMLElement } | null} the last one, so that a redrawn view shows it at once */
let last = null;

/** @param {string} text in Markdown */
export function documentation(text) {
  if (last?.text === text) return last.element;
  const body = h("div", { class: "markdown" }, h("p", { class: "quiet" }, "Loading…"));
  let isDrawn = false;
  const draw = async () => {
    if (isDrawn || !element.open) return;
    isDrawn = true;
    try {
      show(body, await markdown(text));
    } catch {
      show(
        body,
        errorText("This text cannot be shown as Markdown; here it is as it was written."),
        h("pre", null, text),
      );
    }
  };
  const element = h(
    "details",
    { id: "doc", class: "entry card", ontoggle: draw },
    h("summary", null, "Documentation"),
    body,
  );
  last = { text, element };
  return element;
}

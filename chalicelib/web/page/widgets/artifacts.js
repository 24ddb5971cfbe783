// What a task left: its files and folders, to be downloaded or looked at.
import { get, isAbort, messageOf, segment } from "../lib/api.js";
import { parseCsv } from "../lib/csv.js";
import { button, errorText, h, show, table } from "../lib/dom.js";
import { bytes } from "../lib/format.js";
import { displayed, parse } from "../lib/json.js";

const MOST_ROWS = 200;
const MOST_COLUMNS = 50;
const FEW = 6;

/** @param {Api.TaskInstanceDetail} task */
export function artifactTable(task) {
  if (!task.artifacts.length) return null;
  const box = h("div", { id: "preview" });
  const rows = task.artifacts.map((artifact) => [
    artifact.name,
    artifact.is_folder ? `${artifact.file_name}/` : artifact.file_name,
    bytes(artifact.size_bytes),
    h("code", { title: `SHA-256 ${artifact.sha256}` }, artifact.sha256.slice(0, 12)),
    h("div", { class: "row" }, buttons(task, artifact, box)),
  ]);
  return h(
    "details",
    { id: "artifacts", open: task.artifacts.length < FEW },
    h("summary", null, "Artifacts"),
    table("Artifacts", ["Name", "File", "Size", "SHA-256", "Actions"], rows, "stack"),
    box,
  );
}

/** @param {Api.TaskInstanceDetail} task @param {Api.Artifact} artifact @param {HTMLElement} box */
function buttons(task, artifact, box) {
  const path = /** @type {const} */ (
    `runs/${segment(task.run_id)}/tasks/${segment(task.task_id)}/artifacts/${segment(artifact.name)}`
  );
  const query = { map_index: task.map_index };
  /** @param {() => Promise<void>} action */
  const tell = (action) => async () => {
    try {
      await action();
    } catch (error) {
      if (!isAbort(error)) show(box, errorText(messageOf(error)));
    }
  };
  const download = tell(async () => {
    const { url } = await get(path, query);
    h("a", { href: url, download: "" }).click();
  });
  const look = tell(async () => {
    const preview = await get(/** @type {const} */ (`${path}/preview`), query);
    show(box, previewOf(artifact, preview));
  });
  return [
    button("Download", download, { "aria-label": `Download ${artifact.name}` }),
    artifact.is_folder ? null : button("Preview", look, { "aria-label": `Preview ${artifact.name}` }),
  ];
}

/** @param {Api.Artifact} artifact @param {Api.ArtifactPreview} preview */
function previewOf(artifact, preview) {
  if (preview.kind === "none") return h("p", { class: "quiet" }, `No preview: ${preview.reason}.`);
  return [
    h("h3", null, artifact.file_name, preview.is_truncated ? " (beginning)" : ""),
    frameOf(`Preview of ${artifact.file_name}`, preview),
  ];
}

/**
 * A frame of its own origin, without scripts: what a command wrote is text or an image to it, and even if it were
 * markup it could reach nothing.
 * @param {string} title @param {Api.ArtifactPreview} preview
 */
function frameOf(title, preview) {
  const page = document.implementation.createHTMLDocument(title);
  const scheme = page.createElement("meta");
  scheme.name = "color-scheme";
  scheme.content = getComputedStyle(document.documentElement).colorScheme;
  page.head.append(scheme);
  page.body.append(contentOf(page, preview));
  return h("iframe", { class: "preview", sandbox: "", title, srcdoc: new XMLSerializer().serializeToString(page) });
}

/** @param {Document} page @param {Api.ArtifactPreview} preview */
function contentOf(page, preview) {
  if (preview.kind === "image") {
    const image = page.createElement("img");
    image.src = `data:${preview.media_type};base64,${preview.content}`;
    image.alt = "";
    return image;
  }
  if (preview.kind === "csv") return cellsOf(page, parseCsv(preview.content, MOST_ROWS));
  const text = page.createElement("pre");
  text.textContent = preview.kind === "json" ? indented(preview.content) : preview.content;
  return text;
}

/** @param {Document} page @param {string[][]} rows */
function cellsOf(page, rows) {
  const cells = page.createElement("table");
  cells.setAttribute("border", "1");
  cells.setAttribute("cellpadding", "4");
  for (const [number, row] of rows.entries()) {
    const line = cells.insertRow();
    for (const text of row.slice(0, MOST_COLUMNS)) {
      line.append(Object.assign(page.createElement(number ? "td" : "th"), { textContent: text }));
    }
  }
  return cells;
}

/** Text that is no JSON, or not all of it, stays as it is. @param {string} text */
function indented(text) {
  try {
    const value = parse(text);
    return typeof value === "string" ? text : displayed(value, 2);
  } catch {
    return text;
  }
}

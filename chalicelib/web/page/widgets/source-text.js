// A source with line numbers and colours, to copy and download; and how two sources differ.
import { diff } from "../lib/diff.js";
import { button, h, notify } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { highlighted, languageOf } from "../lib/highlight.js";

const CLASSES = { "+": "added", "-": "removed", " ": "" };

/**
 * @param {string} source
 * @param {string} label
 * @param {string} path says the language
 */
export function sourceText(source, label, path) {
  const text = source.replace(/\n$/, "");
  const lines = text.split("\n").map((line) => h("span", { class: "line" }, line));
  const language = languageOf(path, source);
  if (language) colour(lines, text, language);
  return h("pre", { class: "source card", tabindex: 0, "aria-label": label }, lines);
}

/** Put the colours in when the library is there. @param {HTMLElement[]} lines @param {string} text @param {string} language */
async function colour(lines, text, language) {
  const tokens = await highlighted(text, language).catch(() => null); // plain text can be read, too
  tokens?.forEach((line, i) =>
    lines[i]?.replaceChildren(...line.map(({ text: word, kind }) => (kind ? h("span", { class: kind }, word) : word))),
  );
}

/** @param {string} source @param {string} path */
export function sourceButtons(source, path) {
  const name = path.split("/").at(-1) ?? path;
  return [copyButton(source, `Copy ${name}`), button("Download", () => download(name, source), { id: "download" })];
}

/** @param {string} text @param {string} label for screen readers */
export function copyButton(text, label) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      notify("Copied");
    } catch {
      notify("The browser does not allow copying here. Select the text instead.");
    }
  };
  return button("Copy", copy, { "aria-label": label });
}

/** @param {string} name @param {string} text */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** @param {string} before @param {string} after @param {string} label */
export function sourceDiff(before, after, label) {
  const lines = diff(before.split("\n"), after.split("\n"));
  const changed = lines.filter(([sign]) => sign !== " ").length;
  return [
    h("p", null, changed ? `${plural(changed, "line differs", "lines differ")}.` : "No differences."),
    h(
      "pre",
      { class: "source diff card", tabindex: 0, "aria-label": label },
      lines.map(([sign, line]) => h("span", { class: `line ${CLASSES[sign]}`, "data-sign": sign }, line)),
    ),
  ];
}

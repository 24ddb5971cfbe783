// The colours of a source: a library says what each word is, as the tokens of each line.

/** @typedef {{ text: string, kind: string }} Token kind: classes, "" for plain text */

const LONGEST = 300_000; // characters; longer sources stay plain
/** @type {{ [suffix: string]: string }} */
const LANGUAGES = {
  yaml: "yaml",
  yml: "yaml",
  sh: "bash",
  bash: "bash",
  py: "python",
  sql: "sql",
  json: "json",
  js: "javascript",
};

/** The language of a file by its name, or of its first line; null for one that has no colours. @param {string} path @param {string} source */
export function languageOf(path, source) {
  const shebang = /^#!\s*\S*?(?:env\s+)?(python|bash|sh|node)\b/.exec(source)?.[1];
  if (shebang) return { python: "python", node: "javascript" }[shebang] ?? "bash";
  return LANGUAGES[/\.(\w+)$/.exec(path)?.[1].toLowerCase() ?? ""] ?? null;
}

/**
 * The lines of a source; null if it is too long for colours.
 * @param {string} source
 * @param {string} language
 * @returns {Promise<Token[][] | null>}
 */
export async function highlighted(source, language) {
  if (source.length > LONGEST) return null;
  const { default: library } = /** @type {any} */ (await import("../vendor/highlight.js"));
  const html = library.highlight(source, { language, ignoreIllegals: true }).value;
  // The library has escaped the source. A document made by the parser runs nothing anyway.
  return linesOf(new DOMParser().parseFromString(`<pre>\n${html}</pre>`, "text/html").body.firstChild);
}

/** @param {Node | null} root */
function linesOf(root) {
  /** @type {Token[][]} */
  const lines = [[]];
  /** @param {Node} node @param {string} kind */
  const walk = (node, kind) => {
    if (node instanceof Element) {
      for (const child of node.childNodes) walk(child, node.getAttribute("class") ?? kind);
      return;
    }
    (node.textContent ?? "").split("\n").forEach((text, i) => {
      if (i) lines.push([]);
      if (text) lines[lines.length - 1].push({ text, kind });
    });
  };
  for (const child of root?.childNodes ?? []) walk(child, "");
  return lines;
}

// The editor of a DAG file. It lives in a shadow root: there its library brings its styles as objects, which the
// page's policy allows, while elements with styles are refused.
import { h } from "../lib/dom.js";

/** @typedef {import("../lib/schema-completion.js").Suggestion} Suggestion */
/** @typedef {{ line: number, column: number, message: string, severity: "error" | "warning" }} Problem */
/**
 * @typedef {object} EditorOptions
 * @property {string} text
 * @property {string} label for screen readers
 * @property {(text: string) => unknown} changed
 * @property {() => unknown} save
 * @property {(before: string, after: string) => { length: number, suggestions: Suggestion[] } | null} suggest
 */

const COMMANDS = new Set(["command", "bash_command", "when"]);
const TOKENS = {
  "&": { fontSize: "14px", backgroundColor: "var(--card)", color: "var(--ink)", height: "100%" },
  "&.cm-focused": { outline: "2px solid var(--link)", outlineOffset: "1px" },
  ".cm-scroller": {
    fontFamily: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
    lineHeight: "1.55",
  },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--quiet)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--tint) 55%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "light-dark(#cfe0fb, #33507f)",
  },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "#fff" },
  ".cm-completionInfo": { maxWidth: "24rem", whiteSpace: "normal" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--still-pale)", color: "var(--quiet)", border: "0" },
  ".tok-propertyName, .tok-definition": { color: "var(--code-key)" },
  ".tok-string, .tok-string2, .tok-literal": { color: "var(--code-text)" },
  ".tok-keyword, .tok-bool, .tok-number, .tok-atom": { color: "var(--code-word)" },
  ".tok-comment, .tok-meta": { color: "var(--quiet)" },
  ".tok-variableName, .tok-variableName2": { color: "var(--code-name)" },
};

/** @param {EditorOptions} options */
export async function codeEditor({ text, label, changed, save, suggest }) {
  const cm = /** @type {any} */ (await import("../vendor/codemirror.js"));
  const host = h("div", { class: "editor", id: "editor" });
  const root = host.attachShadow({ mode: "open" });
  const saving = { key: "Mod-s", run: () => (save(), true), preventDefault: true };
  const view = new cm.EditorView({
    root,
    parent: root,
    state: cm.EditorState.create({ doc: text, extensions: extensionsOf(cm, label, changed, suggest, saving) }),
  });
  host.addEventListener("keydown", (event) => event.stopPropagation()); // they are no shortcuts of the page
  return {
    element: host,
    text: () => String(view.state.doc),
    /** @param {string} fresh */
    replace: (fresh) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: fresh } }),
    focus: () => view.focus(),
    /** @param {Problem[]} problems */
    mark: (problems) => view.dispatch(cm.setDiagnostics(view.state, diagnosticsOf(view.state.doc, problems))),
    /** @param {number} number @param {number} column */
    goTo: (number, column) => {
      const anchor = positionOf(view.state.doc, number, column).from;
      view.dispatch({ selection: { anchor }, effects: cm.EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** @param {any} cm @param {string} label @param {EditorOptions["changed"]} changed @param {EditorOptions["suggest"]} suggest @param {object} saving */
function extensionsOf(cm, label, changed, suggest, saving) {
  return [
    cm.lineNumbers(),
    cm.foldGutter(),
    cm.lintGutter(),
    cm.highlightSpecialChars(),
    cm.history(),
    cm.drawSelection(),
    cm.indentOnInput(),
    cm.bracketMatching(),
    cm.closeBrackets(),
    cm.highlightActiveLine(),
    cm.highlightSelectionMatches(),
    cm.search({ top: true }),
    cm.indentUnit.of("  "),
    cm.EditorState.tabSize.of(2),
    cm.EditorView.lineWrapping,
    languageOf(cm),
    cm.syntaxHighlighting(cm.classHighlighter),
    cm.EditorView.theme(TOKENS),
    cm.EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
    cm.autocompletion({ override: [completionSource(suggest)], activateOnTyping: true, icons: false }),
    cm.keymap.of([
      saving,
      ...cm.completionKeymap,
      ...cm.closeBracketsKeymap,
      ...cm.lintKeymap,
      ...cm.searchKeymap,
      ...cm.foldKeymap,
      ...cm.historyKeymap,
      ...cm.defaultKeymap,
      cm.indentWithTab,
    ]),
    cm.EditorView.updateListener.of((/** @type {any} */ update) => {
      if (update.docChanged) changed(String(update.state.doc));
    }),
  ];
}

/** YAML whose commands are read as shell. @param {any} cm */
function languageOf(cm) {
  const shell = cm.StreamLanguage.define(cm.shell).parser;
  /** @param {any} node @param {any} input */
  const isCommand = ({ node }, input) => {
    const holder = node.name === "BlockLiteralContent" ? node.parent : node;
    const key = holder.parent?.name === "Pair" ? holder.parent.getChild("Key") : null;
    return key !== null && COMMANDS.has(input.read(key.from, key.to));
  };
  const wrap = cm.parseMixed((/** @type {any} */ node, /** @type {any} */ input) =>
    (node.name === "BlockLiteralContent" || node.name === "Literal") && isCommand(node, input)
      ? { parser: shell }
      : null,
  );
  return new cm.LanguageSupport(cm.yamlLanguage.configure({ wrap }));
}

/** @param {EditorOptions["suggest"]} suggest */
function completionSource(suggest) {
  return (/** @type {any} */ context) => {
    const { doc } = context.state;
    const found = suggest(doc.sliceString(0, context.pos), doc.sliceString(context.pos));
    if (!found || (!context.explicit && !found.length)) return null;
    return {
      from: context.pos - found.length,
      options: found.suggestions.map(({ label, kind, help, insert, rank }) => ({
        label,
        detail: kind === "task" ? "task" : undefined,
        info: help || undefined,
        apply: insert,
        boost: -rank / 50,
      })),
    };
  };
}

/** @param {any} doc @param {Problem[]} problems */
function diagnosticsOf(doc, problems) {
  return problems
    .map(({ line, column, message, severity }) => ({ ...positionOf(doc, line, column), message, severity }))
    .sort((a, b) => a.from - b.from);
}

/** From a place to the end of its line. @param {any} doc @param {number} number @param {number} column both from 1 */
function positionOf(doc, number, column) {
  const line = doc.line(Math.min(Math.max(1, number), doc.lines));
  const from = Math.min(line.from + Math.max(0, column - 1), line.to);
  return { from, to: line.to };
}

// Edit a DAG file of the bucket, or write a new one. Problems are shown while somebody types; what was typed is kept
// until it is saved, and never replaces what somebody else has saved meanwhile.
import { ApiError, get, isAbort, messageOf, segment, sendText } from "../lib/api.js";
import { button, empty, errorText, h, notify, show } from "../lib/dom.js";
import { draftOf, forgetDraft, keepDraft } from "../lib/drafts.js";
import { fieldError } from "../lib/form-errors.js";
import { plural } from "../lib/format.js";
import { currentRoute, dagLink, navigate } from "../lib/router.js";
import { suggestionsAt } from "../lib/schema-completion.js";
import { currentSession, isOperator, readOnlyReason } from "../lib/session.js";
import { STARTER, STARTER_NAME } from "../lib/starter.js";
import { codeEditor } from "../widgets/code-editor.js";
import { sourceDiff } from "../widgets/source-text.js";

const CHECK_AFTER_MS = 400;
const LOOK_AGAIN_MS = 500;
const MOST_LOOKS = 20;
const MOST_PROBLEMS = 50;

/** @typedef {import("../lib/view-context.js").ViewContext} ViewContext */
/** @typedef {import("../widgets/code-editor.js").Problem} Problem */
/** @typedef {{ text: string, etag: string | null }} Saved the file as it is in the bucket; without an ETag it is new */
/** @typedef {Awaited<ReturnType<typeof codeEditor>>} Editor */

/** @param {HTMLElement} main @param {ViewContext} context */
export async function view(main, context) {
  const key = currentRoute().query.get("key");
  context.setTitle(key ? `Edit ${key}` : "New DAG");
  const heading = h("h1", null, key ? ["Edit ", h("span", { class: "mono" }, key)] : "New DAG");
  const refusal = refusalText();
  if (refusal) return show(main, heading, empty(refusal));
  const [file, schema] = await Promise.all([
    key ? get("dag-file", { key }, context.signal) : null,
    get("dag-schema.json", {}, context.signal),
  ]);
  await new Editing(context, key, { text: file?.source ?? STARTER, etag: file?.etag ?? null }).open(
    main,
    heading,
    schema,
  );
}

function refusalText() {
  if (!isOperator()) return readOnlyReason();
  if (currentSession()?.can_edit) return null;
  if (currentSession()?.dags) return "Your token is limited to some DAGs. Editing files takes one for all of them.";
  return "Editing DAG files on this page is switched off (ORCHESTRATOR_EDITOR). Copy files to the dags bucket instead.";
}

/** One file while it is edited. */
class Editing {
  /** @param {ViewContext} context @param {string | null} key null for a new file @param {Saved} saved */
  constructor(context, key, saved) {
    this.context = context;
    this.key = key;
    this.saved = saved;
    this.nameInput = nameInput();
    this.notice = h("div", { role: "alert" });
    this.status = h("p", { class: "quiet", role: "status", id: "check" }, "Checking…");
    this.problems = h("div");
    this.changes = h("div");
    this.saveButton = button("Save", () => this.save(), { class: "main", id: "save" });
    /** @type {Editor | null} */
    this.editor = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.check = new AbortController();
  }

  get draftKey() {
    return this.key ?? "";
  }

  /** @param {HTMLElement} main @param {HTMLElement} heading @param {import("../lib/schema-completion.js").Schema} schema */
  async open(main, heading, schema) {
    const draft = draftOf(this.draftKey);
    const isRestored = draft !== null && draft.text !== this.saved.text;
    const editor = await codeEditor({
      text: isRestored ? draft.text : this.saved.text,
      label: this.key ?? "New DAG file",
      changed: (text) => this.changed(text),
      save: () => this.save(),
      suggest: (before, after) => suggestionsAt(schema, before, after),
    });
    if (this.context.signal.aborted) return;
    this.editor = editor;
    this.context.signal.addEventListener("abort", () => this.close(), { once: true });
    show(main, heading, this.explanation(), this.key ? null : nameField(this.nameInput), this.notice, editor.element);
    main.append(h("div", null, this.status, this.problems, this.changes), this.foot());
    if (isRestored) this.restored(draft);
    await this.validate(editor.text());
  }

  explanation() {
    const { dags_bucket: bucket, dags_folder: folder } = /** @type {Api.Session} */ (currentSession());
    const where = [
      "Saved in the bucket ",
      h("code", null, bucket),
      folder ? [". The files of ", h("code", null, folder), " stay as they are."] : ".",
    ];
    const keys = "Ctrl+Space suggests what fits; Esc, then Tab leaves the editor.";
    return h("p", { class: "quiet" }, where, ` ${keys}`);
  }

  foot() {
    const cancel = () => {
      forgetDraft(this.draftKey);
      if (history.length > 1) history.back();
      else navigate(["dags"]);
    };
    return h(
      "div",
      { class: "row foot" },
      this.saveButton,
      button("Show changes", () => this.showChanges(), { id: "show-changes" }),
      button("Cancel", cancel, { id: "cancel" }),
    );
  }

  close() {
    clearTimeout(this.timer);
    this.check.abort();
    this.editor?.destroy();
  }

  /** @param {import("../lib/drafts.js").Draft} draft */
  restored(draft) {
    const discard = () => {
      forgetDraft(this.draftKey);
      this.editor?.replace(this.saved.text);
      show(this.notice);
    };
    const text = "Your unsaved changes were restored. ";
    show(this.notice, h("p", { class: "notice" }, text, button("Discard them", discard, { id: "discard" })));
    if (draft.etag !== this.saved.etag) this.conflict(this.saved);
  }

  /** @param {string} text */
  changed(text) {
    if (text === this.saved.text) forgetDraft(this.draftKey);
    else keepDraft(this.draftKey, { text, etag: this.saved.etag });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.validate(text), CHECK_AFTER_MS);
    show(this.changes);
  }

  /** @param {string} text */
  async validate(text) {
    this.check.abort();
    this.check = new AbortController();
    try {
      const { dag, warnings } = await sendText("POST", "dags/validate", text, { signal: this.check.signal });
      this.report(warnings.map((warning) => ({ ...warning, severity: "warning" })));
      const words = warnings.length ? plural(warnings.length, "warning") : "No problems";
      this.status.textContent = `${words}. ${dag.name}: ${plural(dag.tasks.length, "task")}.`;
    } catch (error) {
      if (isAbort(error)) return;
      const found = problemsOf(error);
      if (found) this.report(found);
      this.status.textContent = found ? `${plural(found.length, "problem")}.` : messageOf(error);
    }
  }

  /** Beside the lines, and below the editor. @param {Problem[]} problems */
  report(problems) {
    this.editor?.mark(problems);
    const items = problems.slice(0, MOST_PROBLEMS).map(({ line, column, message, severity }) => {
      const go = () => this.editor?.goTo(line, column);
      return h("li", { class: severity }, button(`Line ${line}`, go, { class: "small" }), " ", message);
    });
    show(this.problems, items.length ? h("ul", { class: "list card problems" }, items) : null);
  }

  showChanges() {
    const text = this.editor?.text() ?? "";
    show(this.changes, h("h2", { class: "apart" }, "Changes"), sourceDiff(this.saved.text, text, "Changes"));
    this.changes.scrollIntoView({ block: "nearest" });
  }

  /** Save over the file with this ETag. */
  async save() {
    const key = this.key ?? this.newName();
    if (!key || !this.editor || this.saveButton.disabled) return;
    const text = this.editor.text();
    this.saveButton.disabled = true;
    show(this.notice);
    try {
      const { etag } = this.saved;
      const headers = etag === null ? { "If-None-Match": "*" } : { "If-Match": `"${etag}"` };
      const known = await this.latestVersion(text);
      await sendText("PUT", "dag-file", text, { query: { key }, headers: /** @type {any} */ (headers) });
      forgetDraft(this.draftKey);
      await this.registered(key, known);
    } catch (error) {
      await this.refused(key, error);
    } finally {
      this.saveButton.disabled = false;
    }
  }

  newName() {
    const name = this.nameInput.value.trim();
    const key = /\.ya?ml$/.test(name) || !name ? name : `${name}.yaml`;
    fieldError(this.nameInput, key ? "" : "Enter a name for the file.");
    return key;
  }

  /** @param {string} text @returns {Promise<{ dagId: string, version: number }>} version: 0 for none yet */
  async latestVersion(text) {
    const { dag } = await sendText("POST", "dags/validate", text);
    return { dagId: dag.dag_id, version: await newestVersion(dag.dag_id) };
  }

  /** Go to the DAG once its new version is registered; say so if that fails. @param {string} key @param {{ dagId: string, version: number }} before */
  async registered(key, { dagId, version }) {
    this.status.textContent = "Saved. Registering…";
    for (let look = 0; look < MOST_LOOKS && !this.context.signal.aborted; look += 1) {
      if ((await newestVersion(dagId)) > version) break;
      const { import_errors: errors } = await get("import_errors", { limit: 100 });
      if (errors.some((error) => error.file_key === key)) return navigate(["errors"]);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
    if (this.context.signal.aborted) return;
    notify("Saved");
    location.hash = dagLink(dagId, { tab: "source" });
  }

  /** @param {string} key @param {unknown} error */
  async refused(key, error) {
    const found = problemsOf(error);
    if (found) {
      this.report(found);
      this.status.textContent = `${plural(found.length, "problem")}.`;
      show(this.notice, errorText("Not saved: the file has errors, which are listed below."));
    } else if (error instanceof ApiError && error.status === 412 && this.key) {
      const now = await get("dag-file", { key }).catch(() => null);
      this.conflict({ text: now?.source ?? "", etag: now?.etag ?? null });
    } else if (!this.key && error instanceof ApiError && (error.status === 412 || error.status === 400)) {
      const isTaken = error.status === 412;
      fieldError(this.nameInput, isTaken ? "The bucket has a file of this name already." : error.message);
      this.nameInput.focus();
    } else {
      show(this.notice, errorText(`Not saved: ${messageOf(error)}`));
    }
  }

  /** Somebody else has saved the file meanwhile. @param {Saved} theirs */
  conflict(theirs) {
    const compare = () => {
      this.saved = theirs;
      this.showChanges();
    };
    const overwrite = () => {
      this.saved = theirs;
      return this.save();
    };
    const discard = () => {
      this.saved = theirs;
      forgetDraft(this.draftKey);
      this.editor?.replace(theirs.text);
      show(this.notice);
    };
    const what = theirs.etag ? "Somebody else has saved this file" : "Somebody else has removed this file";
    show(
      this.notice,
      errorText(`${what} while you were editing it. Nothing was overwritten.`),
      h(
        "div",
        { class: "row" },
        button("Compare with theirs", compare, { id: "compare" }),
        button("Replace theirs with mine", overwrite, { id: "overwrite" }),
        button("Discard mine", discard, { id: "discard" }),
      ),
    );
  }
}

function nameInput() {
  return h("input", {
    id: "file-name",
    class: "mono",
    value: STARTER_NAME,
    maxlength: 1000,
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "file-name-help",
  });
}

/** @param {HTMLInputElement} input */
function nameField(input) {
  return h(
    "div",
    { class: "field" },
    h("label", { class: "name", for: input.id }, "File name"),
    input,
    h("p", { class: "help", id: "file-name-help" }, "A / makes folders, as in sales/nightly.yaml."),
  );
}

/** @param {string} dagId */
async function newestVersion(dagId) {
  const path = /** @type {const} */ (`dags/${segment(dagId)}/versions`);
  const page = await get(path, { limit: 1 }).catch(() => null);
  return page?.versions[0]?.version ?? 0;
}

/** What is wrong with the file, by the API; null if the error is about something else. @param {unknown} error @returns {Problem[] | null} */
function problemsOf(error) {
  if (!(error instanceof ApiError) || error.status !== 422) return null;
  const problems = /** @type {any} */ (error.details).problems ?? [];
  return problems.map((/** @type {any} */ problem) => ({ ...problem, severity: "error" }));
}

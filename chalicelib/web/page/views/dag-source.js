// The file of a DAG, the files beside it, its versions, and what changed between two of them.
import { get, getAll, messageOf, segment } from "../lib/api.js";
import { errorText, h, select, show } from "../lib/dom.js";
import { compareFiles } from "../lib/file-changes.js";
import { bytes, fullTime } from "../lib/format.js";
import { currentRoute, hrefTo, setQuery } from "../lib/router.js";
import { currentSession } from "../lib/session.js";
import { sourceButtons, sourceDiff, sourceText } from "../widgets/source-text.js";

const MOST_FILES = 1000;

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const versionsPath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/versions`);
  const { versions } = await get(versionsPath, { limit: 100 }, context.signal);
  const kept = readsOf(dag.dag_id, context.signal);
  const draw = async () => {
    const { query } = currentRoute();
    const version = Number(query.get("version")) || versions[0].version;
    const against = Number(query.get("against")) || null;
    const path = query.get("file");
    const [source, other, files, otherFiles] = await Promise.all([
      kept.source(version),
      against ? kept.source(against) : null,
      kept.files(version),
      against ? kept.files(against) : null,
    ]);
    show(
      body,
      h("div", { class: "row" }, versionChooser(versions, version, against), buttons(dag, versions, version, source)),
      origin(versions, version),
      other === null ? sourceText(source, "Source", "dag.yaml") : sourceDiff(other, source, "Differences"),
      fileList(files, otherFiles, path),
      path && (await fileView(kept, path, version, against, files, otherFiles)),
    );
  };
  context.onQuery = () => draw().catch((error) => show(body, errorText(messageOf(error))));
  await draw();
}

/** What a version consists of. @param {string} dagId @param {AbortSignal} signal */
function readsOf(dagId, signal) {
  const dag = /** @type {const} */ (`dags/${segment(dagId)}`);
  return {
    /** @param {number} version */
    source: async (version) => (await get(/** @type {const} */ (`${dag}/source`), { version }, signal)).source,
    /** @param {number} version */
    files: async (version) => {
      const options = { query: { version }, most: MOST_FILES, signal };
      return (await getAll(/** @type {const} */ (`${dag}/files`), "files", options)).items;
    },
    /** @param {string} path @param {number} version */
    content: (path, version) => get(/** @type {const} */ (`${dag}/files/content`), { path, version }, signal),
  };
}

/** @param {Api.DagVersion[]} versions @param {number} version @param {number | null} against */
function versionChooser(versions, version, against) {
  const options = versions.map(
    (one) => /** @type {const} */ ([one.version, `${one.version}${one.is_active ? " (active)" : ""}`]),
  );
  const own = select({ id: "version", onchange: () => setQuery({ version: own.value }) }, options, version);
  const other = select(
    { id: "against", onchange: () => setQuery({ against: other.value }) },
    [["", "nothing"], ...options],
    against,
  );
  return [
    h("label", { class: "switch" }, "Version", own),
    versions.length > 1
      ? h("label", { class: "switch" }, "Compare with", other)
      : h("span", { class: "quiet" }, "the only version"),
  ];
}

/** @param {Api.DagDetail} dag @param {Api.DagVersion[]} versions @param {number} number @param {string} source */
function buttons(dag, versions, number, source) {
  const key = versions.find((one) => one.version === number)?.file_key ?? `${dag.dag_id}.yaml`;
  return h(
    "div",
    { class: "row end" },
    sourceButtons(source, key),
    currentSession()?.can_edit && !dag.removed_at
      ? h("a", { class: "button", id: "edit", href: hrefTo(["edit"], { key: versions[0].file_key }) }, "Edit")
      : null,
  );
}

/** @param {Api.DagVersion[]} versions @param {number} number */
function origin(versions, number) {
  const version = versions.find((one) => one.version === number);
  if (!version) return null;
  return h("p", { class: "quiet" }, `${version.file_key}, registered ${fullTime(version.created_at)}`);
}

/**
 * The files beside the DAG file, with what became of each since the version compared with.
 * @param {Api.DagFileOfVersion[]} files @param {Api.DagFileOfVersion[] | null} before @param {string | null} shown
 */
function fileList(files, before, shown) {
  if (!files.length && !before?.length) return null;
  const rows = compareFiles(files, before);
  const heads = before ? [...FILE_HEADS, "Change"] : FILE_HEADS;
  return [
    h("h3", null, `Files beside it (${files.length})`),
    h(
      "div",
      { class: "card scroll" },
      h(
        "table",
        { id: "files" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            heads.map((text) => h("th", { scope: "col" }, text)),
          ),
        ),
        h(
          "tbody",
          null,
          rows.map(({ file, change }) => fileRow(file, before && change, shown)),
        ),
      ),
    ),
  ];
}

const FILE_HEADS = ["File", "Size", "Executable"];

/** @param {Api.DagFileOfVersion} file @param {string | null} change @param {string | null} shown */
function fileRow(file, change, shown) {
  const isShown = file.path === shown;
  const open = () => setQuery({ file: isShown ? null : file.path });
  return h(
    "tr",
    null,
    h(
      "td",
      null,
      h("button", { type: "button", class: "plain", "aria-expanded": `${isShown}`, onclick: open }, file.path),
    ),
    h("td", { class: "size" }, bytes(file.size_bytes)),
    h("td", null, file.is_executable ? "yes" : "no"),
    change === null ? null : h("td", null, change),
  );
}

/**
 * One file, or how it differs from that of the version compared with.
 * @param {ReturnType<typeof readsOf>} kept @param {string} path @param {number} version @param {number | null} against
 * @param {Api.DagFileOfVersion[]} files @param {Api.DagFileOfVersion[] | null} otherFiles
 */
async function fileView(kept, path, version, against, files, otherFiles) {
  const isIn = (/** @type {Api.DagFileOfVersion[] | null} */ list) => list?.some((file) => file.path === path);
  const [own, other] = await Promise.all([
    isIn(files) ? kept.content(path, version) : null,
    against && isIn(otherFiles) ? kept.content(path, against) : null,
  ]);
  const unshown = [own, other].find((content) => content && !isText(content));
  if (!own && !other) return h("p", { class: "quiet" }, `This version has no file ${path}.`);
  if (unshown) return h("p", { class: "quiet" }, unshown.reason || `${path} is an image.`);
  const isCut = own?.is_truncated || other?.is_truncated;
  return [
    h("h3", null, path),
    isCut ? h("p", { class: "quiet" }, "Only the beginning of the file is shown.") : null,
    against ? sourceDiff(other?.content ?? "", own?.content ?? "", `Differences of ${path}`) : null,
    !against && own
      ? [h("p", { class: "row" }, sourceButtons(own.content, path)), sourceText(own.content, path, path)]
      : null,
  ];
}

/** @param {Api.DagFileContent} content */
function isText(content) {
  return content.kind !== "none" && content.kind !== "image";
}

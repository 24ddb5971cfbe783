// The file of a DAG, its versions, and what changed between two of them.
import { get, messageOf, segment } from "../lib/api.js";
import { diff } from "../lib/diff.js";
import { errorText, h, select, show } from "../lib/dom.js";
import { fullTime, plural } from "../lib/format.js";
import { currentRoute, setQuery } from "../lib/router.js";

const CLASSES = { "+": "added", "-": "removed", " ": "" };

/** @param {HTMLElement} body @param {Api.DagDetail} dag @param {import("../lib/view-context.js").ViewContext} context */
export async function tab(body, dag, context) {
  const versionsPath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/versions`);
  const sourcePath = /** @type {const} */ (`dags/${segment(dag.dag_id)}/source`);
  const { versions } = await get(versionsPath, { limit: 100 }, context.signal);
  /** @param {number} version */
  const sourceOf = async (version) => (await get(sourcePath, { version }, context.signal)).source;
  const draw = async () => {
    const { query } = currentRoute();
    const version = Number(query.get("version")) || versions[0].version;
    const against = Number(query.get("against")) || null;
    const [source, other] = await Promise.all([sourceOf(version), against ? sourceOf(against) : null]);
    show(
      body,
      versionChooser(versions, version, against),
      origin(versions, version),
      other === null ? sourceText(source) : sourceDiff(other, source),
    );
  };
  context.onQuery = () => draw().catch((error) => show(body, errorText(messageOf(error))));
  await draw();
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
  return h(
    "div",
    { class: "row" },
    h("label", { class: "switch" }, "Version", own),
    versions.length > 1
      ? h("label", { class: "switch" }, "Compare with", other)
      : h("span", { class: "quiet" }, "the only version"),
  );
}

/** @param {Api.DagVersion[]} versions @param {number} number */
function origin(versions, number) {
  const version = versions.find((one) => one.version === number);
  if (!version) return null;
  return h("p", { class: "quiet" }, `${version.file_key}, registered ${fullTime(version.created_at)}`);
}

/** @param {string} source */
function sourceText(source) {
  const lines = source.replace(/\n$/, "").split("\n");
  return h(
    "pre",
    { class: "source card", tabindex: 0, "aria-label": "Source" },
    lines.map((line) => h("span", { class: "line" }, line)),
  );
}

/** @param {string} before @param {string} after */
function sourceDiff(before, after) {
  const lines = diff(before.split("\n"), after.split("\n"));
  const changed = lines.filter(([sign]) => sign !== " ").length;
  return [
    h("p", null, changed ? `${plural(changed, "line differs", "lines differ")}.` : "No differences."),
    h(
      "pre",
      { class: "source diff card", tabindex: 0, "aria-label": "Differences" },
      lines.map(([sign, line]) => h("span", { class: `line ${CLASSES[sign]}`, "data-sign": sign }, line)),
    ),
  ];
}

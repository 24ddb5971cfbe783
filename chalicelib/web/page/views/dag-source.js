// The file of a DAG, its versions, and what changed from one to the next.
import { get, path } from "../lib/api.js";
import { difference } from "../lib/diff.js";
import { h, show } from "../lib/dom.js";
import { moment } from "../lib/format.js";
import { here, setQuery } from "../lib/router.js";

export async function tab(body, dag, context) {
  const where = `dags/${path(dag.dag_id)}`;
  const { versions } = await get(`${where}/versions`, { limit: 100 }, context.signal);
  const text = async (version) => (await get(`${where}/source`, { version }, context.signal)).source;
  const draw = async () => {
    const { query } = here();
    const version = Number(query.get("version")) || versions[0].version;
    const against = Number(query.get("against")) || null;
    const [source, other] = await Promise.all([text(version), against ? text(against) : null]);
    show(
      body,
      chooser(versions, version, against),
      about(versions, version),
      other === null ? plain(source) : compared(other, source),
    );
  };
  context.onQuery = () => draw().catch((error) => show(body, h("p", { class: "cause" }, error.message)));
  await draw();
}

function chooser(versions, version, against) {
  const select = (id, label, chosen, none) => {
    const made = h(
      "select",
      { id, onchange: () => setQuery({ [id]: made.value }) },
      none ? h("option", { value: "" }, none) : null,
      versions.map((one) =>
        h(
          "option",
          { value: one.version, selected: one.version === chosen },
          `${one.version}${one.is_active ? " (active)" : ""}`,
        ),
      ),
    );
    return h("label", { class: "switch" }, label, made);
  };
  return h(
    "div",
    { class: "row" },
    select("version", "Version", version),
    versions.length > 1
      ? select("against", "compared with", against, "nothing")
      : h("span", { class: "quiet" }, "the only version"),
  );
}

function about(versions, version) {
  const one = versions.find((other) => other.version === version);
  return one ? h("p", { class: "quiet" }, `${one.file_key}, registered ${moment(one.created_at)}`) : null;
}

function plain(source) {
  return h(
    "pre",
    { class: "source card", tabindex: 0, "aria-label": "Source" },
    source
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => h("span", { class: "line" }, line)),
  );
}

function compared(before, after) {
  const lines = difference(before.split("\n"), after.split("\n"));
  const changed = lines.filter(([sign]) => sign !== " ").length;
  return [
    h("p", null, changed ? `${changed} lines differ.` : "The two are the same."),
    h(
      "pre",
      { class: "source diff card", tabindex: 0, "aria-label": "Differences" },
      lines.map(([sign, line]) =>
        h("span", { class: `line ${{ "+": "added", "-": "removed", " ": "" }[sign]}`, "data-sign": sign }, line),
      ),
    ),
  ];
}

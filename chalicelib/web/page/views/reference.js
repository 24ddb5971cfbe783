// The reference: the keys of a DAG file, and the REST API, both from the tables that the server itself reads.
import { get } from "../lib/api.js";
import { empty, h, searchField, section, show, table } from "../lib/dom.js";
import { matches, operationsOf, shapesOf } from "../lib/openapi.js";
import { currentRoute, hrefTo, setQuery } from "../lib/router.js";

/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {import("../lib/openapi.js").Field} Field */
/** @typedef {import("../lib/openapi.js").Operation} Operation */
/** @typedef {import("../lib/openapi.js").Shape} Shape */

const PARTS = { file: "DAG file", api: "REST API" };
const MOST_OPENED = 3; // results of a search that are shown open

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const [file, spec] = await Promise.all([
    get("dag-file-reference", {}, context.signal),
    get("openapi.json", {}, context.signal),
  ]);
  const operations = operationsOf(spec);
  const shapes = shapesOf(spec);
  const tabs = h("nav", { class: "tabs", "aria-label": "Parts of the reference" });
  const body = h("div");
  const attributes = { id: "reference-search", placeholder: "Search", "aria-label": "Search the reference" };
  const search = searchField({ ...attributes, value: searched() }, (text) => setQuery({ q: text }));
  const draw = () => {
    const part = currentRoute().query.get("part") === "api" ? "api" : "file";
    drawTabs(tabs, part);
    if (document.activeElement !== search) search.value = searched();
    const results = part === "api" ? apiReference(operations, shapes) : fileReference(file);
    show(body, results.length ? results : empty("Nothing matches this search."));
  };
  context.onQuery = draw;
  show(main, h("div", { class: "head" }, h("h1", null, "Reference"), search), tabs, body);
  draw();
}

const searched = () => currentRoute().query.get("q") ?? "";

/** @param {HTMLElement} tabs @param {string} active */
function drawTabs(tabs, active) {
  show(
    tabs,
    Object.entries(PARTS).map(([part, title]) => {
      const href = hrefTo(["reference"], { part, q: searched() });
      return h("a", { href, id: `part-${part}`, "aria-current": part === active ? "page" : null }, title);
    }),
  );
}

/** @param {Api.DagFileReference} file @returns {Child[]} */
function fileReference({ tables }) {
  return tables
    .map(({ title, fields }) => {
      const found = fields.filter((field) => matches(searched(), [...Object.values(field).flat(), title]));
      const rows = found.map((field) => [
        [h("code", null, field.name), field.aliases.map((alias) => [" or ", h("code", null, alias)])],
        withCode(field.type),
        withCode(field.default),
        withCode(field.description),
      ]);
      return found.length
        ? section(title, table(title, ["Key", "Value", "Default", "Description"], rows, "stack"))
        : [];
    })
    .filter((result) => !Array.isArray(result));
}

/** @param {Operation[]} operations @param {Shape[]} shapes @returns {Child[]} */
function apiReference(operations, shapes) {
  const found = operations.filter((operation) => matches(searched(), textsOfOperation(operation)));
  const named = shapes.filter((shape) =>
    matches(searched(), [shape.name, shape.description, ...textsOf(shape.fields)]),
  );
  const isOpen = Boolean(searched()) && found.length + named.length <= MOST_OPENED;
  const groups = [...new Set(found.map(({ group }) => group))];
  return [
    ...groups.map((group) =>
      section(
        titleOf(group),
        found.filter((operation) => operation.group === group).map((operation) => operationPart(operation, isOpen)),
      ),
    ),
    ...(named.length
      ? [
          section(
            "Schemas",
            named.map((shape) => shapePart(shape, isOpen || shape.name === searched())),
          ),
        ]
      : []),
  ];
}

/** @param {Operation} operation */
function textsOfOperation({ method, path, summary, fields, responses }) {
  return [`${method} ${path}`, summary, ...textsOf(fields), ...responses.map(({ schema }) => schema)];
}

/** @param {Field[]} fields */
const textsOf = (fields) => fields.flatMap(({ name, description, type }) => [name, description, type]);

/** "task_instances" as "Task instances". @param {string} group */
function titleOf(group) {
  if (group === "dags") return "DAGs";
  return `${group.charAt(0).toUpperCase()}${group.slice(1).replaceAll("_", " ")}`;
}

/** @param {Operation} operation @param {boolean} isOpen */
function operationPart(operation, isOpen) {
  const { id, method, path, summary, description, fields, responses } = operation;
  return h(
    "details",
    { class: "card entry", id: `operation-${id}`, open: isOpen },
    h("summary", null, h("code", null, `${method} ${path}`), " ", h("span", { class: "quiet" }, summary)),
    h("p", null, description),
    fields.length ? fieldTable(`Parameters of ${method} ${path}`, fields, ["Parameter", "In"]) : null,
    h("h3", null, "Responses"),
    table(
      `Responses of ${method} ${path}`,
      ["Status", "Response", "Description"],
      responses.map(({ status, schema, description: meaning }) => [status, schemaLink(schema), withCode(meaning)]),
      "stack",
    ),
  );
}

/** @param {Shape} shape @param {boolean} isOpen */
function shapePart({ name, description, fields }, isOpen) {
  return h(
    "details",
    { class: "card entry", id: `schema-${name}`, open: isOpen },
    h("summary", null, h("code", null, name), " ", h("span", { class: "quiet" }, withCode(description))),
    fields.length ? fieldTable(`Fields of ${name}`, fields, ["Field"]) : null,
  );
}

/** @param {string} caption @param {Field[]} fields @param {string[]} columns the first ones */
function fieldTable(caption, fields, columns) {
  const rows = fields.map(({ name, place, type, description, isRequired }) => [
    [h("code", null, name), isRequired ? h("span", { class: "quiet" }, " required") : null],
    ...(columns.length > 1 ? [place] : []),
    linked(type),
    withCode(description),
  ]);
  return table(caption, [...columns, "Type", "Description"], rows, "stack");
}

/** A type whose names of schemas are links. @param {string} type @returns {Child} */
const linked = (type) => type.split(/\b([A-Z]\w+)\b/).map((part, i) => (i % 2 ? schemaLink(part) : part));

/** @param {string} name "" for none */
function schemaLink(name) {
  return name ? h("a", { href: hrefTo(["reference"], { part: "api", q: name }) }, name) : "none";
}

/** A text whose parts in backticks are code. @param {string} text @returns {Child} */
const withCode = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", null, part) : part));

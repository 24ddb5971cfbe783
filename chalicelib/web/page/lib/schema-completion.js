// What may follow at a place of a DAG file, by its JSON Schema. Pure. Works on the lines before the place, because a
// file that somebody is typing cannot be parsed yet.

/** @typedef {{ [key: string]: any }} Schema */
/** @typedef {{ label: string, kind: "key" | "value" | "task", help: string, insert: string, rank: number }} Suggestion the lower the rank, the earlier */
/** @typedef {{ column: number, key: string | null }} Entry key: null for an item of a list */

const ENTRY = /^(- +|-$)|^(?:"([^"]*)"|'([^']*)'|([\w.$-]+))\s*:(?=\s|$)/;

/** The items and keys that begin on a line, with their columns. @param {string} line @returns {Entry[]} */
function entriesOf(line) {
  const entries = [];
  let column = line.length - line.trimStart().length;
  for (;;) {
    const match = ENTRY.exec(line.slice(column));
    if (!match) return entries;
    const isItem = match[1] !== undefined;
    entries.push({ column, key: isItem ? null : (match[2] ?? match[3] ?? match[4]) });
    if (!isItem) return entries;
    column += match[1].length;
  }
}

/** @param {string} line */
const isBlank = (line) => /^\s*(#|$)/.test(line);

/**
 * The keys and items around a column, outermost first.
 * @param {string[]} lines the last one up to the place
 * @param {number} column
 */
function pathTo(lines, column) {
  /** @type {(string | null)[]} */
  const path = [];
  let limit = column;
  let isInList = false;
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    if (isBlank(lines[i]) && i < lines.length - 1) continue;
    for (const entry of entriesOf(lines[i]).reverse()) {
      const isParent = entry.column < limit || (isInList && entry.key !== null && entry.column === limit);
      if (!isParent) continue;
      path.unshift(entry.key);
      limit = entry.column;
      isInList = entry.key === null;
    }
  }
  return path;
}

/** Whether the last line is inside a text that begins with `|` or `>` above it. @param {string[]} lines @param {number} column */
function isInText(lines, column) {
  let limit = column;
  for (let i = lines.length - 2; i >= 0; i -= 1) {
    if (isBlank(lines[i])) continue;
    const indent = lines[i].length - lines[i].trimStart().length;
    if (indent >= limit) continue;
    if (/[:-]\s+[|>][-+\d]*\s*(#.*)?$/.test(lines[i])) return true;
    limit = indent;
  }
  return false;
}

/**
 * The schemas that a value may have, one after the other, with references followed.
 * @param {Schema} root
 * @param {Schema | undefined} schema
 * @returns {Schema[]}
 */
function alternatives(root, schema, depth = 0) {
  if (!schema || typeof schema !== "object" || depth > 8) return [];
  if (schema.$ref) {
    const target = schema.$ref
      .slice(2)
      .split("/")
      .reduce((/** @type {any} */ at, /** @type {string} */ name) => at?.[name], root);
    return alternatives(root, target, depth + 1);
  }
  const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? []), schema.then, schema.else];
  return [schema, ...others.flatMap((other) => alternatives(root, other, depth + 1))];
}

/** @param {Schema} root @param {Schema[]} schemas @param {string | null} step */
function stepInto(root, schemas, step) {
  return schemas.flatMap((schema) =>
    alternatives(root, step === null ? schema.items : (schema.properties?.[step] ?? schema.additionalProperties)),
  );
}

/**
 * What may stand at the end of `text`, the file up to the place; null where nothing is known to fit.
 * `after` is the rest of the file, for the keys that an object has already.
 * @param {Schema} schema
 * @param {string} text
 * @param {string} [after]
 * @returns {{ length: number, suggestions: Suggestion[] } | null} length: of the word that is being typed
 */
export function suggestionsAt(schema, text, after = "") {
  const lines = text.split("\n");
  const line = lines[lines.length - 1];
  const start = line.length - line.trimStart().length;
  if (isInText(lines, start) || /(^|\s)#/.test(line)) return null;
  const own = entriesOf(line);
  const last = own.at(-1);
  if (last && last.key !== null) return valuesAt(schema, text + after, lines, last);
  const content = /^\s*(?:- +)*/.exec(line)?.[0].length ?? 0;
  const word = line.slice(content);
  if (!/^[\w.$-]*$/.test(word) || /^-/.test(word)) return null;
  const path = pathTo(lines, content);
  const schemas = path.reduce((at, step) => stepInto(schema, at, step), alternatives(schema, schema));
  const present = siblings(lines, after.split("\n"), content);
  const suggestions = keysOf(schema, schemas, present);
  if (path.at(-1) === null) suggestions.push(...valuesOf(schemas, taskIds(text + after, path)));
  return found(word, suggestions);
}

/** @param {Schema} schema @param {string} text all of the file @param {string[]} lines up to the place @param {Entry} entry the key on the last line */
function valuesAt(schema, text, lines, entry) {
  const typed = lines[lines.length - 1].slice(entry.column).replace(/^[^:]*:/, "");
  if (!typed.startsWith(" ")) return null;
  const isList = /^\s*\[/.test(typed);
  const word = /[^\s[,]*$/.exec(typed)?.[0] ?? "";
  if (!isList && typed.trimStart() !== word) return null;
  const path = [...pathTo(lines, entry.column), entry.key];
  if (isList) path.push(null);
  const schemas = path.reduce((at, step) => stepInto(schema, at, step), alternatives(schema, schema));
  return found(word, valuesOf(schemas, taskIds(text, path)));
}

/** @param {string} word @param {Suggestion[]} suggestions */
function found(word, suggestions) {
  const byLabel = new Map(suggestions.map((suggestion) => [suggestion.label, suggestion]));
  return byLabel.size ? { length: word.length, suggestions: [...byLabel.values()] } : null;
}

/** @param {Schema} root @param {Schema[]} schemas @param {Set<string>} present @returns {Suggestion[]} */
function keysOf(root, schemas, present) {
  const properties = Object.assign({}, ...schemas.map((schema) => schema.properties ?? {}).reverse());
  return Object.entries(properties)
    .filter(([key]) => !present.has(key))
    .map(([key, schema], i) => {
      const help = alternatives(root, schema).find(({ description }) => description)?.description ?? "";
      const isAlias = help.startsWith("Alias of");
      return { label: key, kind: "key", help, insert: `${key}: `, rank: i + (isAlias ? 1000 : 0) };
    });
}

/** @param {Schema[]} schemas @param {string[]} ids @returns {Suggestion[]} */
function valuesOf(schemas, ids) {
  /** @type {unknown[]} */
  const values = schemas.flatMap((schema) => [
    ...(schema.enum ?? []),
    ...("const" in schema ? [schema.const] : []),
    ...([schema.type].flat().join() === "boolean" ? [true, false] : []),
    ...(schema.examples ?? []),
  ]);
  const plain = values.filter((value) => value !== null && typeof value !== "object");
  return [
    ...ids.map((id, i) => ({
      label: id,
      kind: /** @type {const} */ ("task"),
      help: "A task of this DAG",
      insert: id,
      rank: i,
    })),
    ...plain.map((value, i) => ({
      label: String(value),
      kind: /** @type {const} */ ("value"),
      help: "",
      insert: quoted(value),
      rank: 1000 + i,
    })),
  ];
}

/** @param {unknown} value a text that YAML would read as something else gets quotation marks */
function quoted(value) {
  const text = String(value);
  return typeof value === "string" && /^[@`*&!%{}[\]|>'"#,?-]|: |^(true|false|null|\d.*)$/.test(text)
    ? `"${text}"`
    : text;
}

/** The keys that stand beside a column. @param {string[]} before @param {string[]} after @param {number} column */
function siblings(before, after, column) {
  const keys = new Set();
  /** @param {string} line @returns {boolean} whether to look further */
  const look = (line) => {
    if (isBlank(line)) return true;
    const entries = entriesOf(line);
    for (const { column: at, key } of entries) if (at === column && key !== null) keys.add(key);
    return (entries[0]?.column ?? line.length - line.trimStart().length) >= column;
  };
  const isItem = (entriesOf(before[before.length - 1])[0]?.column ?? column) < column;
  if (!isItem) for (let i = before.length - 2; i >= 0 && look(before[i]); i -= 1);
  for (let i = 1; i < after.length; i += 1) {
    const first = entriesOf(after[i])[0];
    if (first && first.column < column) break; // the next item, or the end of the object
    if (!look(after[i])) break;
  }
  return keys;
}

/** The ids of the tasks where a task may be named: in the dependencies of another one. @param {string} text @param {(string | null)[]} path */
function taskIds(text, path) {
  const key = path.findLast((step) => step !== null);
  if (key !== "dependencies") return [];
  return [...text.matchAll(/^\s*(?:- +)?\{?\s*(?:id|task_id)\s*:\s*["']?([\w.-]+)/gm)].map((match) => match[1]);
}

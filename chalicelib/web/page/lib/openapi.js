// An OpenAPI document as the page shows it: its operations and schemas as flat rows of text.

/**
 * @typedef {object} Field a parameter, a field of a body, or a field of a schema
 * @property {string} name
 * @property {string} place "path", "query" or "body"; "" for a field of a schema
 * @property {string} type
 * @property {string} description
 * @property {boolean} isRequired
 */

/**
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} method
 * @property {string} path
 * @property {string} summary
 * @property {string} description
 * @property {string} group
 * @property {Field[]} fields
 * @property {{ status: string, schema: string, description: string }[]} responses schema: its name, "" without a body
 */

/** @typedef {{ name: string, description: string, fields: Field[] }} Shape */

/** @param {any} schema @returns {string} the last part of the reference, "" if it is none */
const nameOf = (schema) => String(schema?.$ref ?? "").replace(/.*\//, "");

/** @param {any} document @returns {Operation[]} in the order of the document */
export function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      summary: operation.summary,
      description: operation.description,
      group: operation.tags[0],
      fields: [...operation.parameters.map(parameter), ...bodyFields(operation.requestBody)],
      responses: Object.entries(operation.responses).map(([status, response]) =>
        responseOf(document, status, response),
      ),
    })),
  );
}

/** @param {any} given @returns {Field} */
function parameter({ name, in: place, required, description, schema }) {
  return { name, place, type: withDefault(schema), description, isRequired: required };
}

/** @param {any} body @returns {Field[]} */
function bodyFields(body) {
  const [mediaType, content] = Object.entries(body?.content ?? {})[0] ?? [];
  if (!content) return [];
  if (content.schema.properties) return fieldsOf(content.schema, "body", content.schema.required);
  return [{ name: "(body)", place: "body", type: String(mediaType), description: body.description, isRequired: true }];
}

/** @param {any} document @param {string} status @param {any} response */
function responseOf(document, status, response) {
  const named = response.$ref ? document.components.responses[nameOf(response)] : response;
  const schema = nameOf(named.content?.["application/json"]?.schema);
  return { status, schema, description: named.description };
}

/** @param {any} document @returns {Shape[]} by name */
export function shapesOf(document) {
  return Object.entries(document.components.schemas).map(([name, schema]) => ({
    name,
    description: schema.description ?? "",
    fields: fieldsOf(schema, "", []),
  }));
}

/** @param {any} schema @param {string} place @param {string[]} required @returns {Field[]} */
function fieldsOf(schema, place, required) {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    place,
    type: withDefault(property),
    description: property.description ?? "",
    isRequired: required.includes(name),
  }));
}

/** @param {any} schema */
const withDefault = (schema) => typeOf(schema) + ("default" in schema ? `, default ${schema.default}` : "");

/** A schema in words, such as "integer, 1 to 500" or "list of Run". @param {any} schema @returns {string} */
export function typeOf(schema) {
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map(String).join(", ");
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => plainType(type, schema)).join(" or ");
}

/** @param {string} type @param {any} schema */
function plainType(type, schema) {
  if (type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  if (type === "string" && schema.format) return schema.format;
  if (type === "string" && schema.maxLength) return `string, up to ${schema.maxLength} characters`;
  if (type === "integer" && "minimum" in schema) return `integer, ${schema.minimum} to ${schema.maximum}`;
  return type;
}

/** Whether `texts` contain every word of `search`, in any case. @param {string} search @param {string[]} texts */
export function matches(search, texts) {
  const text = texts.join("\n").toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

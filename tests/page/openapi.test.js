import assert from "node:assert/strict";
import test from "node:test";
import { matches, operationsOf, shapesOf, typeOf } from "../../chalicelib/web/page/lib/openapi.js";

const OK = { description: "A run.", content: { "application/json": { schema: { $ref: "#/components/schemas/Run" } } } };
const BODY = {
  type: "object",
  properties: { note: { type: ["string", "null"], description: "Shown.", default: "none" } },
  required: [],
};
const DOCUMENT = {
  paths: {
    "/api/runs/{run_id}": {
      patch: {
        operationId: "patch_run",
        tags: ["runs"],
        summary: "Change the note of a run",
        description: "Requires the role operator.",
        parameters: [{ name: "run_id", in: "path", required: true, description: "Id.", schema: { type: "string" } }],
        requestBody: { content: { "application/json": { schema: BODY } } },
        responses: { 200: OK, 404: { $ref: "#/components/responses/NotFound" }, 204: { description: "Done." } },
      },
    },
  },
  components: {
    schemas: { Run: { description: "A run.", properties: { run_id: { type: "string" } } } },
    responses: { NotFound: { description: "No such run." } },
  },
};

test("an operation has its parameters, the fields of its body and its responses", () => {
  const [operation] = operationsOf(DOCUMENT);
  assert.equal(`${operation.method} ${operation.path}`, "PATCH /api/runs/{run_id}");
  assert.deepEqual(
    operation.fields.map(({ name, place, type, isRequired }) => [name, place, type, isRequired]),
    [
      ["run_id", "path", "string", true],
      ["note", "body", "string or null, default none", false],
    ],
  );
  assert.deepEqual(operation.responses, [
    { status: "200", schema: "Run", description: "A run." },
    { status: "204", schema: "", description: "Done." },
    { status: "404", schema: "", description: "No such run." },
  ]);
});

test("a schema has its fields", () => {
  const [shape] = shapesOf(DOCUMENT);
  assert.equal(shape.name, "Run");
  assert.deepEqual(
    shape.fields.map(({ name, type }) => [name, type]),
    [["run_id", "string"]],
  );
});

test("types are told in words", () => {
  assert.equal(typeOf({ type: "integer", minimum: 1, maximum: 500 }), "integer, 1 to 500");
  assert.equal(typeOf({ type: "array", items: { $ref: "#/components/schemas/Run" } }), "list of Run");
  assert.equal(typeOf({ anyOf: [{ $ref: "#/components/schemas/Cost" }, { type: "null" }] }), "Cost or null");
  assert.equal(typeOf({ type: "string", format: "date-time" }), "date-time");
  assert.equal(typeOf({ type: "string", enum: ["a", "b"] }), "a, b");
  assert.equal(typeOf({ type: "string", maxLength: 100 }), "string, up to 100 characters");
  assert.equal(typeOf({}), "any");
});

test("a search finds what has all of its words, in any case", () => {
  assert.ok(matches("", ["anything"]));
  assert.ok(matches("pause DAG", ["Pause or resume a dag"]));
  assert.ok(!matches("pause run", ["Pause or resume a dag"]));
});

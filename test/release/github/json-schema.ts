import type { Schema } from "./description.ts";

/** How strictly a value is looked at. */
export type Strictness =
  /** What we send: nothing that is not described */
  | "closed"
  /** What we get: servers for tests leave out what nobody reads */
  | "partial";

const COMPONENTS = "#/components/";

/**
 * A schema of OpenAPI 3.0 as JSON Schema, which knows no `nullable`; references to components lead to the schema `root`.
 * Members whose names are keywords too (`properties: {nullable: …}`) are told apart from them.
 */
export function toJsonSchema(schema: unknown, root: string, strictness: Strictness): unknown {
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert);
    if (typeof value !== "object" || value === null) return value;
    const { nullable, properties, example, ...rest } = value as Record<string, unknown>;
    if (typeof rest.$ref === "string") return { $ref: rest.$ref.replace(COMPONENTS, `${root}${COMPONENTS}`) };
    const plain: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(rest)) plain[key] = LITERAL.has(key) ? entry : convert(entry);
    if (strictness === "partial") delete plain.required;
    if (properties !== undefined) {
      plain.properties = members(properties as Schema, convert);
      if (strictness === "closed") plain.additionalProperties ??= false;
    }
    return nullable === true ? { anyOf: [{ type: "null" }, plain] } : plain;
  };
  return convert(schema);
}

/** Keywords whose values are no schemas. */
const LITERAL = new Set(["enum", "default", "required", "description", "title"]);

/** Every schema of a table of named ones. */
export function members(table: Schema, convert: (schema: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, schema]) => [name, convert(schema)]));
}

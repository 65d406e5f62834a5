import { Ajv, type ValidateFunction } from "ajv";
import type { Description, Operation, Parameter, Reference, Schema } from "./description.ts";
import { members, type Strictness, toJsonSchema } from "./json-schema.ts";

/** A request as it was sent to GitHub, or to what stands in for it. */
export interface Sent {
  /** Origin that it was meant for, e.g. `https://uploads.github.com` */
  origin: string;
  method: string;
  /** Path and query */
  path: string;
  /** Names in lower case */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** What GitHub's description says of a request; no problem: GitHub takes it. */
export interface Judged {
  /** e.g. `GET /repos/{owner}/{repo}/releases`; null: GitHub offers no such thing */
  operation: string | null;
  problems: readonly string[];
}

interface Offered {
  name: string;
  pattern: RegExp;
  /** Characters of its path that are no parameter: of several that fit, the one with the most is meant */
  literal: number;
  operation: Operation;
}

const OPTIONS = { strict: false, allErrors: true, validateFormats: false, logger: false } as const;
const ROOTS: Readonly<Record<Strictness, string>> = { closed: "github-closed", partial: "github-partial" };

/** What GitHub's REST API takes and answers, by its OpenAPI description. */
export class Contract {
  readonly #description: Description;
  readonly #offered: readonly Offered[];
  readonly #bodies = new Ajv(OPTIONS);
  /** Parameters are text, whatever their type */
  readonly #texts = new Ajv({ ...OPTIONS, coerceTypes: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(description: Description) {
    this.#description = description;
    this.#offered = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => this.#offer(method, path, operation)),
    );
    for (const strictness of ["closed", "partial"] as const) {
      const schemas = members(description.components.schemas ?? {}, (schema) =>
        toJsonSchema(schema, ROOTS[strictness], strictness),
      );
      this.#bodies.addSchema({ $id: ROOTS[strictness], components: { schemas } });
    }
  }

  judge(sent: Sent): Judged {
    const { pathname, searchParams } = new URL(sent.path, sent.origin);
    const line = `${sent.method} ${pathname}`;
    const fitting = this.#offered.filter(({ pattern }) => pattern.test(line)).sort((a, b) => b.literal - a.literal);
    const [offered] = fitting;
    if (offered === undefined) return { operation: null, problems: [`GitHub has no ${line}`] };
    const { name, operation, pattern } = offered;
    const inPath = Object.entries(pattern.exec(line)?.groups ?? {});
    const values = inPath.map(([key, value]) => [key, decodeURIComponent(value)]);
    const { url } = (operation.servers ?? this.#description.servers)[0] ?? { url: "" };
    const problems = [
      ...(url === sent.origin ? [] : [`it belongs to ${url}, not to ${sent.origin}`]),
      ...this.#parameters(name, operation, "path", Object.fromEntries(values)),
      ...this.#parameters(name, operation, "query", Object.fromEntries(searchParams)),
      ...headerProblems(sent),
      ...this.#body(name, operation, sent),
    ];
    return { operation: name, problems };
  }

  /** What is wrong with an answer to an operation: a success that is not described, or a field of another type. */
  judgeAnswer(name: string, status: number, text: string): string[] {
    const response = this.#responseOf(name, String(status));
    if (response === null) return status >= 400 ? [] : [`${name} does not answer ${status}`];
    const schema = response.content?.["application/json"]?.schema;
    if (schema === undefined || text === "") return [];
    return this.#problems(this.#bodies, `${name} ${status}`, "answer", JSON.parse(text), () =>
      toJsonSchema(schema, ROOTS.partial, "partial"),
    );
  }

  /** Whether the successful answer to an operation, or each entry of it, has a field: `assets.digest`. */
  describes(name: string, field: string): boolean {
    const response = this.#responseOf(name, "200") ?? this.#responseOf(name, "201");
    const start = [response?.content?.["application/json"]?.schema];
    const found = field
      .split(".")
      .reduce((from: unknown[], key) => from.flatMap((one) => this.#member(one, key)), start);
    return found.length > 0;
  }

  #offer(method: string, path: string, operation: Operation): Offered {
    const name = `${method.toUpperCase()} ${path}`;
    const wide = new Set(this.#parametersOf(operation).flatMap((one) => (one["x-multi-segment"] ? [one.name] : [])));
    const pattern = name.replace(/[.$]/g, "\\$&").replace(/\{([\w-]+)\}/g, (_, key: string) => {
      return `(?<${key.replaceAll("-", "_")}>${wide.has(key) ? ".+" : "[^/]+"})`;
    });
    const literal = path.replace(/\{[\w-]+\}/g, "").length;
    return { name, pattern: new RegExp(`^${pattern}$`), literal, operation };
  }

  #parameters(name: string, operation: Operation, place: "path" | "query", values: Record<string, string>): string[] {
    const known = this.#parametersOf(operation).filter((one) => one.in === place);
    return this.#problems(this.#texts, `${name} ${place}`, place, { ...values }, () => ({
      type: "object",
      properties: Object.fromEntries(known.map((one) => [one.name, toJsonSchema(one.schema, ROOTS.closed, "closed")])),
      required: known.filter(({ required }) => required).map((one) => one.name),
      additionalProperties: false,
    }));
  }

  #body(name: string, { requestBody }: Operation, { headers, body }: Sent): string[] {
    if (body.length === 0) return requestBody?.required ? ["it has no body"] : [];
    if (requestBody === undefined) return ["it has a body, and GitHub reads none"];
    const type = String(headers["content-type"] ?? "").replace(/;.*/, "");
    const { "application/octet-stream": bytes, [type]: typed } = requestBody.content ?? {};
    // Bytes are described as such, and may say of what kind they are
    if (bytes !== undefined) return type === "" ? ["its bytes have no content-type"] : [];
    const { schema } = typed ?? {};
    if (schema === undefined)
      return [`its body is '${type}', not ${Object.keys(requestBody.content ?? {}).join(", ")}`];
    return this.#problems(this.#bodies, name, "body", JSON.parse(body.toString()), () =>
      toJsonSchema(schema, ROOTS.closed, "closed"),
    );
  }

  #problems(ajv: Ajv, key: string, what: string, value: unknown, schema: () => unknown): string[] {
    let validate = this.#compiled.get(key);
    if (validate === undefined) {
      validate = ajv.compile(schema() as Schema);
      this.#compiled.set(key, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const { additionalProperty } = params as { additionalProperty?: string };
      return `${what}${instancePath} ${message}${additionalProperty === undefined ? "" : `: ${additionalProperty}`}`;
    });
  }

  #parametersOf({ parameters = [] }: Operation): Parameter[] {
    return parameters.map((one) => this.#resolved(one));
  }

  #responseOf(name: string, status: string) {
    const { operation } = this.#offered.find((one) => one.name === name) ?? {};
    const response = operation?.responses[status];
    return response === undefined ? null : this.#resolved(response);
  }

  #resolved<T extends object>(value: T | Reference): T {
    if (!("$ref" in value)) return value;
    const [, kind = "", name = ""] = /^#\/components\/([\w-]+)\/([\w-]+)$/.exec(value.$ref) ?? [];
    return this.#description.components[kind]?.[name] as T;
  }

  /** The schemas that a member of a schema may have; those of an array are its entries'. */
  #member(schema: unknown, key: string): unknown[] {
    if (typeof schema !== "object" || schema === null) return [];
    const { items, properties, allOf = [], anyOf = [], oneOf = [] } = this.#resolved(schema) as Record<string, unknown>;
    const own = (properties as Schema | undefined)?.[key];
    const inside = [items, allOf, anyOf, oneOf].flat().flatMap((one) => this.#member(one, key));
    return own === undefined ? inside : [own, ...inside];
  }
}

/**
 * What the description leaves to GitHub's prose ("Getting started with the REST API", "API versions"): every request names
 * its program, the version of the API and what it accepts, and a body has a length.
 */
function headerProblems({ method, headers, body }: Sent): string[] {
  const accepted = ["application/vnd.github+json", "application/octet-stream"];
  return [
    ...(headers["user-agent"] ? [] : ["it has no user-agent"]),
    ...(headers["x-github-api-version"] === "2022-11-28" ? [] : ["it names no known version of the API"]),
    ...(accepted.includes(String(headers.accept)) ? [] : [`it accepts '${headers.accept}'`]),
    ...(method === "GET" || headers.authorization ? [] : ["it would change something without a token"]),
    ...(body.length === 0 || headers["content-length"] ? [] : ["its body has no length"]),
  ];
}

import { inspect } from "node:util";

/** A secret that cannot be printed by accident: in text, JSON and dumps it is three stars. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself; for the header that carries it, nowhere else. */
  reveal(): string {
    return this.#value;
  }

  /** The text without the secret, for what a server may have sent back. */
  redact(text: string): string {
    return text.replaceAll(this.#value, "***");
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}

/** An address in a text, up to the `@` that ends its user and password. */
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)([^/\s@#?]*)@/gi;

/** An address in a text up to its query, and the query: it may hold a token, or a signature that opens the file to anyone. */
const QUERY = /((?:[a-z][a-z0-9+.-]*:\/\/|https?:)[^\s?#]*)\?([^\s#]*)/gi;

/**
 * A text whose addresses have no user, no password and no query: for what is kept, published or logged. `ssh://git@` and what
 * follows a `#` stay.
 */
export function withoutCredentials(text: string): string {
  return replaceLogins(text, "").replace(QUERY, "$1");
}

function replaceLogins(text: string, by: string): string {
  return text.replace(CREDENTIALS, (whole, scheme: string, login: string) =>
    /ssh:/i.test(scheme) && !login.includes(":") ? whole : `${scheme}${by}`,
  );
}

/** Environment variables whose addresses may have a password. */
const PROXY = /^(https?|ftp|all)_proxy$/i;

/** Characters from which on a value in a query counts as a secret; what is shorter is a switch or a page. */
const QUERY_SECRET = 8;

/**
 * Everything in raw inputs and in the environment that must not be printed: the token, passwords in addresses, and what
 * their queries hold.
 */
export function secretsOf(raw: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): string[] {
  const found = new Set<string>();
  if (raw.token) found.add(raw.token);
  const proxies = Object.entries(env).flatMap(([name, value]) => (PROXY.test(name) && value ? [value] : []));
  for (const text of [...Object.values(raw), ...proxies]) {
    for (const secret of [...passwordsIn(text), ...queryValuesIn(text)]) {
      for (const form of [secret, decoded(secret)]) found.add(form);
    }
  }
  return [...found];
}

function passwordsIn(text: string): string[] {
  return [...text.matchAll(CREDENTIALS)].flatMap(([, , login = ""]) => {
    const colon = login.indexOf(":");
    // A lone user name is `git` or `x-access-token`; a lone token is long.
    const password = colon < 0 ? (login.length >= 20 ? login : "") : login.slice(colon + 1);
    return password === "" ? [] : [password];
  });
}

function queryValuesIn(text: string): string[] {
  const pairs = [...text.matchAll(QUERY)].flatMap(([, , query = ""]) => query.split(/[&;]/));
  return pairs.map((pair) => pair.slice(pair.indexOf("=") + 1)).filter((value) => value.length >= QUERY_SECRET);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A text without the secrets, and without any user and password that an address in it has. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // A password of one or two characters would take letters out of every word; it is found in its address all the same.
  const long = secrets.filter((secret) => secret.length > 2).sort((a, b) => b.length - a.length);
  return (text) => long.reduce((rest, secret) => rest.replaceAll(secret, "***"), replaceLogins(text, "***@"));
}

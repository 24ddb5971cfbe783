// Requests to the API. What is known already is sent along as an ETag, so that nothing is transferred twice.
import { noteAnswer } from "./connection.js";
import { parse, stringify } from "./json.js";
import { queryString } from "./router.js";

/** @typedef {import("./router.js").Query} Query */

const MAX_KNOWN = 300;
const PAGE = 500;
/** @type {Map<string, { etag: string, data: any }>} */
const known = new Map();
const TOKEN = "orchestrator-token";

/** An error that the API answered, in its own words. Status 0: it did not answer. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {Api.Error["error"]} error
   */
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.details = error.details ?? {};
  }
}

/** @param {unknown} error */
export const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/** Whether a request failed because the server is gone, or something in between says so. @param {unknown} error */
export const isServerGone = (error) => error instanceof ApiError && [0, 502, 504].includes(error.status);

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? localStorage.getItem(TOKEN),
  /** @param {string} value @param {boolean} isKept after the browser is closed */
  set(value, isKept) {
    this.forget();
    (isKept ? localStorage : sessionStorage).setItem(TOKEN, value);
  },
  forget() {
    known.clear();
    sessionStorage.removeItem(TOKEN);
    localStorage.removeItem(TOKEN);
  },
};

/** An id as a part of a path. @param {string | number} id */
export const segment = (id) => encodeURIComponent(id);

/** @param {string} path below api/ @param {Query} [query] */
const urlOf = (path, query = {}) => new URL(`api/${path}${queryString(query)}`, document.baseURI).href;

/**
 * The answer to a GET; the same object as before if nothing has changed.
 * @template {string} Path
 * @param {Path} path
 * @param {Query} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Answer<"GET", Path>>}
 */
export async function get(path, query, signal) {
  const url = urlOf(path, query);
  const before = known.get(url);
  const response = await request(url, { headers: before ? { "If-None-Match": before.etag } : {}, signal });
  if (before && response.status === 304) return before.data;
  const data = await read(response);
  signal?.throwIfAborted();
  known.delete(url);
  known.set(url, { etag: response.headers.get("ETag") ?? "", data });
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value ?? "");
  return data;
}

/**
 * The answer to a GET that nobody asks again.
 * @template {string} Path
 * @param {Path} path
 * @param {Query} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Api.Answer<"GET", Path>>}
 */
export async function ask(path, query, signal) {
  return read(await request(urlOf(path, query), { signal }));
}

/**
 * The answer to a GET with every number as it was written, for values that are sent back after somebody changed them.
 * @template {string} Path
 * @param {Path} path
 * @returns {Promise<Api.Answer<"GET", Path>>}
 */
export async function getExactly(path) {
  return read(await request(urlOf(path), {}), { isExact: true });
}

/**
 * The items of all pages, `most` at most, with the first page and whether there are more.
 * @template {string} Path
 * @template {keyof Api.Answer<"GET", Path> & string} Name
 * @param {Path} path
 * @param {Name} name the key of the items
 * @param {{ query?: Query, most?: number, signal?: AbortSignal }} options
 * @returns {Promise<{ items: Extract<Api.Answer<"GET", Path>[Name], any[]>, isCut: boolean, first: Api.Answer<"GET", Path> }>}
 */
export async function getAll(path, name, { query = {}, most = PAGE, signal }) {
  /** @type {any[]} */
  const pages = [];
  /** @type {any[]} */
  const items = [];
  let cursor = null;
  do {
    /** @type {any} */
    const page = await get(path, { limit: Math.min(PAGE, most), ...query, cursor }, signal);
    pages.push(page);
    items.push(...page[name]);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return { items: /** @type {any} */ (items), isCut: Boolean(cursor), first: pages[0] };
}

/**
 * For `catch`: use `value` instead of what could not be fetched, unless the view was left.
 * @template T
 * @param {T} value
 * @returns {(error: unknown) => T}
 */
export const orElse = (value) => (error) => {
  if (isAbort(error)) throw error;
  return value;
};

/**
 * Send a change.
 * @template {"POST" | "PUT" | "PATCH" | "DELETE"} Method
 * @template {string} Path
 * @param {Method} method
 * @param {Path} path
 * @param {object} [body]
 * @returns {Promise<Api.Answer<Method, Path>>}
 */
export async function send(method, path, body = {}) {
  const response = await request(urlOf(path), {
    method,
    headers: { "Content-Type": "application/json" },
    body: method === "DELETE" ? undefined : stringify(body),
  });
  return response.status === 204 ? /** @type {any} */ (null) : read(response);
}

/**
 * Send a file as it is.
 * @template {"POST" | "PUT"} Method
 * @template {string} Path
 * @param {Method} method
 * @param {Path} path
 * @param {string} text
 * @param {{ query?: Query, headers?: { [name: string]: string }, signal?: AbortSignal }} [options]
 * @returns {Promise<Api.Answer<Method, Path>>}
 */
export async function sendText(method, path, text, { query = {}, headers = {}, signal } = {}) {
  const given = { ...headers, "Content-Type": "application/yaml" };
  return read(await request(urlOf(path, query), { method, headers: given, body: text, signal }));
}

/**
 * @param {string} url
 * @param {RequestInit} options
 */
async function request(url, options) {
  const headers = new Headers(options.headers);
  if (token.get()) headers.set("Authorization", `Bearer ${token.get()}`);
  try {
    const response = await fetch(url, { ...options, headers, cache: "no-store", credentials: "same-origin" });
    noteAnswer(response);
    return response;
  } catch (error) {
    if (isAbort(error)) throw error;
    noteAnswer(null);
    throw new ApiError(0, { code: "unreachable", message: "the server does not answer", details: {} });
  }
}

/**
 * @param {Response} response
 * @param {{ isExact?: boolean }} [options]
 * @returns {Promise<any>}
 */
async function read(response, options) {
  const text = await response.text();
  let data = null;
  try {
    data = parse(text, options);
  } catch {
    // An API Gateway in between may answer with a page of its own.
  }
  if (response.ok && data !== null) return data;
  const message = data?.message ?? `the server answered ${response.status}`;
  throw new ApiError(response.status, data?.error ?? { code: "unexpected", message, details: {} });
}

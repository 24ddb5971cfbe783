// The API, asked as gently as it goes: with what is known already, so that the same is not sent twice.
import { parse, stringify } from "./json.js";

const KEPT = 300;
const known = new Map(); // url → {etag, data}
const TOKEN = "orchestrator-token";

/** What the API refused, in its own words. */
export class ApiError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.details = error.details ?? {};
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? localStorage.getItem(TOKEN),
  set(value, keep) {
    this.forget();
    (keep ? localStorage : sessionStorage).setItem(TOKEN, value);
  },
  forget() {
    known.clear();
    sessionStorage.removeItem(TOKEN);
    localStorage.removeItem(TOKEN);
  },
};

export function url(where, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return new URL(`api/${where}${text ? `?${text}` : ""}`, document.baseURI).href;
}

/** Parts of a path: ids are free texts. */
export function path(...parts) {
  return parts.map(encodeURIComponent).join("/");
}

/** The same object as before where nothing has changed. */
export async function get(where, query, signal) {
  const address = url(where, query);
  const before = known.get(address);
  const response = await ask(address, { headers: before ? { "If-None-Match": before.etag } : {}, signal });
  if (response.status === 304) return before.data;
  const data = await read(response);
  signal?.throwIfAborted();
  known.delete(address);
  known.set(address, { etag: response.headers.get("ETag") ?? "", data });
  if (known.size > KEPT) known.delete(known.keys().next().value);
  return data;
}

/** For `catch`: `value` stands for what could not be had. A view that was left ends all the same. */
export const orElse = (value) => (error) => {
  if (error.name === "AbortError") throw error;
  return value;
};

/** With every number as it stands in the answer: for what is sent back after people changed it. */
export async function getExactly(where, signal) {
  return read(await ask(url(where), { signal }), { isEvery: true });
}

/** All pages of a list, `most` items at most; `total` says whether there are more. */
export async function all(where, name, query = {}, most = 500, signal) {
  const items = [];
  let cursor = null;
  let first = null;
  do {
    const page = await get(where, { limit: Math.min(500, most), ...query, cursor }, signal);
    first ??= page;
    items.push(...page[name]);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return { items, isCut: Boolean(cursor), first };
}

export async function send(method, where, body = {}) {
  const response = await ask(url(where), {
    method,
    headers: { "Content-Type": "application/json" },
    body: method === "DELETE" ? undefined : stringify(body),
  });
  return response.status === 204 ? null : read(response);
}

async function ask(address, options) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  try {
    return await fetch(address, { ...options, headers, cache: "no-store", credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { code: "unreachable", message: "the server does not answer" });
  }
}

async function read(response, options) {
  const text = await response.text();
  let data = null;
  try {
    data = parse(text, options);
  } catch {
    /* a gateway's own page, perhaps */
  }
  if (response.ok && data !== null) return data;
  throw new ApiError(
    response.status,
    data?.error ?? { code: "unexpected", message: data?.message ?? `the server answered ${response.status}` },
  );
}

// The address of a view, such as `#/dags/etl?tab=graph`. All that a view shows stands in it, so that it can be shared.

/** @typedef {string | number | boolean | null | undefined} QueryValue */
/** @typedef {{ [name: string]: QueryValue }} Query null, undefined and "" are left out */

/** The parts of the path and the query of the current address. */
export function currentRoute() {
  return parseRoute(location.hash);
}

/** @param {string} hash */
export function parseRoute(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query ?? "") };
}

/** What somebody wrote by hand may not be encoded. @param {string} part */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * @param {string[]} parts
 * @param {Query} [query]
 */
export function hrefTo(parts, query = {}) {
  return `#/${parts.map(encodeURIComponent).join("/")}${queryString(query)}`;
}

/** "?a=1&b=2", or "" for an empty query. @param {Query} query */
export function queryString(query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

/**
 * Change the query of the current view. With `isStep`, the browser's back button undoes it.
 * @param {Query} changes
 * @param {{ isStep?: boolean }} [options]
 */
export function setQuery(changes, { isStep = false } = {}) {
  const target = linkHere(changes);
  if (target === (location.hash || "#/")) return;
  if (isStep) history.pushState(null, "", target);
  else history.replaceState(history.state, "", target);
  dispatchEvent(new Event("hashchange"));
}

/** The address of the current view with another query. @param {Query} changes */
export function linkHere(changes) {
  const { parts, query } = currentRoute();
  return hrefTo(parts, { ...Object.fromEntries(query), ...changes });
}

/** @param {string[]} parts @param {Query} [query] */
export function navigate(parts, query) {
  location.hash = hrefTo(parts, query);
}

/** @param {string} dagId @param {Query} [query] */
export const dagLink = (dagId, query) => hrefTo(["dags", dagId], query);

/** Who changed what, of a person (`who`) or of a thing (`target`). @param {Query} filters */
export const auditLink = (filters) => hrefTo(["audit"], filters);

/** @param {string} runId @param {Query} [query] */
export const runLink = (runId, query) => hrefTo(["runs", runId], query);

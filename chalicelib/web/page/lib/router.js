// Where we are: `#/dags/etl?tab=graph`. All that a view shows stands there, so that it can be shared.

export function here() {
  const [where, query] = location.hash.replace(/^#/, "").split("?");
  return { parts: where.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query ?? "") };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The link to a view: parts of its path, then its query. */
export function to(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** Change the query of this view; what is null or empty goes. */
export function setQuery(changes, { keep = false } = {}) {
  const { parts, query } = here();
  const target = to(parts, { ...Object.fromEntries(query), ...changes });
  if (target === (location.hash || "#/")) return;
  history[keep ? "pushState" : "replaceState"](null, "", target);
  dispatchEvent(new Event("hashchange"));
}

export function go(parts, query) {
  location.hash = to(parts, query);
}

export const dagLink = (dagId, query) => to(["dags", dagId], query);
export const runLink = (runId, query) => to(["runs", runId], query);

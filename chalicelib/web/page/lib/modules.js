// Loads the module of a view with everything that it imports at once: a browser by itself learns of an import
// only when it has the importer.
import { ApiError } from "./api.js";
import { noteAnswer, whenServerIsBack } from "./connection.js";
import { h } from "./dom.js";

/** @type {Map<string, string[]>} by view, what is not loaded with the first one; written by the server */
const needed = new Map();

for (const names of document.querySelector("meta[name=modules]")?.getAttribute("content")?.split("; ") ?? []) {
  const [view, ...others] = names.split(" ");
  needed.set(view, others);
}

/** @param {string} name below the folder of the page */
const urlOf = (name) => new URL(`../${name}`, import.meta.url).href;

/**
 * @param {string} view such as "views/run.js"
 * @returns {Promise<any>} its module
 */
export function loadModule(view) {
  for (const name of needed.get(view) ?? []) {
    document.head.append(h("link", { rel: "modulepreload", href: urlOf(name) }));
  }
  needed.delete(view);
  return import(urlOf(view)).catch((error) => explain(error, urlOf(view)));
}

/**
 * Some browsers never try again to fetch a module that could not be fetched once: when the server is back, the page is
 * loaded anew. Its address holds all that it shows.
 * @param {unknown} error
 * @param {string} url
 * @returns {Promise<never>}
 */
async function explain(error, url) {
  const answer = await fetch(url, { cache: "no-store" }).catch(() => null);
  if (answer) throw error;
  noteAnswer(null);
  whenServerIsBack(() => location.reload());
  throw new ApiError(0, { code: "unreachable", message: "the server does not answer", details: {} });
}

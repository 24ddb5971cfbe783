// Loads the module of a view with everything that it imports at once: a browser by itself learns of an import
// only when it has the importer.
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
  return import(urlOf(view));
}

// What somebody has typed and not saved, kept in this tab of the browser until it is.

/** @typedef {{ text: string, etag: string | null }} Draft etag: of the file that it is based on */

/** @param {string} key */
const nameOf = (key) => `orchestrator-draft:${key}`;

/** @param {string} key @returns {Draft | null} */
export function draftOf(key) {
  try {
    const draft = JSON.parse(sessionStorage.getItem(nameOf(key)) ?? "null");
    return typeof draft?.text === "string" ? draft : null;
  } catch {
    return null;
  }
}

/** @param {string} key @param {Draft} draft */
export function keepDraft(key, draft) {
  try {
    sessionStorage.setItem(nameOf(key), JSON.stringify(draft));
  } catch {
    // The browser's storage is full or closed: then the draft lives as long as the view.
  }
}

/** @param {string} key */
export function forgetDraft(key) {
  sessionStorage.removeItem(nameOf(key));
}

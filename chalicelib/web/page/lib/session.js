// Who is signed in, and what they may do. The API checks each request anyway; the page does not offer what it would refuse.
import { get } from "./api.js";
import { button, notify } from "./dom.js";

/** @type {Api.Session | null} null until somebody has signed in */
let session = null;

/** Ask the API who is signed in. Errors are left to the view that is opened next. */
export async function loadSession() {
  session = await get("session").catch(() => null);
}

export const currentSession = () => session;
export const isOperator = () => session?.role !== "viewer";
/** Whether the caller may create tokens: an operator of all DAGs. */
export const mayCreateTokens = () => session?.role === "operator" && !session.dags;
/** Whether the token is limited to some DAGs. */
export const isLimited = () => Boolean(session?.dags);
export const readOnlyReason = () => `${session?.name} is a viewer. Only operators can do this.`;

/**
 * A button that changes something. For a viewer it is disabled, and says why.
 * @param {string} label
 * @param {(event: Event) => unknown} onclick
 * @param {import("./dom.js").Attributes} [attributes]
 */
export function actionButton(label, onclick, attributes = {}) {
  if (isOperator()) return button(label, onclick, attributes);
  const reason = readOnlyReason();
  return button(label, () => notify(reason), { ...attributes, "aria-disabled": "true", title: reason });
}

/** @typedef {{ label: string, act: () => unknown, isMain?: boolean }} Action */

/**
 * A button for each action of a table that the API allows now.
 * @template {string} Name
 * @param {Record<Name, Action>} table by the names of the API, in the order of the buttons
 * @param {readonly Name[]} allowed
 * @param {(name: Name) => string} idOf the button's id
 */
export function actionButtons(table, allowed, idOf) {
  const names = /** @type {Name[]} */ (Object.keys(table));
  return names
    .filter((name) => allowed.includes(name))
    .map((name) => {
      const { label, act, isMain } = table[name];
      return actionButton(label, act, { id: idOf(name), class: isMain ? "main" : null });
    });
}

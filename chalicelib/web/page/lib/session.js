// Who looks, and so what they may do. The server judges each request again; here nobody is led on.
import { get } from "./api.js";
import { button, say } from "./dom.js";

let session = null; // {name, role, auth}, null before somebody has signed in

/** Ask who we are. Silent where nobody has signed in: the view that is opened next says so. */
export async function learn() {
  session = await get("session").catch(() => null);
}

export const who = () => session;
export const mayChange = () => session?.role !== "viewer";
export const refusal = () => `${session.name} is a viewer; this takes an operator`;

/** A button that changes something. To a viewer it says why it does not. */
export function changing(label, onclick, attributes = {}) {
  if (mayChange()) return button(label, onclick, attributes);
  return button(label, () => say(refusal()), { ...attributes, "aria-disabled": "true", title: refusal() });
}

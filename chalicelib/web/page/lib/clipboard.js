// Copying text, also where the browser has no clipboard for pages without HTTPS.
import { h, notify } from "./dom.js";

/** @param {string} text @param {string} message told once it is copied */
export async function copyText(text, message = "Copied") {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copySelected(text)) return notify("The browser does not let this page copy");
  }
  notify(message);
}

/** @param {string} text */
function copySelected(text) {
  const field = h("textarea", { value: text, class: "unseen" });
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  return isCopied;
}

// Errors of a form, each at its field; what belongs to no field stands beside the button that sends the form.
import { ApiError, messageOf } from "./api.js";
import { errorText, h, show } from "./dom.js";

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Input */

/** Say below a field what is wrong with it; "" for nothing. @param {Input} input @param {string} message */
export function fieldError(input, message) {
  const id = `${input.id}-error`;
  const others = (input.getAttribute("aria-describedby") ?? "").split(" ").filter((name) => name && name !== id);
  document.getElementById(id)?.remove();
  if (message) {
    (input.closest(".field") ?? input).append(h("p", { class: "field-error", id }, message));
    input.closest("details")?.setAttribute("open", "");
    others.push(id);
  }
  input.toggleAttribute("aria-invalid", Boolean(message));
  if (message) input.setAttribute("aria-invalid", "true");
  if (others.length) input.setAttribute("aria-describedby", others.join(" "));
  else input.removeAttribute("aria-describedby");
}

/** Go to the first field with an error. @param {Element} form */
export function focusError(form) {
  /** @type {HTMLElement | null} */ (form.querySelector('[aria-invalid="true"]'))?.focus();
}

/** @param {Element} form */
export function clearErrors(form) {
  for (const input of form.querySelectorAll("[aria-invalid]")) fieldError(/** @type {Input} */ (input), "");
}

/**
 * Show what the API has refused: at the fields that it names, the rest in `trouble`.
 * @param {Element} form
 * @param {unknown} error
 * @param {{ inputs: { [name: string]: Input | undefined }, trouble: Element }} options inputs: by the API's names
 */
export function showErrors(form, error, { inputs, trouble }) {
  const details = error instanceof ApiError ? error.details : {};
  /** @type {{ param: string, message: string }[]} */
  const problems = details.problems ?? [{ param: details.field ?? details.parameter ?? "", message: messageOf(error) }];
  const unplaced = problems.filter(({ param, message }) => {
    const input = inputs[param];
    if (input) fieldError(input, message);
    return !input;
  });
  show(
    trouble,
    unplaced.map(({ message }) => errorText(message)),
  );
  focusError(form);
}

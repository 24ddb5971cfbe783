// Signing in with an access token.
import { get, messageOf, token } from "../lib/api.js";
import { errorText, h, labelled, show, ticked } from "../lib/dom.js";

/**
 * @param {HTMLElement} main
 * @param {() => unknown} onSignedIn
 * @param {string | null} problem why the token that was used so far is refused
 */
export function view(main, onSignedIn, problem) {
  const input = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const keep = h("input", { id: "keep", type: "checkbox" });
  const trouble = h("div", { role: "alert" }, problem ? errorText(problem) : null);
  /** @param {Event} event */
  const signIn = async (event) => {
    event.preventDefault();
    token.set(input.value.trim(), keep.checked);
    try {
      await get("session");
      onSignedIn();
    } catch (error) {
      token.forget();
      show(trouble, errorText(messageOf(error)));
    }
  };
  document.title = "Sign in · Orchestrator";
  show(
    main,
    h("h1", null, "Sign in"),
    h(
      "form",
      { class: "narrow", onsubmit: signIn },
      h(
        "p",
        null,
        "You need an access token, which an operator can create for you. A viewer's token can only read; an operator's can also make changes.",
      ),
      labelled("Access token", input),
      h("p", null, ticked(keep, "Keep me signed in on this device")),
      trouble,
      h("button", { type: "submit", class: "main" }, "Sign in"),
    ),
  );
  input.focus();
}

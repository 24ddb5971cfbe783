// Signing in with an access token.
import { get, messageOf, token } from "../lib/api.js";
import { errorText, h, labelled, show, ticked } from "../lib/dom.js";

const command = (/** @type {string} */ text) => h("code", null, text);

/** Who can create a token, for those who have none. */
function howToGetOne() {
  return h(
    "details",
    null,
    h("summary", null, "How to create one"),
    h(
      "ul",
      null,
      h(
        "li",
        null,
        "As an operator: on this page under Tokens, or with ",
        command("orchestrator token create NAME --role viewer"),
        ".",
      ),
      h(
        "li",
        null,
        "On AWS, whoever installed it needs no token for ",
        command("orchestrator token create NAME --role operator --stage STAGE"),
        ".",
      ),
      h(
        "li",
        null,
        "In a local cloud, ",
        command("chalice local"),
        " prints an operator's token when it first asks for tokens.",
      ),
    ),
  );
}

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
        "You need an access token, which any operator can create for you. A viewer's token can only read; an operator's can also make changes.",
      ),
      howToGetOne(),
      labelled("Access token", input),
      h("p", null, ticked(keep, "Keep me signed in on this device")),
      trouble,
      h("button", { type: "submit", class: "main" }, "Sign in"),
    ),
  );
  input.focus();
}

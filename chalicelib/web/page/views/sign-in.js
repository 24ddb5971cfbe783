// Sign-in by an access token.
import { get, token } from "../lib/api.js";
import { h, show } from "../lib/dom.js";

/** `then` is called when the token is good. `problem` says why one is asked for again. */
export function view(main, then, problem) {
  const input = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  const keep = h("input", { id: "keep", type: "checkbox" });
  const trouble = h("div", { role: "alert" }, problem ? h("p", { class: "cause" }, problem) : null);
  const enter = async (event) => {
    event.preventDefault();
    token.set(input.value.trim(), keep.checked);
    try {
      await get("session");
      then();
    } catch (error) {
      token.forget();
      show(trouble, h("p", { class: "cause" }, error.message));
    }
  };
  document.title = "Sign in · Orchestrator";
  show(
    main,
    h("h1", null, "Sign in"),
    h(
      "form",
      { class: "narrow", onsubmit: enter },
      h(
        "p",
        null,
        "This orchestrator lets in who has an access token. An operator can make one for you: a viewer's reads, an operator's changes things, too.",
      ),
      h("div", { class: "field" }, h("label", { class: "name", for: "token" }, "Access token"), input),
      h("p", null, h("label", { class: "switch" }, keep, "Keep me signed in on this device")),
      trouble,
      h("button", { type: "submit", class: "main" }, "Sign in"),
    ),
  );
  input.focus();
}

// Who may use the API: access tokens, what each is limited to, and what its holder changed.
import { get, messageOf, segment, send } from "../lib/api.js";
import { button, empty, errorText, h, labelled, notify, openDialog, select, show, table } from "../lib/dom.js";
import { fullTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { auditLink } from "../lib/router.js";
import { actionButton, currentSession } from "../lib/session.js";

/** @typedef {() => Promise<unknown>} Changed called after a token has changed */

/** @type {[string | number, string][]} */
const DURATIONS = [
  ["", "Never"],
  [7, "In 7 days"],
  [30, "In 30 days"],
  [90, "In 90 days"],
  [365, "In a year"],
];
/** @type {[string, string][]} */
const ROLES = [
  ["viewer", "Viewer: can only read"],
  ["operator", "Operator: can also make changes"],
];

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.AccessTokens | null} */
  let last = null;
  const load = async () => {
    const answer = await get("tokens", {}, context.signal);
    if (answer === last) return;
    last = answer;
    show(list, answer.tokens.length ? tokenTable(answer.tokens, load) : empty("There are no access tokens."));
  };
  const create = actionButton("New token…", () => openNewToken(load), { id: "new-token" });
  show(main, h("div", { class: "head" }, h("h1", null, "Access tokens"), create), about(), list);
  await context.poll(10, load);
}

function about() {
  const isAsked = currentSession()?.auth === "token";
  return h(
    "p",
    { class: "quiet" },
    isAsked
      ? "A token lets a person or a program use this page and the API. Give everyone a token of their own: the audit log shows its name."
      : [
          "This installation asks for no token, so whoever can reach it may do everything. Tokens are asked for once it is started with ",
          h("code", null, "ORCHESTRATOR_AUTH=token"),
          ".",
        ],
  );
}

/** @param {Api.AccessToken[]} tokens @param {Changed} changed */
function tokenTable(tokens, changed) {
  const isGone = (/** @type {Api.AccessToken} */ row) => Boolean(row.revoked_at) || isPast(row.expires_at);
  const sorted = [...tokens.filter((row) => !isGone(row)), ...tokens.filter(isGone)];
  return table(
    "Access tokens",
    ["Name", "Role", "DAGs", "State", "Last used", ""],
    sorted.map((row) => [
      h("a", { href: auditLink({ who: row.name }), title: `Changes by ${row.name}` }, row.name),
      row.role,
      row.dags ? row.dags.replaceAll(",", ", ") : "all",
      stateOf(row),
      row.last_used_at ? time("ago", row.last_used_at) : "never",
      isGone(row)
        ? ""
        : actionButton("Revoke…", () => openRevoke(row, changed), {
            id: `revoke-${row.name}`,
            "aria-label": `Revoke ${row.name}`,
          }),
    ]),
    "stack",
  );
}

/** @param {string | null} at */
const isPast = (at) => at !== null && Date.parse(at) <= Date.now();

/** @param {"ago" | "in"} kind @param {string} at */
const time = (kind, at) => h("span", { title: fullTime(at) }, liveTime(kind, at));

/** @param {Api.AccessToken} row */
function stateOf(row) {
  if (row.revoked_at) return h("span", { class: "quiet" }, "revoked ", time("ago", row.revoked_at));
  if (isPast(row.expires_at)) return h("span", { class: "bad" }, "expired ", time("ago", String(row.expires_at)));
  return row.expires_at ? ["expires ", time("in", row.expires_at)] : "valid";
}

/** @param {Changed} changed */
function openNewToken(changed) {
  const name = h("input", { id: "token-name", required: true, maxlength: 100, autocomplete: "off" });
  const role = select({ id: "token-role" }, ROLES, "viewer");
  const dags = h("input", { id: "token-dags", maxlength: 500, placeholder: "all", autocomplete: "off" });
  const expires = select({ id: "token-expires" }, DURATIONS, 90);
  const trouble = h("div", { role: "alert" });
  const create = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const pattern = dags.value.replaceAll(" ", "");
    try {
      const created = await send("POST", "tokens", {
        name: name.value.trim(),
        role: role.value,
        ...(pattern ? { dags: pattern } : {}),
        ...(expires.value ? { expires_in_days: Number(expires.value) } : {}),
      });
      show(
        dialog,
        newToken(created, () => dialog.close()),
      );
      await changed();
    } catch (error) {
      show(trouble, errorText(messageOf(error)));
    }
  };
  const dialog = openDialog(
    { "aria-labelledby": "token-title" },
    h(
      "form",
      { onsubmit: create, novalidate: true },
      h("h2", { id: "token-title" }, "New token"),
      labelled("Name", name, "Who uses it. Appears in the audit log."),
      labelled("Role", role),
      labelled("DAGs", dags, "Ids separated by commas; * stands for any characters, as in sales_*."),
      labelled("Expires", expires),
      trouble,
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", class: "main", id: "create-token" }, "Create"),
        button("Cancel", () => dialog.close()),
      ),
    ),
  );
}

/** @param {Api.NewAccessToken} created @param {() => void} close */
function newToken(created, close) {
  const link = new URL(`#/signin?token=${created.token}`, document.baseURI).href;
  /** @param {string} text @param {string} what */
  const copy = (text, what) => async () => {
    await navigator.clipboard.writeText(text).then(
      () => notify(`${what} copied`),
      () => notify("Select the text and copy it: this browser does not let the page do so"),
    );
  };
  const done = (/** @type {Event} */ event) => {
    event.preventDefault();
    close();
  };
  return h(
    "form",
    { onsubmit: done },
    h("h2", { id: "token-title" }, `Token for ${created.name}`),
    h("p", null, "Copy it now. It is not shown again, and nobody can look it up."),
    labelled("Access token", h("input", { id: "token-text", readonly: true, value: created.token, class: "code" })),
    labelled(
      "Link that signs a browser in",
      h("input", { id: "token-link", readonly: true, value: link, class: "code" }),
    ),
    h(
      "div",
      { class: "row" },
      button("Copy token", copy(created.token, "Token"), { class: "main", id: "copy-token" }),
      button("Copy link", copy(link, "Link"), { id: "copy-link" }),
      h("button", { type: "submit", class: "end", id: "token-done" }, "Done"),
    ),
  );
}

/** @param {Api.AccessToken} row @param {Changed} changed */
function openRevoke(row, changed) {
  const trouble = h("div", { role: "alert" });
  const revoke = async () => {
    try {
      await send("DELETE", `tokens/${segment(row.name)}`);
      dialog.close();
      notify(`Token revoked: ${row.name}`);
      await changed();
    } catch (error) {
      show(trouble, errorText(messageOf(error)));
    }
  };
  const dialog = openDialog(
    { "aria-labelledby": "revoke-title" },
    h("h2", { id: "revoke-title" }, `Revoke the token ${row.name}?`),
    h("p", null, "From the next request on, it no longer works. It cannot be restored."),
    trouble,
    h(
      "div",
      { class: "row" },
      button("Revoke", revoke, { class: "main", id: "confirm-revoke" }),
      button("Cancel", () => dialog.close()),
    ),
  );
}

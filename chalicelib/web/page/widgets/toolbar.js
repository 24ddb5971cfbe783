// The right end of the header: theme, keyboard shortcuts, who is signed in.
import { token } from "../lib/api.js";
import { button, h, show } from "../lib/dom.js";
import { currentSession } from "../lib/session.js";
import { showShortcuts } from "./keyboard.js";
import { showPalette } from "./palette-key.js";

/** @typedef {"auto" | "light" | "dark"} Theme */
/** @type {Record<Theme, { label: string, next: Theme }>} */
const THEMES = {
  auto: { label: "◐ Auto", next: "light" },
  light: { label: "☀ Light", next: "dark" },
  dark: { label: "☾ Dark", next: "auto" },
};

/** @returns {Theme} */
function currentTheme() {
  const theme = localStorage.getItem("theme");
  return theme === "light" || theme === "dark" ? theme : "auto";
}

/** @param {Api.Session} session */
function whoText({ name, role, dags }) {
  return `${name}, ${role}${dags ? ` of ${dags.replaceAll(",", ", ")}` : ""}`;
}

/** @param {HTMLElement} box @param {() => unknown} onSignOut */
export function drawToolbar(box, onSignOut) {
  const theme = currentTheme();
  const { label, next } = THEMES[theme];
  document.documentElement.dataset.theme = theme;
  const changeTheme = () => {
    localStorage.setItem("theme", next);
    drawToolbar(box, onSignOut);
  };
  const signOut = () => {
    token.forget();
    onSignOut();
  };
  const session = currentSession();
  show(
    box,
    button(label, changeTheme, { id: "theme", class: "plain", "aria-label": `Theme: ${theme}. Switch to ${next}` }),
    button("Find", showPalette, { id: "palette", class: "plain", title: "Ctrl K" }),
    button("?", showShortcuts, { id: "keys", class: "plain", "aria-label": "Keyboard shortcuts" }),
    session && session.auth !== "none" ? h("span", { class: "quiet", id: "who" }, whoText(session)) : null,
    token.get() ? button("Sign out", signOut, { class: "plain", id: "sign-out" }) : null,
  );
}

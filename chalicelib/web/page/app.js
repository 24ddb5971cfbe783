// The start: which view belongs to which address, and what stands around all of them.
import { ApiError, isAbort, isServerGone, messageOf, token } from "./lib/api.js";
import { isGone, onServerGone, serverGoneSince, whenServerIsBack } from "./lib/connection.js";
import { button, byId, h, notify, show } from "./lib/dom.js";
import { tickTimes } from "./lib/live-time.js";
import { loadModule } from "./lib/modules.js";
import { beginChanges, every } from "./lib/poll.js";
import { enterPlace, leavePlace, returnTo } from "./lib/places.js";
import { currentRoute } from "./lib/router.js";
import { isLimited, loadSession, mayCreateTokens } from "./lib/session.js";
import { ViewContext } from "./lib/view-context.js";
import { drawHealth } from "./widgets/health.js";
import { onKey } from "./widgets/keyboard.js";
import { openPalette } from "./widgets/palette-key.js";
import { drawToolbar } from "./widgets/toolbar.js";

/** @typedef {{ title: string, list: string, item?: string, isOffered?: () => boolean }} View modules: of the view itself, and of one thing in its list; whether the navigation has it for this caller */

/** @type {{ [name: string]: View }} */
const VIEWS = {
  "": { title: "Home", list: "views/home.js" },
  dags: { title: "DAGs", list: "views/dags.js", item: "views/dag.js" },
  runs: { title: "Runs", list: "views/runs.js", item: "views/run.js" },
  logs: { title: "Logs", list: "views/runs.js", item: "views/run-logs.js", isOffered: () => false },
  pools: { title: "Pools", list: "views/pools.js" },
  workers: { title: "Workers", list: "views/workers.js" },
  errors: { title: "Import errors", list: "views/import-errors.js" },
  ticks: { title: "Ticks", list: "views/ticks.js", isOffered: () => !isLimited() },
  audit: { title: "Audit", list: "views/audit.js" },
  tokens: { title: "Tokens", list: "views/tokens.js", isOffered: mayCreateTokens },
  notifications: { title: "Notifications", list: "views/notifications.js" },
  reference: { title: "Reference", list: "views/reference.js" },
  edit: { title: "Edit", list: "views/edit.js", isOffered: () => false },
};
const HEALTH_SECONDS = 60;

const main = byId("main");
/** @type {{ path: string, context: ViewContext } | null} */
let current = null;
let healthStop = new AbortController();
let isFirst = true;

/** Show what the address names. If only its query has changed, the view does that itself. */
async function route() {
  signInByLink();
  const { parts } = currentRoute();
  const path = parts.join("/");
  if (current?.path === path && current.context.onQuery) {
    enterPlace();
    return current.context.onQuery();
  }
  const isNewPlace = current?.path !== path;
  if (isNewPlace && current) leavePlace();
  const place = enterPlace();
  current?.context.leave.abort();
  const context = new ViewContext(parts.slice(1), showTrouble);
  current = { path, context };
  showTrouble(null);
  drawNavigation(parts[0] ?? "");
  await open(context, parts);
  if (context.signal.aborted) return;
  if (isNewPlace && place) returnTo(place);
  else if (isNewPlace && !isFirst) main.focus({ preventScroll: true });
  isFirst = false;
}

/** Use the token of a link that `token create --open` printed, and keep it out of the address and the history. */
function signInByLink() {
  const { parts, query } = currentRoute();
  if (parts[0] !== "signin") return;
  history.replaceState(null, "", "#/");
  if (token.get()) return notify("You are already signed in. Sign out first to use this link.");
  token.set(query.get("token") ?? "", false);
  restart();
}

/** @param {ViewContext} context @param {string[]} parts */
async function open(context, parts) {
  const named = VIEWS[parts[0] ?? ""];
  const name = parts.length > 1 ? named?.item : named?.list;
  if (!name) return showNotFound();
  context.setTitle(named.title);
  scrollTo(0, 0);
  main.setAttribute("aria-busy", "true");
  try {
    const { view } = await loadModule(name);
    if (!context.signal.aborted) await view(main, context);
  } catch (error) {
    if (!context.signal.aborted && !isAbort(error)) await showFailure(error, context);
  }
  if (!context.signal.aborted) main.removeAttribute("aria-busy");
}

const homeLink = () => h("a", { href: "#/" }, "Go to Home");

function showNotFound() {
  show(main, h("h1", null, "Page not found"), h("p", null, homeLink()));
}

/** @param {unknown} error @param {ViewContext} context */
async function showFailure(error, context) {
  const status = error instanceof ApiError ? error.status : null;
  if (isServerGone(error)) return showGone(context);
  if (status === 401) {
    const { view } = await loadModule("views/sign-in.js");
    return view(main, restart, token.get() ? messageOf(error) : null);
  }
  if (status === null) console.error(error);
  show(
    main,
    h("h1", null, status === 404 ? "Not found" : "Something went wrong"),
    h("p", { class: "cause" }, messageOf(error)),
    h("p", null, status === 404 ? homeLink() : button("Try again", restart, { class: "main" })),
  );
}

/** This view has not been shown yet: it is as soon as the server is back. @param {ViewContext} context */
function showGone(context) {
  whenServerIsBack(restart, context.signal);
  show(
    main,
    h("h1", null, "The server does not answer"),
    h("p", null, "This page opens by itself as soon as the server is back."),
    h("p", null, button("Try now", restart, { class: "main" })),
  );
}

/** Begin again: after signing in or out, or on request. */
async function restart() {
  current?.context.leave.abort();
  current = null;
  await Promise.all([loadSession(), beginChanges()]);
  watchHealth();
  drawToolbar(byId("tools"), restart);
  drawNavigation(currentRoute().parts[0] ?? ""); // what it offers depends on who has signed in
  return route();
}

/** What fails while a view is live: the view stays, and a line says that it may be out of date. @param {any} error */
function showTrouble(error) {
  const box = byId("trouble");
  if (isGone()) return; // the line about that stays
  if (!error) return show(box);
  if (error instanceof ApiError && error.status === 401) return restart();
  show(box, `This page may be out of date: ${messageOf(error).replace(/\.$/, "")}. Retrying automatically.`);
}

/** @param {string} active */
function drawNavigation(active) {
  const navigation = byId("nav");
  const offered = Object.entries(VIEWS).filter(([, { isOffered }]) => isOffered?.() ?? true);
  const menu = button(
    `☰ ${VIEWS[active]?.title ?? "Menu"}`,
    () => menu.setAttribute("aria-expanded", String(navigation.classList.toggle("open"))),
    { id: "menu", "aria-label": "All views", "aria-expanded": "false" },
  );
  navigation.classList.remove("open");
  show(
    navigation,
    menu,
    offered.map(([name, { title }]) =>
      h(
        "a",
        { href: `#/${name}`, "aria-current": name === active ? "page" : null, id: `nav-${name || "home"}` },
        title,
      ),
    ),
  );
  if (navigation.scrollWidth > navigation.clientWidth) {
    navigation.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

/** Say so above the view and in the footer, until the server is back. */
function tellThatServerIsGone() {
  const since = (serverGoneSince() ?? new Date()).toLocaleTimeString("en-GB");
  show(byId("trouble"), `The server has not answered since ${since}. The page goes on by itself once it is back.`);
  healthStop.abort();
  show(byId("health"), h("span", { class: "bad" }, "✕ The server does not answer"), h("span", null, `since ${since}`));
  whenServerIsBack(() => {
    show(byId("trouble"));
    show(byId("health"), h("span", null, "The server answers again"));
    watchHealth();
  });
}

function watchHealth() {
  healthStop.abort();
  healthStop = new AbortController();
  const { signal } = healthStop;
  const box = byId("health");
  const draw = () => drawHealth(box, signal);
  every(signal, HEALTH_SECONDS, draw, () => {}).catch(() => isGone() || show(box));
}

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
onServerGone(tellThatServerIsGone);
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
addEventListener("keydown", openPalette);
setInterval(tickTimes, 1000);
drawToolbar(byId("tools"), restart);
restart();

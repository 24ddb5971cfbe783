// The start: which view belongs to which address, what stands around all of them, and the keyboard.
import { ApiError, get, token } from "./lib/api.js";
import { button, h, say, show } from "./lib/dom.js";
import { count, live, tickTimes } from "./lib/format.js";
import { poll } from "./lib/poll.js";
import { here } from "./lib/router.js";
import { learn, who } from "./lib/session.js";

const VIEWS = {
  "": ["Home", () => import("./views/home.js")],
  dags: ["DAGs", () => import("./views/dags.js"), () => import("./views/dag.js")],
  runs: ["Runs", () => import("./views/runs.js"), () => import("./views/run.js")],
  pools: ["Pools", () => import("./views/pools.js")],
  errors: ["Import errors", () => import("./views/import-errors.js")],
  ticks: ["Ticks", () => import("./views/ticks.js")],
  audit: ["Audit", () => import("./views/audit.js")],
  notices: ["Notices", () => import("./views/notifications.js")],
};

const main = document.getElementById("main");
let current = null; // {path, stop, onQuery}
let healthStop = null;

async function route() {
  signInByLink();
  const { parts, query } = here();
  const path = parts.join("/");
  if (current?.path === path && current.onQuery) return current.onQuery(query);
  const isNewPlace = current?.path !== path;
  current?.stop.abort();
  const context = { path, args: parts.slice(1), query, stop: new AbortController(), onQuery: null };
  context.signal = context.stop.signal;
  context.pollUntil = (signal, seconds, work) => poll(signal, seconds, work, trouble);
  context.poll = (seconds, work) => context.pollUntil(context.signal, seconds, work);
  context.title = (text) => {
    document.title = `${text} · Orchestrator`;
  };
  current = context;
  trouble(null);
  drawNav(parts[0] ?? "");
  await open(context, parts);
  if (isNewPlace && !context.signal.aborted && route.hasRun) main.focus({ preventScroll: true });
  route.hasRun = true;
}

/** A link that `token create --open` printed: its token must not stay in the address, nor in the history. */
function signInByLink() {
  const { parts, query } = here();
  if (parts[0] !== "signin") return;
  history.replaceState(null, "", "#/");
  if (token.get()) return say("You are signed in already. To use the link, sign out first");
  token.set(query.get("token") ?? "", false);
  restart();
}

async function open(context, parts) {
  const view = VIEWS[parts[0] ?? ""];
  const load = parts.length > 1 ? view?.[2] : view?.[1];
  if (!load) return lost();
  context.title(view[0]);
  scrollTo(0, 0);
  main.setAttribute("aria-busy", "true");
  try {
    const module = await load();
    if (!context.signal.aborted) await module.view(main, context);
  } catch (error) {
    if (!context.signal.aborted && error.name !== "AbortError") await failed(error);
  }
  if (!context.signal.aborted) main.removeAttribute("aria-busy");
}

function lost() {
  show(main, h("h1", null, "There is no such page"), h("p", null, h("a", { href: "#/" }, "Go to the first page")));
}

async function failed(error) {
  if (error instanceof ApiError && error.status === 401) {
    return (await import("./views/sign-in.js")).view(main, restart, token.get() ? error.message : null);
  }
  if (!(error instanceof ApiError)) console.error(error);
  const title = error.status === 404 ? "That is not here" : "This could not be shown";
  const again =
    error.status === 404
      ? h("a", { href: "#/" }, "Go to the first page")
      : button("Try again", restart, { class: "main" });
  show(main, h("h1", null, title), h("p", { class: "cause" }, error.message), h("p", null, again));
}

async function restart() {
  current?.stop.abort();
  current = null;
  await learn();
  watchHealth();
  drawTools();
  return route();
}

/** What goes wrong while a view is live: it stays, and says that it is old. */
function trouble(error) {
  const box = document.getElementById("trouble");
  if (!error) return show(box);
  if (error.status === 401) return restart();
  show(box, `What you see may be out of date: ${error.message}. Trying again by itself.`);
}

function drawNav(active) {
  const links = Object.entries(VIEWS).map(([name, [title]]) =>
    h("a", { href: `#/${name}`, "aria-current": name === active ? "page" : null, id: `nav-${name || "home"}` }, title),
  );
  const nav = document.getElementById("nav");
  show(nav, links);
  if (nav.scrollWidth > nav.clientWidth) {
    nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

function drawTools() {
  const theme = localStorage.getItem("theme") ?? "auto";
  document.documentElement.dataset.theme = theme;
  const next = { auto: "light", light: "dark", dark: "auto" }[theme];
  const label = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[theme];
  show(
    document.getElementById("tools"),
    button(
      label,
      () => {
        localStorage.setItem("theme", next);
        drawTools();
      },
      { id: "theme", class: "plain", "aria-label": `Colours: ${theme}; change to ${next}` },
    ),
    button("?", keys, { id: "keys", class: "plain", "aria-label": "Keys" }),
    who() && who().auth !== "none" ? h("span", { class: "quiet", id: "who" }, `${who().name}, ${who().role}`) : null,
    token.get()
      ? button(
          "Sign out",
          () => {
            token.forget();
            restart();
          },
          { class: "plain", id: "sign-out" },
        )
      : null,
  );
}

function watchHealth() {
  healthStop?.abort();
  healthStop = new AbortController();
  poll(healthStop.signal, 15, drawHealth, () => {}).catch(() => show(document.getElementById("health")));
}

async function drawHealth() {
  const health = await get("health", {}, healthStop.signal);
  const box = document.getElementById("health");
  if (!health.queues) return show(box);
  const tick = health.last_tick;
  const depth = (queue, name) =>
    queue ? count(queue.visible + queue.delayed + queue.in_flight, name) : `${name} queue does not answer`;
  const parts = [
    h("span", { class: health.status === "ok" ? "" : "bad" }, health.status === "ok" ? "✓ Works" : "! Needs a look"),
    h("a", { href: "#/ticks" }, "last tick ", tick ? live("ago", tick.started_at) : "never"),
    `${depth(health.queues.tasks, "task")} and ${depth(health.queues.results, "report")} in the queues`,
    health.set_aside ? h("span", { class: "bad" }, `${count(health.set_aside, "message")} set aside`) : null,
    health.import_errors
      ? h("a", { href: "#/errors", class: "bad" }, count(health.import_errors, "file with errors", "files with errors"))
      : null,
  ];
  show(
    box,
    parts.filter(Boolean).map((part) => h("span", null, part)),
  );
}

const KEYS = [
  ["/", "search"],
  ["j and k", "next and previous in a list"],
  ["l", "the log of the task shown"],
  ["g then h, d, r", "Home, DAGs, Runs"],
  ["Esc", "close a dialog"],
  ["?", "these keys"],
];

function keys() {
  const dialog = h(
    "dialog",
    { "aria-label": "Keys" },
    h("h2", null, "Keys"),
    h(
      "dl",
      { class: "keys" },
      KEYS.map(([key, what]) => [h("dt", null, h("kbd", null, key)), h("dd", null, what)]),
    ),
    button("Close", () => dialog.close()),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let afterG = 0;
function pressed(event) {
  const inText = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (inText || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const places = { h: "#/", d: "#/dags", r: "#/runs" };
  if (Date.now() - afterG < 1000 && places[event.key]) {
    afterG = 0;
    location.hash = places[event.key];
    return;
  }
  const acts = {
    g: () => {
      afterG = Date.now();
    },
    "?": keys,
    "/": () => document.querySelector("main input[type=search]")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    l: () => document.getElementById("log")?.focus(),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
}

function step(direction) {
  const items = [...main.querySelectorAll("[data-item]")].filter((item) => item.offsetParent);
  if (!items.length) return say("There is no list here");
  const at = items.indexOf(document.activeElement);
  const next = items[Math.min(items.length - 1, Math.max(0, at + direction))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
addEventListener("keydown", pressed);
setInterval(tickTimes, 1000);
drawTools();
restart();

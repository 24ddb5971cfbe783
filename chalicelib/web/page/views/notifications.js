// The notifications of on_success, on_failure and on_retry, sent and pending, newest first.
import { get, messageOf, segment, send } from "../lib/api.js";
import { empty, h, notify, select, show, table } from "../lib/dom.js";
import { fullTime } from "../lib/format.js";
import { liveTime } from "../lib/live-time.js";
import { currentRoute, dagLink, runLink, setQuery } from "../lib/router.js";
import { actionButton } from "../lib/session.js";
import { NOTIFICATION_STATES, eventText, word } from "../lib/vocabulary.js";
import { badge } from "../widgets/badge.js";

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.NotificationList | null} */
  let last = null;
  const load = async () => {
    const { query } = currentRoute();
    const filters = { state: query.get("state"), run_id: query.get("run") };
    const page = await get("notifications", { limit: 200, ...filters }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.notifications.length
        ? table(
            "Notifications",
            ["Time", "Event", "About", "To", "State", ""],
            page.notifications.map((notification) => cells(notification, load)),
            "stack",
          )
        : empty(
            "No notifications yet. A DAG file says in on_failure, on_success, on_partial_success and on_retry whom to notify, and how.",
          ),
    );
  };
  show(main, h("h1", null, "Notifications"), h("div", { class: "row" }, stateFilter()), list);
  context.onQuery = () => load().catch(() => {}); // the next poll tells what is wrong
  await context.poll(5, load);
}

function stateFilter() {
  const state = select(
    { id: "notification-state", "aria-label": "State", onchange: () => setQuery({ state: state.value }) },
    [["", "Any state"], ...NOTIFICATION_STATES.map((name) => /** @type {const} */ ([name, word(name)]))],
    currentRoute().query.get("state"),
  );
  return state;
}

/** @param {Api.Notification} notification @param {() => Promise<void>} load */
function cells(notification, load) {
  const { created_at: created, task_id: task } = notification;
  return [
    h("span", { title: fullTime(created) }, liveTime("ago", created)),
    [eventText(notification.event), task ? ` of ${task}` : ""],
    aboutCell(notification),
    [h("span", { class: "quiet" }, `${notification.kind} `), h("span", { class: "mono" }, notification.target)],
    stateCell(notification),
    actionButton("Send again", () => resend(notification, load), { class: "small" }),
  ];
}

/** @param {Api.Notification} notification @param {() => Promise<void>} load */
async function resend({ id }, load) {
  try {
    await send("POST", `notifications/${segment(String(id))}/resend`);
    notify("Sent again");
    await load();
  } catch (error) {
    notify(messageOf(error));
  }
}

/** @param {Api.Notification} notification */
function aboutCell({ dag_id: dagId, run_id: runId, task_id: task, payload }) {
  if (!dagId || !runId) return String(payload.title ?? "the installation");
  return [
    h("a", { href: dagLink(dagId), "data-item": true }, dagId),
    " ",
    h("a", { href: runLink(runId, { task }), class: "small" }, "run"),
  ];
}

/** @param {Api.Notification} notification */
function stateCell({ state, sends, due_at: due, reason }) {
  return [
    badge(state),
    sends > 1 ? h("span", { class: "quiet" }, ` after ${sends} attempts`) : null,
    due && sends ? [", next attempt ", liveTime("in", due)] : null,
    reason ? h("div", { class: state === "failed" ? "cause small" : "quiet" }, reason) : null,
  ];
}

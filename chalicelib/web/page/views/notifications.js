// What people were told, or are to be: the messages of on_success, on_failure and on_retry.
import { get } from "../lib/api.js";
import { empty, h, show, table } from "../lib/dom.js";
import { live, moment } from "../lib/format.js";
import { dagLink, here, runLink, setQuery } from "../lib/router.js";
import { badge, word } from "../widgets/badge.js";

const STATES = ["pending", "delivered", "failed"];
const EVENTS = { success: "success", failure: "a failure", retry: "a retry" };

export async function view(main, context) {
  const list = h("div");
  let last = null;
  const load = async () => {
    const filters = { state: here().query.get("state"), run_id: here().query.get("run") };
    const page = await get("notifications", { limit: 200, ...filters }, context.signal);
    if (page === last) return;
    last = page;
    show(
      list,
      page.notifications.length
        ? table("Notices", ["When", "Of", "Run", "To", "How it stands"], page.notifications.map(row), "stack")
        : empty(
            "Nobody was told anything like that. A DAG or a task says with on_failure, on_success and on_retry who is to be told, and how.",
          ),
    );
  };
  show(main, h("h1", null, "Notices"), filter(), list);
  context.onQuery = () => load().catch(() => {});
  await context.poll(5, load);
}

function filter() {
  const state = h(
    "select",
    { id: "notice-state", "aria-label": "State", onchange: () => setQuery({ state: state.value }) },
    h("option", { value: "" }, "In any state"),
    STATES.map((value) => h("option", { value, selected: here().query.get("state") === value }, word(value))),
  );
  return h("div", { class: "row" }, state);
}

function row(notice) {
  return [
    h("span", { title: moment(notice.created_at) }, live("ago", notice.created_at)),
    [EVENTS[notice.event] ?? notice.event, notice.task_id ? ` of ${notice.task_id}` : ""],
    [
      h("a", { href: dagLink(notice.dag_id), "data-item": true }, notice.dag_id),
      " ",
      h("a", { href: runLink(notice.run_id, { task: notice.task_id }), class: "small" }, "its run"),
    ],
    [h("span", { class: "quiet" }, `${notice.kind} `), h("span", { class: "mono" }, notice.target)],
    [
      badge(notice.state),
      notice.sends > 1 ? h("span", { class: "quiet" }, ` after ${notice.sends} tries`) : null,
      notice.due_at && notice.sends ? [" again ", live("in", notice.due_at)] : null,
      notice.reason ? h("div", { class: notice.state === "failed" ? "cause small" : "quiet" }, notice.reason) : null,
    ],
  ];
}

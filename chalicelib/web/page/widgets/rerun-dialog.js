// Running tasks again: the server says in a dry run what it would touch, and with which version of the
// file, before it is asked to do it. The dialog offers the other version.
import { send } from "../lib/api.js";
import { h, say, show } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { dagLink } from "../lib/router.js";
import { confirm } from "./confirm-dialog.js";

const NAMED = 8;

export async function again({ title, where, dagId, done, withDownstream }) {
  const wish = { downstream: true, latest: null };
  const ask = (dryRun) =>
    send("POST", where, {
      dry_run: dryRun,
      ...(withDownstream ? { downstream: wish.downstream } : {}),
      ...(wish.latest === null ? {} : { run_on_latest_version: wish.latest }),
    });
  const first = await planned(ask, wish);
  if (!first) return;
  const versions = h("div", { id: "versions" });
  const trouble = h("div", null, first.trouble ? h("p", { class: "cause" }, first.trouble) : null);
  const box = h("input", { type: "checkbox", id: "downstream", checked: true });
  const dialog = confirm({
    title,
    tasks: first.plan.task_instances,
    label: labelled(first.plan),
    act: () => ask(false),
    done,
    options: [
      withDownstream ? h("p", null, h("label", { class: "switch" }, box, "and the tasks that come after it")) : null,
      trouble,
      versions,
    ],
  });
  const look = async (change) => {
    Object.assign(wish, change);
    show(trouble);
    try {
      const plan = await ask(true);
      dialog.reach(plan.task_instances, labelled(plan));
      show(versions, choice(plan, dagId, look));
    } catch (error) {
      dialog.refuse(error.message);
    }
  };
  wish.latest = first.plan.run_on_latest_version; // what is shown is what will be done
  show(versions, choice(first.plan, dagId, look));
  box.addEventListener("change", () => look({ downstream: box.checked }));
}

/** What would be done, by the version that the DAG prefers; where that is refused, by the run's own. */
async function planned(ask, wish) {
  try {
    return { plan: await ask(true) };
  } catch (refused) {
    wish.latest = false;
    const plan = await ask(true).catch(() => null);
    if (plan && plan.latest_version !== plan.run_version) return { plan, trouble: refused.message };
    say(refused.message);
    return null;
  }
}

function labelled({ task_instances: reach, changes, version, run_version: before }) {
  const fresh = version === before ? 0 : changes.added.length;
  const added = fresh ? `${fresh} new ${fresh === 1 ? "task" : "tasks"}` : "";
  if (!reach.length && added) return `Run ${added}`;
  return `Run ${count(reach.length, "task")} again${added ? ` and ${added}` : ""}`;
}

/** The version that will be used, the other one, and what changed between the two. */
function choice(plan, dagId, look) {
  const { run_version: own, latest_version: latest } = plan;
  if (latest === null) return h("p", null, `With version ${own}, which this run has: the file was removed.`);
  const broken = plan.has_import_error
    ? h(
        "p",
        { class: "cause" },
        `The file has errors. Version ${latest} is its last good version: `,
        h("a", { href: "#/errors" }, "see what is wrong"),
        ".",
      )
    : null;
  if (latest === own) return [broken, h("p", null, `With version ${own}, the file's latest.`)];
  const radio = (isLatest, label) =>
    h(
      "label",
      { class: "switch" },
      h("input", {
        type: "radio",
        name: "version",
        id: isLatest ? "version-latest" : "version-own",
        checked: plan.run_on_latest_version === isLatest,
        onchange: () => look({ latest: isLatest }),
      }),
      label,
    );
  return [
    broken,
    h(
      "fieldset",
      { class: "versions" },
      h("legend", null, "Run it with"),
      radio(true, `version ${latest}, the file's latest`),
      radio(false, `version ${own}, which this run has`),
    ),
    changed(plan, dagId),
  ];
}

function changed({ changes, run_version: own, latest_version: latest }, dagId) {
  const rows = [
    ["New", names(changes.added)],
    ["Removed", changes.removed.length ? `${names(changes.removed)} (kept as history where it ran)` : ""],
    ...changes.changed.slice(0, NAMED).map(({ task_id: id, fields }) => [id, fields.join(", ")]),
    ["", changes.changed.length > NAMED ? `and ${changes.changed.length - NAMED} more tasks` : ""],
    ["The DAG", changes.dag_fields.join(", ")],
  ].filter(([, value]) => value);
  const link = dagLink(dagId, { tab: "source", version: latest, against: own });
  return h(
    "div",
    { class: "changes" },
    h("p", null, `Changed from version ${own} to ${latest} (`, h("a", { href: link }, "compare the files"), "):"),
    rows.length
      ? h(
          "dl",
          { class: "facts-list" },
          rows.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
        )
      : h("p", { class: "quiet" }, "nothing but comments and layout"),
  );
}

const names = (ids) => ids.slice(0, NAMED).join(", ") + (ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "");

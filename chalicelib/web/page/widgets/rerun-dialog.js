// Running tasks again. The API says in a dry run which tasks that affects, and with which version of the file,
// before it is asked to do it. The dialog offers the other version.
import { messageOf } from "../lib/api.js";
import { errorText, h, notify, show, ticked } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { dagLink } from "../lib/router.js";
import { confirm } from "./confirm-dialog.js";

const MOST_NAMES = 8;

/** @typedef {Api.ClearedTasks} Plan */
/** @typedef {{ downstream: boolean, isLatest: boolean | null }} Wish isLatest: null for what the DAG prefers */
/** @typedef {(isDryRun: boolean) => Promise<Plan>} Ask */
/** @typedef {(change: Partial<Wish>) => unknown} Change */
/**
 * @typedef {object} Rerun
 * @property {string} title
 * @property {string} dagId
 * @property {(body: object) => Promise<Plan>} request
 * @property {() => unknown} done
 * @property {boolean} [hasDownstream] offers to leave out the downstream tasks
 */

/** @param {Rerun} rerun */
export async function openRerunDialog({ title, dagId, request, done, hasDownstream = false }) {
  /** @type {Wish} */
  const wish = { downstream: true, isLatest: null };
  /** @type {Ask} */
  const ask = (isDryRun) =>
    request({
      dry_run: isDryRun,
      ...(hasDownstream ? { downstream: wish.downstream } : {}),
      ...(wish.isLatest === null ? {} : { run_on_latest_version: wish.isLatest }),
    });
  const first = await firstPlan(ask, wish);
  if (!first) return;
  const { plan, refusal } = first;
  const versions = h("div", { id: "versions" });
  const trouble = h("div", null, refusal ? errorText(refusal) : null);
  const box = h("input", { type: "checkbox", id: "downstream", checked: true });
  const dialog = confirm({
    title,
    tasks: plan.task_instances,
    label: labelOf(plan),
    act: () => ask(false),
    done,
    options: [hasDownstream ? h("p", null, ticked(box, "Include downstream tasks")) : null, trouble, versions],
  });
  /** @type {Change} */
  const change = async (part) => {
    Object.assign(wish, part);
    show(trouble);
    try {
      const next = await ask(true);
      dialog.update(next.task_instances, labelOf(next));
      show(versions, versionChoice(next, dagId, change));
    } catch (error) {
      dialog.refuse(messageOf(error));
    }
  };
  wish.isLatest = plan.run_on_latest_version; // what is shown is what will be done
  show(versions, versionChoice(plan, dagId, change));
  box.addEventListener("change", () => change({ downstream: box.checked }));
}

/**
 * What would be done with the version that the DAG prefers; if that is refused, with the run's own.
 * @param {Ask} ask
 * @param {Wish} wish
 * @returns {Promise<{ plan: Plan, refusal?: string } | null>}
 */
async function firstPlan(ask, wish) {
  try {
    return { plan: await ask(true) };
  } catch (refused) {
    wish.isLatest = false;
    const plan = await ask(true).catch(() => null);
    if (plan && plan.latest_version !== plan.run_version) return { plan, refusal: messageOf(refused) };
    notify(messageOf(refused));
    return null;
  }
}

/** @param {Plan} plan */
function labelOf({ task_instances: tasks, changes, version, run_version: own }) {
  const added = version === own ? 0 : changes.added.length;
  const addedText = added ? plural(added, "new task") : "";
  if (!tasks.length && added) return `Run ${addedText}`;
  return `Run ${plural(tasks.length, "task")} again${added ? ` and ${addedText}` : ""}`;
}

/** The version that will be used, the other one, and what changed between the two. @param {Plan} plan @param {string} dagId @param {Change} change */
function versionChoice(plan, dagId, change) {
  const { run_version: own, latest_version: latest } = plan;
  if (latest === null) return h("p", null, `Runs with version ${own}, this run's own: the file was removed.`);
  const broken = plan.has_import_error
    ? errorText(
        `The file has errors. Version ${latest} is its last valid version. `,
        h("a", { href: "#/errors" }, "Show the errors"),
      )
    : null;
  if (latest === own) return [broken, h("p", null, `Runs with version ${own}, the latest.`)];
  /** @param {boolean} isLatest @param {string} label */
  const radio = (isLatest, label) => {
    const input = h("input", {
      type: "radio",
      name: "version",
      id: isLatest ? "version-latest" : "version-own",
      checked: plan.run_on_latest_version === isLatest,
      onchange: () => change({ isLatest }),
    });
    return ticked(input, label);
  };
  return [
    broken,
    h(
      "fieldset",
      { class: "versions" },
      h("legend", null, "Run with"),
      radio(true, `version ${latest}, the latest`),
      radio(false, `version ${own}, this run's own`),
    ),
    changeList(plan, dagId, latest),
  ];
}

/** @param {Plan} plan @param {string} dagId @param {number} latest */
function changeList({ changes, run_version: own }, dagId, latest) {
  const more = changes.changed.length - MOST_NAMES;
  const rows = [
    ["New", namesOf(changes.added)],
    ["Removed", changes.removed.length ? `${namesOf(changes.removed)} (kept in the history of the run)` : ""],
    ...changes.changed.slice(0, MOST_NAMES).map(({ task_id: id, fields }) => [id, fields.join(", ")]),
    ["", more > 0 ? `and ${more} more tasks` : ""],
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
      : h("p", { class: "quiet" }, "only comments and layout"),
  );
}

/** @param {string[]} ids */
const namesOf = (ids) =>
  ids.slice(0, MOST_NAMES).join(", ") + (ids.length > MOST_NAMES ? ` and ${ids.length - MOST_NAMES} more` : "");

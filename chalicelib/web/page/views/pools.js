// Pools: limits across DAGs, how much of them is in use, and how many tasks wait.
import { getAll, segment, send } from "../lib/api.js";
import { button, empty, h, labelled, notify, openDialog, show, table } from "../lib/dom.js";
import { clearErrors, showErrors } from "../lib/form-errors.js";
import { actionButton } from "../lib/session.js";
import { textBox } from "../widgets/param-fields.js";

const USUAL_SLOTS = 4;

/** @typedef {() => Promise<unknown>} Changed called after a pool has changed */

/** @param {HTMLElement} main @param {import("../lib/view-context.js").ViewContext} context */
export async function view(main, context) {
  const list = h("div");
  /** @type {Api.PoolList | null} */
  let last = null;
  const load = async () => {
    const { items, first } = await getAll("pools", "pools", { signal: context.signal });
    if (first === last) return;
    last = first;
    show(list, items.length ? poolTable(items, load) : noPools());
  };
  const create = actionButton("New pool…", () => openPoolDialog(null, load), { id: "new-pool" });
  show(main, h("div", { class: "head" }, h("h1", null, "Pools"), create), list);
  await context.poll(3, load);
}

function noPools() {
  return empty(
    "There are no pools. A pool limits how many tasks use something at the same time, such as a database, across all DAGs. A task names its pool in the field ",
    h("code", null, "pool"),
    ".",
  );
}

/** @param {Api.Pool[]} pools @param {Changed} changed */
function poolTable(pools, changed) {
  return table(
    "Pools",
    ["Pool", "In use", "Waiting", "Description", ""],
    pools.map((pool) => [
      pool.name,
      `${pool.used} of ${pool.slots}`,
      pool.waiting ? String(pool.waiting) : "none",
      pool.description,
      h(
        "div",
        { class: "row" },
        pool.file_key
          ? h("span", { class: "quiet" }, "in ", h("span", { class: "mono" }, pool.file_key))
          : actionButton("Edit…", () => openPoolDialog(pool, changed), {
              id: `edit-${pool.name}`,
              "aria-label": `Edit ${pool.name}`,
            }),
      ),
    ]),
    "stack",
  );
}

/** @param {Api.Pool | null} pool null for a new one */
function poolInputs(pool) {
  return {
    name: h("input", {
      id: "pool-name",
      required: true,
      value: pool?.name ?? "",
      disabled: Boolean(pool),
      maxlength: 100,
    }),
    slots: h("input", {
      id: "pool-slots",
      type: "number",
      min: 0,
      max: 1_000_000,
      required: true,
      value: pool?.slots ?? USUAL_SLOTS,
    }),
    description: textBox({ id: "pool-description", value: pool?.description ?? "", maxlength: 1000 }),
  };
}

/** @param {Api.Pool | null} pool null for a new one @param {Changed} changed */
function openPoolDialog(pool, changed) {
  const inputs = poolInputs(pool);
  const shownDescription = inputs.description.value;
  const trouble = h("div", { role: "alert" });
  const pathOf = () => /** @type {const} */ (`pools/${segment(inputs.name.value.trim())}`);
  /** @param {() => Promise<unknown>} work @param {string} message */
  const acting = (work, message) => async (/** @type {Event} */ event) => {
    event.preventDefault();
    clearErrors(form);
    show(trouble);
    try {
      await work();
      dialog.close();
      notify(message);
      await changed();
    } catch (error) {
      showErrors(form, error, { inputs: { name: inputs.name, pool: inputs.name, slots: inputs.slots }, trouble });
    }
  };
  const save = acting(() => {
    // What nobody touched is sent as it came, with its line ends.
    const { value } = inputs.description;
    const description = value === shownDescription ? (pool?.description ?? "") : value;
    return send("PUT", pathOf(), {
      slots: inputs.slots.value === "" ? null : Number(inputs.slots.value), // if empty, the API says what it takes
      ...(description.trim() ? { description } : {}),
    });
  }, "Pool saved");
  const remove = acting(() => send("DELETE", pathOf()), "Pool deleted");
  const buttons = h(
    "div",
    { class: "row" },
    h("button", { type: "submit", class: "main", id: "save-pool" }, "Save"),
    button("Cancel", () => dialog.close()),
    pool ? button("Delete pool", remove, { class: "end", id: "delete-pool" }) : null,
  );
  const form = h(
    "form",
    { onsubmit: save, novalidate: true },
    h("h2", { id: "pool-title" }, pool ? `Edit ${pool.name}` : "New pool"),
    labelled("Name", inputs.name),
    labelled("Slots", inputs.slots),
    labelled("Description", inputs.description),
    h("div", { class: "foot" }, trouble, buttons),
  );
  const dialog = openDialog({ "aria-labelledby": "pool-title" }, form);
}

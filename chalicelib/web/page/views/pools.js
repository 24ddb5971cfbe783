// Pools: limits across DAGs, what is in use, and who waits.
import { all, path, send } from "../lib/api.js";
import { button, empty, h, say, show, table } from "../lib/dom.js";
import { changing } from "../lib/session.js";
import { textBox } from "../widgets/param-fields.js";

export async function view(main, context) {
  const list = h("div");
  let last = null;
  const load = async () => {
    const { items, first } = await all("pools", "pools", {}, 500, context.signal);
    if (first === last) return;
    last = first;
    show(
      list,
      items.length
        ? table(
            "Pools",
            ["Pool", "In use", "Waiting", "For", ""],
            items.map((pool) => row(pool, load)),
            "stack",
          )
        : empty(
            "There is no pool. A pool limits how many tasks of all DAGs may use one thing, such as a database, at once; tasks name it with the key pool.",
          ),
    );
  };
  show(
    main,
    h(
      "div",
      { class: "head" },
      h("h1", null, "Pools"),
      changing("New pool…", () => edit(null, load), { id: "new-pool" }),
    ),
    list,
  );
  await context.poll(3, load);
}

function row(pool, changed) {
  return [
    pool.name,
    `${pool.used} of ${pool.slots}`,
    pool.waiting ? `${pool.waiting} waiting` : "none",
    pool.description,
    h(
      "div",
      { class: "row" },
      changing("Change…", () => edit(pool, changed), {
        id: `change-${pool.name}`,
        "aria-label": `Change ${pool.name}`,
      }),
    ),
  ];
}

function edit(pool, changed) {
  const name = h("input", {
    id: "pool-name",
    required: true,
    value: pool?.name ?? "",
    disabled: Boolean(pool),
    maxlength: 100,
  });
  const slots = h("input", {
    id: "pool-slots",
    type: "number",
    min: 0,
    max: 1_000_000,
    required: true,
    value: pool?.slots ?? 4,
  });
  const description = textBox({ id: "pool-description", value: pool?.description ?? "", maxlength: 1000 });
  const before = description.value;
  const trouble = h("div", { role: "alert" });
  const act = (work, words) => async (event) => {
    event.preventDefault();
    try {
      await work();
      dialog.close();
      say(words);
      await changed();
    } catch (error) {
      show(trouble, h("p", { class: "cause" }, error.message));
    }
  };
  const where = () => `pools/${path(name.value.trim())}`;
  const keep = act(
    () =>
      send("PUT", where(), {
        // Left empty, or no number: the server says what it takes.
        slots: slots.value === "" ? null : Number(slots.value),
        ...described(description.value === before ? (pool?.description ?? "") : description.value),
      }),
    "The pool is kept",
  );
  const remove = act(() => send("DELETE", where()), "The pool is removed");
  const field = (input, label) =>
    h("div", { class: "field" }, h("label", { class: "name", for: input.id }, label), input);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "pool-title" },
    h(
      "form",
      { onsubmit: keep, novalidate: true },
      h("h2", { id: "pool-title" }, pool ? `Change ${pool.name}` : "New pool"),
      field(name, "Name"),
      field(slots, "Slots"),
      field(description, "What it is for"),
      trouble,
      h(
        "div",
        { class: "row" },
        h("button", { type: "submit", class: "main", id: "keep-pool" }, "Keep"),
        button("Leave it", () => dialog.close()),
        pool ? button("Remove this pool", remove, { class: "end", id: "remove-pool" }) : null,
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** What nobody touched goes back as it came, with its line ends. */
const described = (text) => (text.trim() ? { description: text } : {});

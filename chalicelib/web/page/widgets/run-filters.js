// The filters of the list of runs. They stand in the address, so that Back and a link show the same list.
import { get } from "../lib/api.js";
import { button, h, searchField, select, show } from "../lib/dom.js";
import { dayText, periods, rangeOf } from "../lib/periods.js";
import { currentRoute, setQuery } from "../lib/router.js";
import { RUN_STATES, runTypeOptions, word } from "../lib/vocabulary.js";

const MOST_TAGS = 500;
const NAMES = ["name", "dag", "tag", "state", "type", "from", "to", "cause", "acknowledged", "backfill"];
const CUSTOM = "dates";

/** @typedef {[string, string][]} Options values and their texts */

/** The filters as the API takes them. @returns {import("../lib/router.js").Query} */
export function chosenFilters() {
  const { query } = currentRoute();
  return {
    name: query.get("name"),
    dag_id: query.get("dag"),
    tag: query.get("tag"),
    state: query.get("state"),
    run_type: query.get("type"),
    cause: query.get("cause"),
    acknowledged: query.get("acknowledged"),
    backfill_id: query.get("backfill"),
    ...rangeOf(query.get("from"), query.get("to")),
  };
}

/** Whether any filter is set. */
export function hasFilters() {
  const { query } = currentRoute();
  return NAMES.some((name) => query.get(name));
}

/** @param {import("../lib/router.js").Query} changes */
const put = (changes) => setQuery({ ...changes, show: null });

/**
 * The row of filters, and `refresh`, which shows those of the address.
 * @param {AbortSignal} signal aborted when the view is left
 */
export function runFilters(signal) {
  const name = searchField({ id: "name", placeholder: "DAG name  ( / )", "aria-label": "DAG name" }, (text) =>
    put({ name: text }),
  );
  const cause = searchField(
    { id: "cause", placeholder: "Cause of failure", "aria-label": "Cause of failure" },
    (text) => put({ cause: text }),
  );
  const choices = [
    choice("state", "State", [["", "Any state"], ...RUN_STATES.map((state) => pair(state, word(state)))]),
    choice("type", "Started by", [["", "Started in any way"], ...runTypeOptions()]),
    choice("acknowledged", "Acknowledged", [
      ["", "Acknowledged or not"],
      ["false", "Not acknowledged"],
      ["true", "Acknowledged"],
    ]),
  ];
  const tag = choice("tag", "Tag", [["", "Any tag"]]);
  const dates = dateFilter();
  const others = h("span", { class: "row" });
  const clear = button("Clear filters", () => put(Object.fromEntries(NAMES.map((filter) => [filter, null]))), {
    id: "clear-filters",
    class: "plain",
  });

  function refresh() {
    const { query } = currentRoute();
    for (const field of [name, cause]) {
      if (document.activeElement !== field) field.value = query.get(field.id) ?? "";
    }
    for (const one of choices) one.value = query.get(one.id) ?? "";
    showTag(tag, query.get("tag"));
    dates.refresh();
    show(others, narrowedTo("DAG", "dag"), narrowedTo("Backfill", "backfill"));
    clear.hidden = !hasFilters();
  }

  refresh();
  get("tags", { limit: MOST_TAGS }, signal)
    .then(({ tags }) => {
      show(tag, option("", "Any tag"), ...tags.map((one) => option(one.tag, one.tag)));
      showTag(tag, currentRoute().query.get("tag"));
    })
    .catch(() => {}); // without tags the other filters still work
  const element = h("div", { class: "row filters" }, name, cause, tag, choices, dates.element, others, clear);
  return { element, refresh };
}

/** @param {string} value @param {string} text */
const option = (value, text) => h("option", { value }, text);
/** @param {string} value @param {string} text @returns {[string, string]} */
const pair = (value, text) => [value, text];

/** Also a tag that no DAG has any more. @param {HTMLSelectElement} field @param {string | null} value */
function showTag(field, value) {
  if (value && ![...field.options].some((one) => one.value === value)) field.append(option(value, value));
  field.value = value ?? "";
}

/** @param {string} id also the name in the address @param {string} label @param {Options} options */
function choice(id, label, options) {
  const field = select({ id, "aria-label": label, onchange: () => put({ [id]: field.value }) }, options);
  return field;
}

/** A filter that came with a link, and a button that removes it. @param {string} label @param {string} name */
function narrowedTo(label, name) {
  const value = currentRoute().query.get(name);
  if (!value) return null;
  const remove = () => put({ [name]: null });
  return button(`${label}: ${value} ×`, remove, {
    id: `no-${name}`,
    "aria-label": `Remove the filter ${label} ${value}`,
  });
}

/** A period, or two dates. */
function dateFilter() {
  let isCustom = false;
  const known = () => periods(new Date());
  const choose = () => {
    isCustom = period.value === CUSTOM;
    const chosen = known().find(({ id }) => id === period.value);
    if (isCustom) refresh();
    else put({ from: chosen?.from ?? null, to: chosen?.to ?? null });
  };
  const period = select({ id: "period", "aria-label": "Logical date", onchange: choose }, [
    ["", "Any date"],
    ...known().map(({ id, label }) => pair(id, label)),
    [CUSTOM, "Between two dates"],
  ]);
  /** @param {"from" | "to"} id @param {string} label */
  const day = (id, label) => {
    /** @type {HTMLInputElement} */
    const field = h("input", { id, type: "date", "aria-label": label, onchange: () => put({ [id]: field.value }) });
    return field;
  };
  const [from, to] = [day("from", "First date"), day("to", "Last date")];
  const between = h("span", { class: "together" }, from, " to ", to);

  function refresh() {
    const { query } = currentRoute();
    const [first, last] = [dayText(query.get("from")), dayText(query.get("to"))];
    const same = known().find((one) => one.from === first && one.to === last);
    const isAny = !first && !last;
    period.value = isCustom ? CUSTOM : isAny ? "" : (same?.id ?? CUSTOM);
    between.hidden = period.value !== CUSTOM;
    Object.assign(from, { value: first });
    Object.assign(to, { value: last });
  }
  return { element: h("span", { class: "row" }, period, between), refresh };
}

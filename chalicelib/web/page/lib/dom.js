// Elements from values. Texts become text nodes and nothing else: no value is ever markup.

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child null, undefined and false show nothing */
/** @typedef {{ [name: string]: any }} Attributes named as in HTML; `on…` are listeners; null, undefined and false are left out */

const SVG = "http://www.w3.org/2000/svg";
const MESSAGE_MS = 6000;

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Attributes | null | undefined} attributes
 * @param {Child[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") Object.assign(element, { [name]: value });
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function nodes(children) {
  const flat = /** @type {any[]} */ (children).flat(Infinity);
  return flat.filter((child) => child !== null && child !== undefined && child !== false);
}

/** The element of the document with this id, which index.html has. @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** What is typed into the field with this id, "" if there is no such field now. @param {string} id */
export function typedInto(id) {
  return /** @type {HTMLInputElement | null} */ (document.getElementById(id))?.value ?? "";
}

/** @type {EventTarget | null} */
let pressed = null;
/** @type {Map<Element, Child[]>} */
const postponed = new Map();

function release() {
  pressed = null;
  for (const [parent, children] of [...postponed]) show(parent, ...children);
}

addEventListener(
  "pointerdown",
  (event) => {
    pressed = event.target;
  },
  true,
);
addEventListener(
  "click",
  () => {
    pressed = null; // what the click itself shows is shown at once
    setTimeout(release);
  },
  true,
);
for (const kind of ["pointerup", "pointercancel", "dragend"]) addEventListener(kind, () => setTimeout(release), true);

/**
 * Replace what `parent` shows. Focus, scrolling and open details stay on the elements with the same ids.
 * While a pointer is pressed inside `parent`, this waits for its release: a link or button that is replaced
 * between the two gets no click.
 * @param {Element} parent
 * @param {...Child} children
 */
export function show(parent, ...children) {
  postponed.delete(parent);
  if (pressed && parent.contains(/** @type {Node} */ (pressed))) {
    postponed.set(parent, children);
    return;
  }
  const active = document.activeElement;
  const id = active && parent.contains(active) && active !== parent ? active.id : "";
  const open = [...parent.querySelectorAll("details[open][id]")].map((details) => details.id);
  const scrolled = [...parent.querySelectorAll("[data-scroll][id]")].map(
    ({ id: box, scrollLeft, scrollTop }) => /** @type {const} */ ([box, { scrollLeft, scrollTop }]),
  );
  parent.replaceChildren(...nodes(children));
  for (const name of open) document.getElementById(name)?.setAttribute("open", "");
  for (const [box, position] of scrolled) Object.assign(document.getElementById(box) ?? {}, position);
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let messageTimer;

/** Show a message for a few seconds, and read it out to screen readers. @param {string} text */
export function notify(text) {
  const message = byId("message");
  message.textContent = text;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => {
    message.textContent = "";
  }, MESSAGE_MS);
}

/**
 * A table. On a phone, one with the class "stack" shows each row as a list of its columns.
 * @param {string} caption for screen readers
 * @param {string[]} columns
 * @param {Child[][]} rows
 * @param {string} [classes]
 */
export function table(caption, columns, rows, classes = "") {
  const head = h(
    "tr",
    null,
    columns.map((column) => h("th", { scope: "col" }, column)),
  );
  const body = rows.map((cells) =>
    h(
      "tr",
      null,
      cells.map((cell, i) => h("td", { "data-label": columns[i] }, h("div", null, cell))),
    ),
  );
  return h(
    "div",
    { class: "wide" },
    h(
      "table",
      { class: classes },
      h("caption", { class: "unseen" }, caption),
      h("thead", null, head),
      h("tbody", null, body),
    ),
  );
}

/** What an empty list shows: why it is empty, and what to do. @param {...Child} text */
export function empty(...text) {
  return h("p", { class: "empty" }, ...text);
}

/** A part of a view, with a heading. @param {string} title @param {...Child} children */
export function section(title, ...children) {
  const id = `h-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/**
 * @param {Child} label
 * @param {(event: Event) => unknown} onclick
 * @param {Attributes} [attributes]
 */
export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/** An error in the place where it belongs. @param {...Child} text */
export function errorText(...text) {
  return h("p", { class: "cause" }, ...text);
}

/**
 * A form field below its label, with a line of help. `input` has an id.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [help]
 */
export function labelled(label, input, help) {
  if (help) input.setAttribute("aria-describedby", `${input.id}-help`);
  return h(
    "div",
    { class: "field" },
    h("label", { class: "name", for: input.id }, label),
    input,
    help ? h("p", { class: "help", id: `${input.id}-help` }, help) : null,
  );
}

/** @param {HTMLElement} input a checkbox or radio button @param {string} label */
export function ticked(input, label) {
  return h("label", { class: "switch" }, input, label);
}

/**
 * A drop-down. `options` are pairs of a value and its text.
 * @param {Attributes} attributes
 * @param {(readonly [string | number, string])[]} options
 * @param {string | number | null} [chosen]
 */
export function select(attributes, options, chosen = null) {
  return h(
    "select",
    attributes,
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
  );
}

/**
 * A search field that calls `changed` once somebody stops typing.
 * @param {Attributes & { id: string }} attributes
 * @param {(text: string) => void} changed
 */
export function searchField(attributes, changed) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const input = h("input", {
    type: "search",
    ...attributes,
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => changed(input.value.trim()), 250);
    },
  });
  return input;
}

/**
 * A modal dialog, open at once and removed when it is closed.
 * @param {Attributes} attributes
 * @param {...Child} children
 */
export function openDialog(attributes, ...children) {
  const dialog = h("dialog", attributes, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

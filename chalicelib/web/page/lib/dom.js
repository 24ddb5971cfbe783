// Elements from values. Texts become text nodes and nothing else: no value is ever markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `attributes`: names as in HTML; `on…` are listeners; null and false leave out. */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

let pressed = null;
const postponed = new Map();

function release() {
  pressed = null;
  for (const [parent, children] of [...postponed]) show(parent, ...children);
}

addEventListener("pointerdown", (event) => (pressed = event.target), true);
addEventListener(
  "click",
  () => {
    pressed = null; // what the click itself shows is shown at once
    setTimeout(release);
  },
  true,
);
for (const kind of ["pointerup", "pointercancel", "dragend"]) addEventListener(kind, () => setTimeout(release), true);

/** Show `children` in `parent` instead of what is there; the focus stays on the element with the same id.
 * While a pointer is pressed inside `parent`, this waits for its release: a link or button that is replaced
 * between the two gets no click. */
export function show(parent, ...children) {
  postponed.delete(parent);
  if (pressed && parent.contains(pressed)) {
    postponed.set(parent, children);
    return;
  }
  const active = document.activeElement;
  const id = parent.contains(active) && active !== parent ? active.id : "";
  const open = [...parent.querySelectorAll("details[open][id]")].map((details) => details.id);
  const scrolled = [...parent.querySelectorAll("[data-scroll][id]")].map((box) => [
    box.id,
    box.scrollLeft,
    box.scrollTop,
  ]);
  parent.replaceChildren(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  for (const name of open) document.getElementById(name)?.setAttribute("open", "");
  for (const [name, left, top] of scrolled) {
    const box = document.getElementById(name);
    if (box) Object.assign(box, { scrollLeft: left, scrollTop: top });
  }
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}

/** Say it to screen readers, and for a moment to everybody. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => {
    said.textContent = "";
  }, 6000);
}

/** A table: `columns` are texts; `rows` are lists of cells, each a node, a text or a list of them. */
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

/** What a list shows when it is empty: what that means, and what to do next. */
export function empty(text, ...more) {
  return h("p", { class: "empty" }, text, ...more);
}

/** A labelled part of a page. */
export function section(title, ...children) {
  const id = `h-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

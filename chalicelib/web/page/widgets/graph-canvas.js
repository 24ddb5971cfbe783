// The room in which a graph is shown: zoom, fit, pan, and moving from box to box with the arrow keys.
import { button, h, show } from "../lib/dom.js";
import { scaleIn } from "../lib/picture-size.js";

const LEAST_READABLE = 0.68; // a picture that would have to be smaller opens at a part of it
const OPENING = 0.9;
const STEP = 1.25;
const SMALLEST = 0.15;
const LARGEST = 2.5;
const DRAG_PIXELS = 4;
const MARGIN = 14;

/** @typedef {{ element: SVGElement, width: number, height: number, key: string }} Picture key: of its shape */

export class GraphCanvas {
  /** @param {string} id */
  constructor(id) {
    this.scroller = h("div", {
      class: "canvas",
      id,
      tabindex: 0,
      role: "region",
      "aria-label": "Graph: arrow keys move between tasks, plus and minus zoom, 0 fits it in",
    });
    this.tools = [
      button("−", () => this.zoomBy(1 / STEP), { "aria-label": "Zoom out", title: "Zoom out (−)" }),
      button("+", () => this.zoomBy(STEP), { "aria-label": "Zoom in", title: "Zoom in (+)" }),
      button("Fit", () => this.fit(), { title: "Show the whole graph (0)" }),
    ];
    /** @type {Picture | null} */
    this.picture = null;
    this.zoom = 1;
    this.focus = "";
    this.#listen();
  }

  /** The room for a picture, in pixels. */
  get room() {
    const { clientWidth, clientHeight } = this.scroller;
    return { width: Math.max(200, clientWidth - MARGIN), height: Math.max(120, clientHeight - MARGIN) };
  }

  /**
   * Show a picture: a new one at a size that can be read, one of the same shape where it was. The box with the
   * class "chosen" is scrolled into view once it is another; without one, the first that failed.
   * @param {Picture} picture
   * @param {string} focus what the chosen box stands for
   */
  show(picture, focus) {
    const isNew = picture.key !== this.picture?.key;
    const { scrollLeft, scrollTop } = this.scroller;
    this.picture = picture;
    if (isNew) this.zoom = this.#openingZoom();
    this.#size();
    show(this.scroller, picture.element);
    Object.assign(this.scroller, { scrollLeft, scrollTop });
    if (!isNew && focus === this.focus) return;
    this.focus = focus;
    const { element } = picture;
    this.reveal(element.querySelector(".chosen") ?? element.querySelector(".node.tone-bad"), isNew);
  }

  /** Scroll a box into the middle, unless it is seen already. @param {Element | null} box @param {boolean} [always] */
  reveal(box, always = false) {
    if (!box) return;
    const [target, seen] = [box.getBoundingClientRect(), this.scroller.getBoundingClientRect()];
    const isSeen =
      target.left >= seen.left && target.right <= seen.right && target.top >= seen.top && target.bottom <= seen.bottom;
    if (isSeen && !always) return;
    this.scroller.scrollLeft += target.left - seen.left - (seen.width - target.width) / 2;
    this.scroller.scrollTop += target.top - seen.top - (seen.height - target.height) / 2;
  }

  fit() {
    if (!this.picture) return;
    this.zoom = Math.max(SMALLEST, scaleIn(this.room, this.picture));
    this.#size();
  }

  /**
   * What lies at `point` stays there; the middle by default.
   * @param {number} factor
   * @param {{ x: number, y: number }} [point] in the window
   */
  zoomBy(factor, point) {
    if (!this.picture) return;
    const { scroller } = this;
    const seen = scroller.getBoundingClientRect();
    const [x, y] = point ? [point.x - seen.left, point.y - seen.top] : [seen.width / 2, seen.height / 2];
    const before = this.zoom;
    this.zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    const [left, top] = [scroller.scrollLeft + x, scroller.scrollTop + y];
    this.#size();
    scroller.scrollLeft = (left * this.zoom) / before - x;
    scroller.scrollTop = (top * this.zoom) / before - y;
  }

  #openingZoom() {
    const scale = this.picture ? scaleIn(this.room, this.picture) : 1;
    return scale >= LEAST_READABLE ? scale : OPENING;
  }

  #size() {
    if (!this.picture) return;
    const { element, width, height } = this.picture;
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    element.setAttribute("width", String(Math.round(width * this.zoom)));
    element.setAttribute("height", String(Math.round(height * this.zoom)));
  }

  #listen() {
    const { scroller } = this;
    scroller.addEventListener("keydown", (event) => this.#onKey(event));
    scroller.addEventListener("dragstart", (event) => event.preventDefault());
    scroller.addEventListener("pointerdown", (event) => this.#pan(event));
    scroller.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the others scroll
        event.preventDefault();
        this.zoomBy(event.deltaY < 0 ? STEP : 1 / STEP, { x: event.clientX, y: event.clientY });
      },
      { passive: false },
    );
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.zoomBy(STEP);
    else if (event.key === "-") this.zoomBy(1 / STEP);
    else if (event.key === "0") this.fit();
    else if (!this.#moveFocus(event.key)) return;
    event.preventDefault();
  }

  /** To the nearest box in that direction, if a box has the focus. @param {string} key */
  #moveFocus(key) {
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    const from = /** @type {Element | null} */ (document.activeElement)?.closest("a.node");
    if (!direction || !from) return false;
    const start = middleOf(from);
    const [dx, dy] = direction;
    const distances = [...this.scroller.querySelectorAll("a.node")].map((box) => {
      const { x, y } = middleOf(box);
      const ahead = (x - start.x) * dx + (y - start.y) * dy;
      const aside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
      return { box, ahead, distance: ahead + 2 * aside };
    });
    const [nearest] = distances.filter(({ ahead }) => ahead > 1).sort((a, b) => a.distance - b.distance);
    if (!nearest) return true;
    /** @type {SVGAElement} */ (nearest.box).focus({ preventScroll: true });
    this.reveal(nearest.box);
    return true;
  }

  /** Dragging with a mouse moves the picture; fingers scroll it anyway. @param {PointerEvent} down */
  #pan(down) {
    if (down.pointerType !== "mouse" || down.button !== 0) return;
    const { scroller } = this;
    const { scrollLeft, scrollTop } = scroller;
    let isDragged = false;
    /** @param {PointerEvent} event */
    const move = (event) => {
      const [x, y] = [event.clientX - down.clientX, event.clientY - down.clientY];
      isDragged ||= Math.hypot(x, y) > DRAG_PIXELS;
      if (isDragged) Object.assign(scroller, { scrollLeft: scrollLeft - x, scrollTop: scrollTop - y });
      scroller.classList.toggle("dragged", isDragged);
    };
    const up = () => {
      removeEventListener("pointermove", move);
      scroller.classList.remove("dragged");
      if (isDragged) ignoreNextClick(scroller);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up, { once: true });
    addEventListener("pointercancel", up, { once: true });
  }
}

/** @param {Element} box */
function middleOf(box) {
  const { left, top, width, height } = box.getBoundingClientRect();
  return { x: left + width / 2, y: top + height / 2 };
}

/** The click that ends a drag chooses nothing. @param {HTMLElement} element */
function ignoreNextClick(element) {
  /** @param {Event} event */
  const ignore = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  element.addEventListener("click", ignore, { capture: true, once: true });
  setTimeout(() => element.removeEventListener("click", ignore, { capture: true }));
}

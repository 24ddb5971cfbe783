// Markdown as elements: what a DAG file says about itself. Its author is not trusted: HTML in it is shown as text, and
// what the library makes of the rest is reduced to the markup of texts and to links that lead to pages.

const TAGS = "a blockquote br code del em h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead tr ul".split(" ");
const ATTRIBUTES = ["align", "href", "start", "title"];
const ADDRESSES = /^(?:https?:\/\/|mailto:|#)/i;
const FIRST_HEADING = 3; // below those of the page

/** @type {Promise<{ parse: (text: string) => string, sanitize: (html: string) => DocumentFragment }> | null} */
let loading = null;

/** @param {string} text @returns {Promise<DocumentFragment>} */
export async function markdown(text) {
  loading ??= load();
  const { parse, sanitize } = await loading;
  return sanitize(parse(text));
}

async function load() {
  const { Marked, DOMPurify } = /** @type {any} */ (await import("../vendor/markdown.js"));
  const marked = new Marked({ gfm: true, async: false, renderer: RENDERER });
  const purify = DOMPurify(window);
  purify.addHook("afterSanitizeAttributes", openOutside);
  return {
    parse: (/** @type {string} */ text) => marked.parse(text),
    sanitize: (/** @type {string} */ html) =>
      purify.sanitize(html, {
        ALLOWED_TAGS: TAGS,
        ALLOWED_ATTR: ATTRIBUTES,
        ALLOW_ARIA_ATTR: false,
        ALLOW_DATA_ATTR: false,
        ALLOWED_URI_REGEXP: ADDRESSES,
        RETURN_DOM_FRAGMENT: true,
      }),
  };
}

/** How some parts are written; the library knows the rest. */
const RENDERER = {
  /**
   * @this {any} the renderer
   * @param {any} token
   */
  heading(token) {
    const level = Math.min(6, token.depth + FIRST_HEADING - 1);
    return `<h${level}>${this.parser.parseInline(token.tokens)}</h${level}>`;
  },
  /** @param {{ text: string }} token */
  html({ text }) {
    return escaped(text);
  },
  /** The page shows no pictures of other sites: they would learn who looks. @param {{ href: string, text: string }} token */
  image({ href, text }) {
    return `<a href="${escaped(href)}">${escaped(text || href)}</a>`;
  },
  /** @param {{ checked: boolean }} token */
  checkbox({ checked }) {
    return checked ? "☑ " : "☐ ";
  },
};

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Links to other sites open beside the page. @param {Element} element */
function openOutside(element) {
  if (element.tagName !== "A" || !element.getAttribute("href") || element.getAttribute("href")?.startsWith("#")) return;
  element.setAttribute("target", "_blank");
  element.setAttribute("rel", "noopener noreferrer");
}

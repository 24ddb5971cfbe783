"""What a page does at one go, counted and not timed: a page that does little at a time stands still
on no machine."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

# A turn ends when a message to itself arrives: what is done until then keeps all else waiting.
# On a busy machine two or three turns may be counted as one.
COUNT = """
(() => {
  const turn = {nodes: 0, characters: 0};
  const most = {nodes: 0, characters: 0, answer: 0};
  const channel = new MessageChannel();
  let isOpen = false;
  const close = () => {
    isOpen = false;
    for (const kind of Object.keys(turn)) {
      most[kind] = Math.max(most[kind], turn[kind]);
      turn[kind] = 0;
    }
  };
  channel.port2.onmessage = close;
  const count = (kind, number) => {
    turn[kind] += number;
    if (!isOpen) channel.port1.postMessage(null);
    isOpen = true;
  };
  const wrap = (owner, name, before) => {
    const real = owner[name];
    owner[name] = function (...given) {
      before(this, given);
      return real.apply(this, given);
    };
  };
  for (const name of ["createElement", "createElementNS", "createTextNode"])
    wrap(Document.prototype, name, () => count("nodes", 1));
  for (const name of ["split", "toLowerCase", "replace", "replaceAll", "matchAll", "match"])
    wrap(String.prototype, name, (text) => count("characters", text.length));
  wrap(JSON, "parse", (_, [text]) => {
    most.answer = Math.max(most.answer, String(text).length);
    count("characters", String(text).length);
  });
  window.mostAtOnce = () => { close(); return most; };
})();
"""


@dataclass(frozen=True)
class AtOnce:
    """The most that was done in one turn: nodes made, characters of texts gone through; and the
    characters of the longest answer."""

    nodes: int
    characters: int
    answer: int


def count_from_now_on(page: Page) -> None:
    """Count in whatever the page loads next."""
    page.add_init_script(COUNT)


def most_at_once(page: Page) -> AtOnce:
    return AtOnce(**page.evaluate("window.mostAtOnce()"))


def laid_out(page: Page) -> int:
    """The elements of the page, but for those of a log's blocks, which are laid out when seen."""
    return int(page.evaluate("document.querySelectorAll('*:not(.block *)').length"))

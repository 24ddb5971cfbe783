// Ctrl-K, or Cmd-K on a Mac: opens the palette, whose module is loaded then.
import { messageOf } from "../lib/api.js";
import { notify } from "../lib/dom.js";
import { loadModule } from "../lib/modules.js";

/** @param {KeyboardEvent} event */
export function openPalette(event) {
  if (event.key?.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  event.preventDefault();
  showPalette();
}

export async function showPalette() {
  if (document.querySelector("dialog[open]")) return;
  try {
    const { palette } = await loadModule("widgets/palette.js");
    palette();
  } catch (error) {
    notify(messageOf(error));
  }
}

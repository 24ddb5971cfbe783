// How large a picture is shown. Pure.

/** @typedef {{ width: number, height: number }} Size */

/** How much a picture has to shrink to fit in; 1 if it fits as it is. @param {Size} room @param {Size} picture */
export function scaleIn(room, { width, height }) {
  return Math.min(1, room.width / width, room.height / height);
}

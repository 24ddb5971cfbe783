// The lines of a graph: straight through the rows of boxes, curved only between the rows, so that no line
// crosses a box. Pure.

/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ from: number, until: number }} Band the room of a row of boxes, across the direction of the graph */

/**
 * The rows of boxes, from the first to the last.
 * @param {readonly number[]} centres of the boxes, along the direction of the graph
 * @param {number} depth of a box in that direction
 * @returns {Band[]}
 */
export function bandsOf(centres, depth) {
  /** @type {Band[]} */
  const bands = [];
  for (const centre of [...centres].sort((a, b) => a - b)) {
    const [from, until] = [centre - depth / 2, centre + depth / 2];
    const last = bands.at(-1);
    if (last && from <= last.until) last.until = Math.max(last.until, until);
    else bands.push({ from, until });
  }
  return bands;
}

/**
 * An SVG path from one box to another. `points` are the line as the layout drew it: one in each row that it passes.
 * @param {readonly Point[]} points along y
 * @param {readonly Band[]} bands
 * @param {boolean} isSideways whether the graph runs from left to right: x and y are swapped
 */
export function edgePath(points, bands, isSideways) {
  const line = throughBands(points, bands);
  /** @param {Point} point */
  const at = ({ x, y }) => (isSideways ? `${round(y)},${round(x)}` : `${round(x)},${round(y)}`);
  const parts = line.slice(1).map((point, i) => {
    const before = line[i];
    if (point.x === before.x) return `L${at(point)}`;
    const middle = (before.y + point.y) / 2;
    return `C${at({ x: before.x, y: middle })} ${at({ x: point.x, y: middle })} ${at(point)}`;
  });
  return `M${at(line[0])} ${parts.join(" ")}`;
}

/** Where the line enters and leaves each row. @param {readonly Point[]} points @param {readonly Band[]} bands */
function throughBands(points, bands) {
  const isBackwards = points[0].y > points[points.length - 1].y;
  const forwards = isBackwards ? [...points].reverse() : points;
  const [start, end] = [forwards[0], forwards[forwards.length - 1]];
  /** @type {Point[]} */
  const line = [start];
  for (const { x, y } of forwards.slice(1, -1)) {
    const band = bands.find(({ from, until }) => from <= y && y <= until);
    if (!band || band.from <= start.y || band.until >= end.y) continue;
    line.push({ x, y: band.from }, { x, y: band.until });
  }
  line.push(end);
  return isBackwards ? line.reverse() : line;
}

/** @param {number} number */
const round = (number) => Math.round(number * 10) / 10;

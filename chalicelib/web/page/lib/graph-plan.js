// Where the boxes, lines and frames of a graph lie. Pure; a worker calls it, since large graphs take a while.
import { Graph, layout } from "../vendor/dagre.js";
import { bandsOf, edgePath } from "./edge-paths.js";
import { scaleIn } from "./picture-size.js";

const MOST_TWICE = 120; // boxes: what is larger is laid out in one direction only
const SPACING = { nodesep: 14, edgesep: 12, ranksep: 28, marginx: 8, marginy: 8 };
const LABEL = 18; // pixels of a frame's name

/** @typedef {import("./picture-size.js").Size} Size */
/** @typedef {{ id: string, x: number, y: number }} Place the centre of a box */
/** @typedef {{ id: string, x: number, y: number, width: number, height: number }} Frame its upper left corner */
/** @typedef {{ source: string, target: string, d: string }} Line d: an SVG path */
/** @typedef {Size & { places: Place[], lines: Line[], frames: Frame[] }} Plan */
/** @typedef {{ nodes: readonly string[], edges: readonly { source: string, target: string }[], groups?: { [id: string]: readonly string[] } }} Shape groups: the boxes in each frame */

/**
 * In the direction in which more of the graph can be read in `room`.
 * @param {Shape} shape
 * @param {Size} box
 * @param {Size} room
 * @returns {Plan}
 */
export function planGraph(shape, box, room) {
  const sideways = planned(shape, box, "LR");
  if (shape.nodes.length > MOST_TWICE) return sideways;
  const downwards = planned(shape, box, "TB");
  return scaleIn(room, sideways) >= scaleIn(room, downwards) ? sideways : downwards;
}

/** @param {Shape} shape @param {Size} box @param {"LR" | "TB"} rankdir @returns {Plan} */
function planned(shape, box, rankdir) {
  const framed = Object.keys(shape.groups ?? {}).length > 0;
  if (!framed) return drawn(shape, box, rankdir);
  try {
    return drawn(shape, box, rankdir);
  } catch {
    return drawn({ ...shape, groups: {} }, box, rankdir); // frames are a help, the graph is complete without them
  }
}

/** @param {Shape} shape @param {Size} box @param {"LR" | "TB"} rankdir @returns {Plan} */
function drawn({ nodes, edges, groups = {} }, box, rankdir) {
  const graph = new Graph({ compound: true }).setGraph({ rankdir, ...SPACING }).setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) graph.setNode(id, { ...box });
  for (const [id, members] of Object.entries(groups)) {
    graph.setNode(id, {});
    for (const member of members) graph.setParent(member, id);
  }
  for (const { source, target } of edges) graph.setEdge(source, target);
  layout(graph);
  const places = nodes.map((id) => ({ id, x: graph.node(id).x, y: graph.node(id).y }));
  const frames = Object.keys(groups).map((id) => frameOf(id, graph.node(id)));
  return within({ width: graph.graph().width, height: graph.graph().height }, places, frames, {
    isSideways: rankdir === "LR",
    box,
    edges: graph.edges().map((/** @type {any} */ edge) => ({
      source: edge.v,
      target: edge.w,
      points: graph.edge(edge).points,
    })),
  });
}

/** @param {string} id @param {Frame} node whose x and y are its centre @returns {Frame} */
function frameOf(id, { x, y, width, height }) {
  return { id, x: x - width / 2, y: y - height / 2 - LABEL / 2, width, height: height + LABEL / 2 };
}

/**
 * @param {Size} size
 * @param {Place[]} places
 * @param {Frame[]} frames
 * @param {{ isSideways: boolean, box: Size, edges: { source: string, target: string, points: import("./edge-paths.js").Point[] }[] }} drawing
 * @returns {Plan}
 */
function within({ width, height }, places, frames, { isSideways, box, edges }) {
  const bands = isSideways
    ? bandsOf(
        places.map(({ x }) => x),
        box.width,
      )
    : bandsOf(
        places.map(({ y }) => y),
        box.height,
      );
  const centres = new Map(places.map((place) => [place.id, place]));
  const lines = edges.map(({ source, target, points }) => {
    const ends = endsOf(centres.get(source), centres.get(target), box, isSideways);
    const inside = points.slice(1, -1).map((point) => (isSideways ? { x: point.y, y: point.x } : point));
    return { source, target, d: edgePath([ends.start, ...inside, ends.end], bands, isSideways) };
  });
  return { width: Math.ceil(width), height: Math.ceil(height), places, frames, lines };
}

/**
 * Where a line leaves and enters: the middle of the sides that face each other, along y.
 * @param {any} source
 * @param {any} target
 * @param {Size} box
 * @param {boolean} isSideways
 */
function endsOf(source, target, box, isSideways) {
  const [a, b] = isSideways
    ? [
        { x: source.y, y: source.x },
        { x: target.y, y: target.x },
      ]
    : [source, target];
  const half = (isSideways ? box.width : box.height) / 2;
  const forwards = a.y <= b.y ? 1 : -1;
  return { start: { x: a.x, y: a.y + half * forwards }, end: { x: b.x, y: b.y - half * forwards } };
}

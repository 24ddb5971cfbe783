// Parts of graphs that are too large to be drawn as a whole. Pure.

const MAX_NEIGHBOURS = 12; // so that one wide task doesn't fill the picture

/**
 * `most` tasks around `centre`, the nearest first, with the edges between them. `cut` tells for a task
 * how many of its neighbours are left out.
 * @param {Api.Graph} graph
 * @param {string} centre
 * @param {number} most
 */
export function neighbourhood({ nodes, edges }, centre, most) {
  /** @type {Map<string, string[]>} */
  const neighbours = new Map(nodes.map((id) => [id, []]));
  for (const { source, target } of edges) {
    neighbours.get(source)?.push(target);
    neighbours.get(target)?.push(source);
  }
  const near = new Set([centre]);
  for (const id of near) {
    for (const next of neighbours.get(id)?.slice(0, MAX_NEIGHBOURS) ?? []) {
      if (near.size >= most) break;
      near.add(next);
    }
  }
  /** @type {Map<string, number>} */
  const cut = new Map();
  for (const id of near) {
    const left = (neighbours.get(id) ?? []).filter((other) => !near.has(other)).length;
    if (left) cut.set(id, left);
  }
  return {
    nodes: nodes.filter((id) => near.has(id)),
    edges: edges.filter(({ source, target }) => near.has(source) && near.has(target)),
    cut,
  };
}

/**
 * The tasks by the length of the longest path to them.
 * @param {Api.Graph} graph whose nodes are in topological order
 */
export function levels({ nodes, edges }) {
  /** @type {Map<string, string[]>} */
  const upstream = new Map(nodes.map((id) => [id, []]));
  for (const { source, target } of edges) upstream.get(target)?.push(source);
  /** @type {Map<string, number>} */
  const depths = new Map();
  /** @type {string[][]} */
  const rows = [];
  for (const id of nodes) {
    const depth = Math.max(0, ...(upstream.get(id) ?? []).map((source) => (depths.get(source) ?? -1) + 1));
    depths.set(id, depth);
    (rows[depth] ??= []).push(id);
  }
  return rows;
}

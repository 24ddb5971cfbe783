// Parts of graphs that are too large to be drawn whole. Pure.

/** `most` tasks around `centre`, the nearest first, before and after it in turn; the lines between
 * them; and `cut`: for each of them how many of its lines lead to tasks that are left out. */
export function neighbourhood({ nodes, edges }, centre, most) {
  const beside = new Map(nodes.map((id) => [id, []]));
  for (const { source, target } of edges) {
    beside.get(source).push(target);
    beside.get(target).push(source);
  }
  const found = new Set([centre]);
  for (const id of found) {
    for (const next of spread(beside.get(id))) {
      if (found.size >= most) break;
      found.add(next);
    }
  }
  const cut = new Map();
  for (const id of found) {
    const left = beside.get(id).filter((other) => !found.has(other)).length;
    if (left) cut.set(id, left);
  }
  return {
    nodes: nodes.filter((id) => found.has(id)),
    edges: edges.filter(({ source, target }) => found.has(source) && found.has(target)),
    cut,
  };
}

/** Of very many neighbours a dozen: one wide task must not fill the whole picture. */
const spread = (ids) => ids.slice(0, 12);

/** The tasks by the longest way to them from a task that waits for nothing; `nodes` in topological order. */
export function levels({ nodes, edges }) {
  const before = Map.groupBy(edges, (edge) => edge.target);
  const depth = new Map();
  const rows = [];
  for (const id of nodes) {
    const at = (before.get(id) ?? []).reduce((most, { source }) => Math.max(most, (depth.get(source) ?? -1) + 1), 0);
    depth.set(id, at);
    (rows[at] ??= []).push(id);
  }
  return rows;
}

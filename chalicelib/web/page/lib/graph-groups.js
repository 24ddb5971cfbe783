// Groups of tasks that a graph can show as one box: by the tasks' `group`, or by the beginning of their ids. Pure.

/** @typedef {{ name: string, members: string[], isNamed: boolean }} Group isNamed: in the DAG file */
/** @typedef {{ nodes: string[], edges: Api.Graph["edges"], members: Map<string, string[]>, frames: { [box: string]: string[] } }} Folded members: of the folded groups; frames: of the open ones */

const MANY = 24; // tasks that can be looked through without groups
const VERY_MANY = 80;
const LEAST_MEMBERS = 3;
const LARGEST_SHARE = 0.7; // of all tasks, in a group by ids

/**
 * @param {readonly { id: string, group?: string | null }[]} tasks
 * @param {Api.Graph} graph
 * @returns {Group[]}
 */
export function groupsOf(tasks, graph) {
  const named = gathered(tasks.map(({ id, group }) => [group ?? null, id]));
  if (named.length) return named.map(([name, members]) => ({ name, members, isNamed: true }));
  if (graph.nodes.length <= MANY) return [];
  return gathered(graph.nodes.map((id) => [beginning(id), id]))
    .filter(([, members]) => members.length >= LEAST_MEMBERS)
    .filter(([, members]) => members.length < graph.nodes.length * LARGEST_SHARE)
    .filter(([, members]) => isClosed(members, graph))
    .map(([name, members]) => ({ name, members, isNamed: false }));
}

/**
 * The names of the groups that are folded unless somebody unfolds them: those of a large graph, but not around the chosen task.
 * @param {readonly Group[]} groups
 * @param {number} tasks how many there are
 * @param {string | null} chosen
 */
export function foldedAtFirst(groups, tasks, chosen) {
  const isFolded = (/** @type {Group} */ { members, isNamed }) =>
    tasks > (isNamed ? MANY : VERY_MANY) && !(chosen !== null && members.includes(chosen));
  return new Set(groups.filter(isFolded).map(({ name }) => name));
}

/** The id of a group's box: no task has a colon in its id. @param {string} name */
export const boxOf = (name) => `group:${name}`;

/**
 * The graph with one box for each folded group.
 * @param {Api.Graph} graph
 * @param {readonly Group[]} groups
 * @param {ReadonlySet<string>} folded names
 * @returns {Folded}
 */
export function foldedGraph(graph, groups, folded) {
  const members = new Map(
    groups.filter(({ name }) => folded.has(name)).map((group) => [boxOf(group.name), group.members]),
  );
  const boxes = new Map([...members].flatMap(([box, ids]) => ids.map((id) => [id, box])));
  const boxFor = (/** @type {string} */ id) => boxes.get(id) ?? id;
  const edges = graph.edges
    .map(({ source, target }) => ({ source: boxFor(source), target: boxFor(target) }))
    .filter(({ source, target }) => source !== target);
  const open = groups.filter(({ name }) => !folded.has(name));
  return {
    nodes: [...new Set(graph.nodes.map(boxFor))],
    edges: [...new Map(edges.map((edge) => [`${edge.source} ${edge.target}`, edge])).values()],
    members,
    frames: Object.fromEntries(open.map(({ name, members: ids }) => [boxOf(name), ids])),
  };
}

/** @param {(readonly [string | null, string])[]} pairs of a name and a member @returns {[string, string[]][]} */
function gathered(pairs) {
  /** @type {Map<string, string[]>} */
  const members = new Map();
  for (const [name, id] of pairs) if (name !== null) add(members, name, id);
  return [...members];
}

/** @param {Map<string, string[]>} lists @param {string} key @param {string} item */
function add(lists, key, item) {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

/** What comes before the last "." or "__", as in "extract.orders"; else the first word, as in "extract_orders". @param {string} id */
function beginning(id) {
  const path = /^(.+)(?:\.|__)./.exec(id) ?? /^([^_-]+)[_-]./.exec(id);
  return path?.[1] ?? null;
}

/** Whether no path leaves the members and comes back to them. @param {string[]} members @param {Api.Graph} graph */
function isClosed(members, { edges }) {
  const inside = new Set(members);
  /** @type {Map<string, string[]>} */
  const targets = new Map();
  for (const { source, target } of edges) add(targets, source, target);
  const seen = new Set(
    edges.filter(({ source, target }) => inside.has(source) && !inside.has(target)).map(({ target }) => target),
  );
  for (const id of seen) {
    for (const target of targets.get(id) ?? []) {
      if (inside.has(target)) return false;
      seen.add(target);
    }
  }
  return true;
}

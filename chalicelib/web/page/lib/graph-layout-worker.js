// Where the boxes and lines of a graph lie: worked out beside the page, which does not stand still.
import { Graph, layout } from "../vendor/dagre.js";

onmessage = ({ data: { key, graph, size } }) => {
  const plan = new Graph()
    .setGraph({ rankdir: graph.nodes.length > 60 ? "LR" : "TB", nodesep: 16, ranksep: 30, marginx: 6, marginy: 6 })
    .setDefaultEdgeLabel(() => ({}));
  for (const id of graph.nodes) plan.setNode(id, { ...size });
  for (const { source, target } of graph.edges) plan.setEdge(source, target);
  layout(plan);
  postMessage({
    key,
    width: Math.ceil(plan.graph().width),
    height: Math.ceil(plan.graph().height),
    places: graph.nodes.map((id) => ({ id, x: plan.node(id).x, y: plan.node(id).y })),
    lines: plan.edges().map((edge) => curve(plan.edge(edge).points)),
  });
};

function curve(points) {
  const [first, ...rest] = points;
  const end = rest.at(-1);
  if (rest.length < 2) return `M${first.x},${first.y} L${end.x},${end.y}`;
  const middle = rest.slice(0, -1).map((point, i) => {
    const next = rest[i + 1];
    return `Q${point.x},${point.y} ${(point.x + next.x) / 2},${(point.y + next.y) / 2}`;
  });
  return `M${first.x},${first.y} ${middle.join(" ")} L${end.x},${end.y}`;
}

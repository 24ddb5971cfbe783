"""A history as one HTML page that needs nothing else: a bar for each run, a line for each DAG."""

from __future__ import annotations

import json

from jinja2 import Environment

from chalicelib.cli.forecast.history import History

MOST_RUNS = 20_000
"""Bars that a browser draws without effort."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root { color-scheme: light dark; font: 14px system-ui, sans-serif }
  body { margin: 1rem }
  canvas { width: 100%; display: block; cursor: crosshair }
  #tip { position: fixed; background: Canvas; border: 1px solid; padding: .3rem .5rem; display: none;
         white-space: pre; pointer-events: none }
</style></head>
<body><h1>{{ title }}</h1>
<p>{{ summary }} Scroll to zoom, drag to move, double-click to see all again.</p>
<canvas id="chart"></canvas><div id="tip" role="status"></div>
<script>
const data = {{ data }};
const canvas = document.getElementById("chart"), tip = document.getElementById("tip");
const ROW = 18, LEFT = 220, HEAD = 24;
const COLOURS = {success: "#2e9e5b", failed: "#d13c3c", running: "#2b8ac6", queued: "#8a8f98", cancelled: "#c58f1a"};
let from = data.begins, to = data.ends, dragged = null;
const x = (t) => LEFT + (t - from) / (to - from) * (canvas.clientWidth - LEFT);
const when = (t) => new Date(t * 1000).toISOString().slice(0, 19).replace("T", " ");
function draw() {
  const ratio = devicePixelRatio, width = canvas.clientWidth, height = HEAD + ROW * data.dags.length + 8;
  canvas.style.height = height + "px"; canvas.width = width * ratio; canvas.height = height * ratio;
  const g = canvas.getContext("2d"); g.scale(ratio, ratio);
  const ink = getComputedStyle(document.body).color;
  g.font = "12px system-ui"; g.fillStyle = ink;
  for (let i = 0; i <= 6; i++) {
    const t = from + (to - from) * i / 6, at = x(t);
    g.globalAlpha = .15; g.fillRect(at, HEAD, 1, height); g.globalAlpha = 1;
    g.textAlign = i == 6 ? "right" : "left"; g.fillText(when(t).slice(5, 16), at, 14);
  }
  g.textAlign = "left";
  data.dags.forEach((name, row) => g.fillText(name.slice(0, 30), 0, HEAD + ROW * row + 13));
  for (const [row, ready, start, end, state] of data.runs) {
    const top = HEAD + ROW * row + 3;
    if (end < from || ready > to) continue;
    g.fillStyle = "#8a8f98"; g.globalAlpha = .5;
    const a = Math.max(LEFT, x(ready)), b = Math.max(LEFT, x(start)), c = Math.max(LEFT, x(end));
    g.fillRect(a, top + 4, b - a, ROW - 14);
    g.globalAlpha = 1; g.fillStyle = COLOURS[state] || ink; g.fillRect(b, top, Math.max(1, c - b), ROW - 6);
  }
}
canvas.addEventListener("wheel", (e) => {
  e.preventDefault();
  const at = from + (e.offsetX - LEFT) / (canvas.clientWidth - LEFT) * (to - from);
  const factor = e.deltaY > 0 ? 1.25 : .8;
  from = at - (at - from) * factor; to = at + (to - at) * factor; draw();
}, {passive: false});
canvas.addEventListener("pointerdown", (e) => { dragged = e.offsetX; });
addEventListener("pointerup", () => { dragged = null; });
canvas.addEventListener("dblclick", () => { from = data.begins; to = data.ends; draw(); });
canvas.addEventListener("pointermove", (e) => {
  if (dragged !== null) {
    const by = (dragged - e.offsetX) / (canvas.clientWidth - LEFT) * (to - from);
    from += by; to += by; dragged = e.offsetX; draw(); return;
  }
  const row = Math.floor((e.offsetY - HEAD) / ROW);
  const run = data.runs.find(([r, ready, , end]) => r === row && x(ready) - 2 <= e.offsetX && e.offsetX <= x(end) + 2);
  tip.style.display = run ? "block" : "none";
  if (run) {
    const wait = run[2] - run[1];
    tip.textContent = `${data.dags[row]}: ${run[4]}\\n${when(run[2])} to ${when(run[3])} UTC`
      + (wait >= 1 ? `\\nwaited ${Math.round(wait)} s` : "");
    tip.style.left = Math.min(e.clientX + 12, innerWidth - 320) + "px"; tip.style.top = e.clientY + 12 + "px";
  }
});
addEventListener("resize", draw); draw();
</script></body></html>
"""  # noqa: E501


def page(history: History) -> str:
    """The page's HTML."""
    dags = sorted(history.dags)
    rows = {dag_id: number for number, dag_id in enumerate(dags)}
    end = history.ends.timestamp()
    runs = [
        [
            rows[run.dag_id],
            round(max(run.created_at, run.not_before).timestamp(), 3),
            round((run.started_at or run.created_at).timestamp(), 3),
            round(run.ended_at.timestamp() if run.ended_at else end, 3),
            str(run.state),
        ]
        for run in history.runs[:MOST_RUNS]
        if run.dag_id in rows
    ]
    data = {"begins": history.begins.timestamp(), "ends": end, "dags": dags, "runs": runs}
    left_out = max(0, len(history.runs) - MOST_RUNS)
    summary = f"{len(history.runs)} runs of {len(dags)} DAGs."
    if left_out:
        summary += f" The last {left_out} runs are not drawn."
    template = Environment(autoescape=True).from_string(_PAGE)
    title = f"Simulation from {history.begins:%Y-%m-%d %H:%M} to {history.ends:%Y-%m-%d %H:%M} UTC"
    # Inside a script, HTML reads only `</`, and a DAG's id holds none.
    from markupsafe import Markup

    text = Markup(json.dumps(data).replace("</", "<\\/"))  # noqa: S704 - JSON, made harmless above
    return template.render(title=title, summary=summary, data=text)

"""Cost curves as an SVG that can be read on white and on black."""

import math

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 30, 40, 50
COLOURS = ("#2f7ed8", "#d9730d")

STYLE = """
  text { font: 13px sans-serif; fill: #333 }
  .grid { stroke: #8885; stroke-width: 1 }
  .curve { fill: none; stroke-width: 2 }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def runs_text(runs):
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if runs >= unit:
            return f"{runs // unit}{name}"
    return str(runs)


def tick_step(most):
    """Of at most six ticks up to `most`: 1, 2 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(most / 6))
    return next(step * power for step in (1, 2, 5, 10) if step * power * 6 >= most)


def svg(title, curves):
    """`curves`: name to a list of (runs, nanoseconds)."""
    points = [point for curve in curves.values() for point in curve]
    runs = sorted({run for run, _ in points})
    low, high = math.log10(runs[0]), math.log10(runs[-1])
    step = tick_step(max(ns for _, ns in points))
    top = math.ceil(max(ns for _, ns in points) / step) * step

    def x(run):
        return LEFT + (math.log10(run) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(ns):
        return HEIGHT - BOTTOM - ns / top * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'role="img" aria-label="{title}">', f"<style>{STYLE}</style>",
           f'<text x="{LEFT}" y="20">{title}</text>']
    for tick in range(int(round(top / step)) + 1):
        at = y(tick * step)
        out += [f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>',
                f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{tick * step:g}</text>']
    for run in runs:
        out.append(f'<text x="{x(run):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">'
                   f"{runs_text(run)}</text>")
    out.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">runs in flight</text>')
    for place, ((name, curve), colour) in enumerate(zip(curves.items(), COLOURS)):
        path = " ".join(f"{x(run):.1f},{y(ns):.1f}" for run, ns in curve)
        out.append(f'<polyline class="curve" stroke="{colour}" points="{path}"/>')
        out += [f'<circle cx="{x(run):.1f}" cy="{y(ns):.1f}" r="3.5" fill="{colour}">'
                f"<title>{name}, {run:,} runs: {ns:.0f} ns</title></circle>" for run, ns in curve]
        legend = TOP + 16 * place + 12
        out += [f'<rect x="{LEFT + 12}" y="{legend - 9}" width="10" height="10" fill="{colour}"/>',
                f'<text x="{LEFT + 28}" y="{legend}">{name}</text>']
    return "\n".join(out + ["</svg>", ""])

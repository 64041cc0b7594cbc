#!/usr/bin/env python3
"""Draws every NAME.txt of this folder as NAME.svg. With --check, fails if an SVG is not up to date.

A line of a source file is one of these; coordinates are in pixels, `|` starts a new line of text:

    size WIDTH HEIGHT Description for screen readers
    group X Y WIDTH HEIGHT Title | subtitle
    box X Y WIDTH HEIGHT Title | second line | third line
    arrow X,Y X,Y ... Label
"""

import pathlib
import sys
from html import escape

STYLE = """
text { font: 13px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 12px; fill: #59636e }
.paper { fill: #ffffff }
.group { fill: #f6f8fa; stroke: #d1d9e0 }
.box { fill: #ffffff; stroke: #818b98 }
.arrow { fill: none; stroke: #0969da; stroke-width: 2 }
.head { fill: #0969da }
.label { font-size: 12px; fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.small { fill: #9198a1 }
.paper { fill: #0d1117 }
.group { fill: #151b23; stroke: #3d444d }
.box { fill: #0d1117; stroke: #656c76 }
.arrow { stroke: #4493f8 }
.head, .label { fill: #4493f8 }
}
"""


def rectangle(kind, x, y, width, height):
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'


def lines(x, y, text):
    words = [line.strip() for line in text.split("|")]
    return [
        f'<text class="{"small" if index else "title"}" x="{x}" y="{y + 18 * index}">{escape(line)}</text>'
        for index, line in enumerate(words)
    ]


def arrow(points, label):
    (x1, y1), (x2, y2) = points[0], points[1]
    path = " ".join(f"{x},{y}" for x, y in points)
    across = abs(x2 - x1) > abs(y2 - y1)
    x, y, anchor = ((x1 + x2) // 2, y1 - 7, "middle") if across else (x1 + 8, (y1 + y2) // 2 + 4, "start")
    return [
        f'<polyline class="arrow" points="{path}" marker-end="url(#head)"/>',
        f'<text class="label" x="{x}" y="{y}" text-anchor="{anchor}">{escape(label)}</text>',
    ]


def draw(source):
    width = height = description = None
    shapes = []
    for line in source.splitlines():
        verb, _, rest = line.partition(" ")
        if verb == "size":
            width, height, description = rest.split(maxsplit=2)
        elif verb in ("group", "box"):
            *numbers, text = rest.split(maxsplit=4)
            x, y, w, h = map(int, numbers)
            shapes += [rectangle(verb, x, y, w, h), *lines(x + 12, y + 22, text)]
        elif verb == "arrow":
            words = rest.split()
            corners = [tuple(map(int, word.split(","))) for word in words if word.replace(",", "").isdigit()]
            shapes += arrow(corners, " ".join(words[len(corners) :]))
        elif verb and not verb.startswith("#"):
            sys.exit(f"draw.py: unknown shape {verb!r}")
    head = '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" markerHeight="5" orient="auto">'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(description)}</title>",
            f"<style>{STYLE}</style>",
            f'<defs>{head}<path class="head" d="M0,0 L8,4 L0,8 z"/></marker></defs>',
            f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
            *shapes,
            "</svg>",
            "",
        ]
    )


def main():
    for source in sorted(pathlib.Path(__file__).parent.glob("*.txt")):
        picture, drawn = source.with_suffix(".svg"), draw(source.read_text(encoding="utf-8"))
        if "--check" not in sys.argv:
            picture.write_text(drawn, encoding="utf-8")
        elif not picture.exists() or picture.read_text(encoding="utf-8") != drawn:
            sys.exit(f"draw.py: {picture.name} is not up to date: run python3 assets/diagrams/draw.py")


main()

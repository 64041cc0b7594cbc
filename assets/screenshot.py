#!/usr/bin/env python3
"""Draws a captured terminal screen as an SVG: `tmux capture-pane -e -p | screenshot.py > desk.svg`.

Each character has a cell of its own, and braille, blocks and lines are drawn as shapes, so that the picture looks the
same whatever fonts its reader has. Only Python's own library is used.
"""

import collections
import html
import re
import sys
import unicodedata

CELL_W, CELL_H, MARGIN, BAR = 9, 19, 14, 26
GROUND, INK = "#11131a", "#d7dae0"
COLOURS = [
    "#2a2e39", "#f7647b", "#5fd38d", "#e8c468", "#6ea8fe", "#c792ea", "#5ccfe6", "#c8ccd4",
    "#6b7280", "#ff8598", "#7ee2a8", "#f2d68b", "#93c0ff", "#d9b0f5", "#8be0f0", "#ffffff",
]


def indexed(number):
    """One of the 256 colours."""
    if number < 16:
        return COLOURS[number]
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    steps = [0, 95, 135, 175, 215, 255]
    number -= 16
    return "#" + "".join(f"{steps[part]:02x}" for part in (number // 36, number // 6 % 6, number % 6))


class Pen:
    """The style that the escape sequences have set."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ink, self.ground, self.bold, self.dim, self.reverse = None, None, False, False, False

    def take(self, codes):
        codes = [int(code or 0) for code in codes.split(";")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 27:
                self.reverse = False
            elif code in (38, 48):
                if codes.pop(0) == 5:
                    colour = indexed(codes.pop(0))
                else:
                    colour = "#%02x%02x%02x" % tuple(codes[:3])
                    del codes[:3]
                self.ink, self.ground = (colour, self.ground) if code == 38 else (self.ink, colour)
            elif code in (39, 49):
                self.ink, self.ground = (None, self.ground) if code == 39 else (self.ink, None)
            elif code // 10 in (3, 9):
                self.ink = COLOURS[code % 10 + (8 if code >= 90 else 0)]
            elif code // 10 in (4, 10):
                self.ground = COLOURS[code % 10 + (8 if code >= 100 else 0)]

    def style(self):
        ink, ground = self.ink or INK, self.ground
        if self.reverse:
            ink, ground = ground or GROUND, ink
        return ink, ground, self.bold, self.dim


def cells(line, pen):
    """The characters of a line with their columns and styles."""
    column = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            pen.take(part[2:-1])
            continue
        for letter in part:
            yield column, letter, pen.style()
            column += 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def rect(x, y, width, height, fill):
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" shape-rendering="crispEdges"/>'


def braille(letter, x, y, fill):
    bits = ord(letter) - 0x2800
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    dots = [place for bit, place in enumerate(places) if bits >> bit & 1]
    step_x, step_y = CELL_W / 2, CELL_H / 4
    return "".join(
        f'<circle cx="{x + (dot_x + 0.5) * step_x:g}" cy="{y + (dot_y + 0.5) * step_y:g}" r="1.5" fill="{fill}"/>'
        for dot_x, dot_y in dots
    )


# From the middle of the cell to its left, right, top and bottom.
LINES = {
    "─": "lr", "│": "tb", "╭": "rb", "╮": "lb", "╰": "rt", "╯": "lt", "┌": "rb", "┐": "lb", "└": "rt", "┘": "lt",
    "├": "tbr", "┤": "tbl", "┬": "lrb", "┴": "lrt", "┼": "lrtb", "━": "LR", "┃": "TB",
}


def lines(letter, x, y, fill):
    mid_x, mid_y = x + CELL_W / 2, y + CELL_H / 2
    ends = {"l": (x, mid_y), "r": (x + CELL_W, mid_y), "t": (mid_x, y), "b": (mid_x, y + CELL_H)}
    path = "".join(f"M{mid_x:g} {mid_y:g}L{ends[end.lower()][0]:g} {ends[end.lower()][1]:g}" for end in LINES[letter])
    width = 2.4 if LINES[letter].isupper() else 1.1
    return f'<path d="{path}" stroke="{fill}" stroke-width="{width}"/>'


def block(letter, x, y, fill):
    if letter == "▀":
        return rect(x, y, CELL_W, CELL_H / 2, fill)
    if letter == "▐":
        return rect(x + CELL_W / 2, y, CELL_W / 2, CELL_H, fill)
    code = ord(letter)
    if 0x2581 <= code <= 0x2588:
        height = CELL_H * (code - 0x2580) / 8
        return rect(x, y + CELL_H - height, CELL_W, height, fill)
    width = CELL_W * (0x2590 - code) / 8
    return rect(x, y, width, CELL_H, fill)


def draw(letter, x, y, style):
    ink, ground, bold, dim = style
    shapes = rect(x, y, CELL_W, CELL_H, ground) if ground else ""
    if letter == " ":
        return shapes
    if "\u2800" <= letter <= "\u28ff":
        shape = braille(letter, x, y, ink)
    elif letter in LINES:
        shape = lines(letter, x, y, ink)
    elif letter == "▀" or "\u2581" <= letter <= "\u2590":
        shape = block(letter, x, y, ink)
    else:
        weight = ' font-weight="bold"' if bold else ""
        shape = f'<text x="{x + CELL_W / 2:g}" y="{y + 14:g}" fill="{ink}"{weight}>{html.escape(letter)}</text>'
    return shapes + (f'<g opacity="0.55">{shape}</g>' if dim else shape)


def main():
    pen = Pen()
    rows = sys.stdin.read().rstrip("\n").split("\n")
    placed = [(row, *cell) for row, line in enumerate(rows) for cell in cells(line, pen)]
    columns = max((column + 1 for _, column, _, _ in placed), default=0)
    # What most cells stand on is the paper of the whole picture, and need not be drawn again.
    (paper, _), *_ = collections.Counter(ground for *_, (_, ground, _, _) in placed).most_common(1) or [(None, 0)]
    shapes = []
    for row, column, letter, (ink, ground, *weight) in placed:
        style = ink, None if ground == paper else ground, *weight
        shapes.append(draw(letter, MARGIN + column * CELL_W, BAR + row * CELL_H, style))
    width, height = columns * CELL_W + 2 * MARGIN, len(rows) * CELL_H + BAR + MARGIN
    lights = "".join(
        f'<circle cx="{MARGIN + 5 + 17 * place}" cy="13" r="5" fill="{colour}"/>'
        for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="ui-monospace, Menlo, '
        f'Consolas, \'DejaVu Sans Mono\', monospace" font-size="14.5" text-anchor="middle" fill="none">'
        f'<rect width="{width}" height="{height}" rx="9" fill="{paper or GROUND}"/>{lights}'
        + "\n".join(shape for shape in shapes if shape)
        + "</svg>"
    )


if __name__ == "__main__":
    main()

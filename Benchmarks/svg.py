"""Curves as small SVG files: both axes logarithmic, one line for each series, the slope of cost ∝ work."""

import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 360, 72, 140, 36, 48
COLORS = ["#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a"]


def text(x, y, words, anchor="middle", size=11, color="#24292f", turn=None):
    rotate = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{color}"{rotate}>{words}</text>')


def line(x1, y1, x2, y2, color, dashes=""):
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{dash}/>')


class Axis:
    """Numbers onto a length, by their logarithms."""

    def __init__(self, numbers, first, last):
        low, high = math.log10(min(numbers)), math.log10(max(numbers))
        margin = max(0.02 * (high - low), 0.01)
        self.low, self.high = low - margin, high + margin
        self.first, self.last = first, last

    def at(self, number):
        share = (math.log10(number) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self):
        """Round numbers, at most some eight."""
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = [s * 10.0 ** p for p in powers for s in steps]
            found = [n for n in found if self.low <= math.log10(n) <= self.high]
            if len(found) <= 9:
                break
        return found


def label(number):
    return f"{number:,.0f}" if number >= 1 else f"{number:g}"


def names(ends):
    """The series' names behind their last points, none over another."""
    parts, free = [], 0
    for (x, y), name, color in sorted(ends, key=lambda end: end[0][1]):
        free = max(y + 4, free + 13)
        parts.append(text(x + 8, free, name, "start", 11, color))
    return parts


def curves(title, x_name, y_name, series):
    """An SVG of `series`: name -> [(x, y)]; numbers are above 0."""
    points = [point for line_ in series.values() for point in line_]
    x = Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y = Axis([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        text(LEFT, 20, title, "start", 13),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_name),
        text(16, (TOP + HEIGHT - BOTTOM) / 2, y_name, turn=-90),
    ]
    for tick in x.ticks():
        parts.append(line(x.at(tick), TOP, x.at(tick), HEIGHT - BOTTOM, "#eaeef2"))
        parts.append(text(x.at(tick), HEIGHT - BOTTOM + 16, label(tick)))
    for tick in y.ticks():
        parts.append(line(LEFT, y.at(tick), WIDTH - RIGHT, y.at(tick), "#eaeef2"))
        parts.append(text(LEFT - 6, y.at(tick) + 4, label(tick), "end"))
    ends = []
    for (name, line_), color in zip(series.items(), COLORS):
        places = [(x.at(a), y.at(b)) for a, b in line_]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        dashes = ' stroke-dasharray="4 3"' if name.startswith("∝") else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"{dashes}/>')
        if not dashes:
            parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.4" fill="{color}"/>' for a, b in places]
        ends.append((places[-1], name, color))
    parts += names(ends)
    return "\n".join([*parts, "</svg>\n"])

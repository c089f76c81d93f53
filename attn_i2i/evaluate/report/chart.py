"""A scatter plot of models, as SVG for the page and as PNG for a paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple, TypeAlias

from PIL import Image, ImageDraw, ImageFont

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LINE = 640, 400, 84, 24, 20, 52, 22  # pixels
SCALE = 3  # of the PNG: 1920 pixels across fill a column of a paper at 300 dots an inch
PAPER, INK, GRID = "#ffffff", "#222222", "#dddddd"


PlacePoint: TypeAlias = "Callable[[float, float], tuple[float, float]]"
Font: TypeAlias = "ImageFont.FreeTypeFont | ImageFont.ImageFont"


class Point(NamedTuple):
    """A model: its label, and (value, low, high) on each axis; low and high may be the value."""

    label: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]


@dataclass(frozen=True)
class Chart:
    """Points, and what the axes say."""

    points: Sequence[Point]
    x_label: str
    y_label: str

    def spans(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ranges of the axes: all points and intervals, and some room."""
        x, y = _span([v for p in self.points for v in p.x]), _span([v for p in self.points for v in p.y])
        return x, y


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers within a range, about ``count``.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / count
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def to_svg(chart: Chart) -> str:
    """The chart as an SVG element that takes its colours from the page."""
    place = _placing(chart)
    (x_low, x_high), (y_low, y_high) = chart.spans()
    parts = []
    for tick in ticks(x_low, x_high):
        x = place(tick, y_low)[0]
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in ticks(y_low, y_high):
        y = place(x_low, tick)[1]
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for index, point in enumerate(chart.points):
        parts.append(_svg_point(index, point, place))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(chart.x_label)}</text>'
    )
    turned = f'transform="rotate(-90 16 {middle})" text-anchor="middle"'
    parts.append(f'<text x="16" y="{middle}" {turned}>{escape(chart.y_label)}</text>')
    height = HEIGHT + LINE * len(chart.points)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" class="chart">{"".join(parts)}</svg>'


def to_png(chart: Chart) -> Image.Image:
    """The chart as a picture on white, for print."""
    image = Image.new("RGB", (WIDTH * SCALE, (HEIGHT + LINE * len(chart.points)) * SCALE), PAPER)
    draw, font, place = ImageDraw.Draw(image), ImageFont.load_default(13 * SCALE), _placing(chart)
    side = Image.new("RGB", (HEIGHT * SCALE, 20 * SCALE), PAPER)
    ImageDraw.Draw(side).text((side.width / 2, side.height / 2), chart.y_label, INK, font, anchor="mm")
    image.paste(side.rotate(90, expand=True), (2 * SCALE, 0))
    (x_low, x_high), (y_low, y_high) = chart.spans()
    for tick in ticks(x_low, x_high):
        x = place(tick, y_low)[0] * SCALE
        draw.line([(x, TOP * SCALE), (x, (HEIGHT - BOTTOM) * SCALE)], GRID, SCALE)
        draw.text((x, (HEIGHT - BOTTOM + 8) * SCALE), f"{tick:g}", INK, font, anchor="ma")
    for tick in ticks(y_low, y_high):
        y = place(x_low, tick)[1] * SCALE
        draw.line([(LEFT * SCALE, y), ((WIDTH - RIGHT) * SCALE, y)], GRID, SCALE)
        draw.text(((LEFT - 8) * SCALE, y), f"{tick:g}", INK, font, anchor="rm")
    for index, point in enumerate(chart.points):
        _draw_point(draw, font, index, point, place)
    draw.text(((LEFT + WIDTH - RIGHT) / 2 * SCALE, (HEIGHT - 8) * SCALE), chart.x_label, INK, font, anchor="md")
    return image


def _plain(text: str) -> str:
    """Text that every encoding of Unicode can write."""
    return text.encode("utf-8", "backslashreplace").decode()


def _drawable(text: str) -> str:
    """What the font that comes with Pillow has letters for."""
    return text.encode("latin-1", "backslashreplace").decode("latin-1")


def _span(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _placing(chart: Chart) -> PlacePoint:
    """From numbers to points of the drawing."""
    (x_low, x_high), (y_low, y_high) = chart.spans()

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)

    return place


def _svg_point(index: int, point: Point, place: PlacePoint) -> str:
    (x, x_low, x_high), (y, y_low, y_high) = point.x, point.y
    colour, below = COLOURS[index % len(COLOURS)], HEIGHT + LINE * (index + 0.5)
    cx, cy = place(x, y)
    (x1, _), (x2, _), (_, y1), (_, y2) = place(x_low, y), place(x_high, y), place(x, y_low), place(x, y_high)
    return (
        f'<g stroke="{colour}" fill="{colour}"><line x1="{x1:.1f}" x2="{x2:.1f}" y1="{cy:.1f}" y2="{cy:.1f}"/>'
        f'<line x1="{cx:.1f}" x2="{cx:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'
        f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="5"/><circle cx="{LEFT}" cy="{below - 4}" r="5"/></g>'
        f'<text x="{cx + 8:.1f}" y="{cy - 8:.1f}">{index + 1}</text>'
        f'<text x="{LEFT + 12}" y="{below}">{index + 1} {escape(_plain(point.label))}</text>'
    )


def _draw_point(draw: ImageDraw.ImageDraw, font: Font, index: int, point: Point, place: PlacePoint) -> None:
    (x, x_low, x_high), (y, y_low, y_high) = point.x, point.y
    colour, below = COLOURS[index % len(COLOURS)], (HEIGHT + LINE * (index + 0.5)) * SCALE
    cx, cy = (SCALE * v for v in place(x, y))
    (x1, _), (x2, _), (_, y1), (_, y2) = place(x_low, y), place(x_high, y), place(x, y_low), place(x, y_high)
    draw.line([(x1 * SCALE, cy), (x2 * SCALE, cy)], colour, SCALE)
    draw.line([(cx, y1 * SCALE), (cx, y2 * SCALE)], colour, SCALE)
    for centre in ((cx, cy), (LEFT * SCALE, below - 4 * SCALE)):
        draw.circle(centre, 5 * SCALE, colour)
    draw.text((cx + 8 * SCALE, cy - 8 * SCALE), str(index + 1), INK, font, anchor="ls")
    draw.text(((LEFT + 12) * SCALE, below), f"{index + 1} {_drawable(point.label)}", INK, font, anchor="ls")

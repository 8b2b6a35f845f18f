"""Figures of a benchmark run: beside what they are compared with and their aims; as a table, as JSON, as a picture."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bridge_server.songs.take_picture import AFTER, DIM, GROUND, INK, MARGIN, PANEL, REGION, WARNING

WIDTH, ROW = 1500, 34
NAMES, NUMBERS = 600, 400  # pixels of the columns left of the bars, and right of them
FURTHEST = 16.0  # times the aim, or a part of it, at which a bar ends
MOVED = 1.25  # a figure that differs by less between two runs may be the machine's noise


@dataclass(frozen=True)
class Aim:
    """What a figure, or its ratio to another, shall be: at least, or at most, the limit."""

    limit: float
    at_least: bool = False

    def reach(self, value: float) -> float:
        """How many times better than the limit; below 1 = missed."""
        if value <= 0 or self.limit <= 0:
            return 1.0 if self.at_least == (value >= self.limit) else 1 / FURTHEST
        return value / self.limit if self.at_least else self.limit / value

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:g}"


@dataclass(frozen=True)
class Figure:
    """One measured number.

    theirs, against: the same work done by what it is compared with, a peer or a floor, in the same run and unit.
    ratio_aim: whether the aim is for `ratio`, or for the number itself.
    more_is_better: of a rate; of a time or of memory less is.
    """

    section: str
    name: str
    ours: float
    unit: str
    theirs: float | None = None
    against: str = ""
    aim: Aim | None = None
    ratio_aim: bool = False
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the other; below 1 = worse."""
        if self.theirs is None or not self.ours or not self.theirs:
            return None
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours

    @property
    def reach(self) -> float | None:
        """How many times better than the aim; below 1 = missed; None = without an aim."""
        value = self.ratio if self.ratio_aim else self.ours
        return None if self.aim is None or value is None else self.aim.reach(value)

    def verdict(self) -> str:
        """The aim, and whether it is reached."""
        if self.aim is None or self.reach is None:
            return ""
        what = f"{self.aim} times" if self.ratio_aim else f"{self.aim} {self.unit}"
        return what if self.reach >= 1 else f"{what}: missed"


def machine() -> str:
    """The machine, as far as figures depend on it."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def table(figures: Sequence[Figure]) -> str:
    """The figures in Markdown."""
    rows = ["| | ours | compared with | ratio | aim |", "|---|---|---|---|---|"]
    section = ""
    for figure in figures:
        if figure.section != section:
            section = figure.section
            rows.append(f"| **{section}** | | | | |")
        other = "" if figure.theirs is None else f"{number(figure.theirs)} {figure.unit}, {figure.against}"
        ratio = "" if figure.ratio is None else number(figure.ratio)
        rows.append(
            f"| {figure.name} | {number(figure.ours)} {figure.unit} | {other} | {ratio} | {figure.verdict()} |"
        )
    return "\n".join(rows)


def number(value: float) -> str:
    """Three figures that count, without an exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def write_json(figures: Sequence[Figure], path: Path) -> None:
    """Keeps a run, to compare another with it."""
    kept = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> list[Figure]:
    """A kept run. Raises ValueError for any other file."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["figures"]
        return [Figure(**(row | {"aim": Aim(**row["aim"]) if row["aim"] else None})) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} is no kept run of benchmarks: {error}") from error


def compared(before: Iterable[Figure], after: Iterable[Figure]) -> str:
    """Two runs in Markdown: figures with a peer by their ratios, which noise hardly touches, others by themselves."""
    earlier = {(figure.section, figure.name): figure for figure in before}
    rows = ["| | before | after | change |", "|---|---|---|---|"]
    for figure in after:
        old = earlier.pop((figure.section, figure.name), None)
        name = f"{figure.section}: {figure.name}"
        if old is None:
            rows.append(f"| {name} | | {number(figure.ours)} {figure.unit} | new |")
        elif figure.ratio is not None and old.ratio is not None:
            change = _change(old.ratio, figure.ratio, True)
            rows.append(f"| {name}, ratio | {number(old.ratio)} | {number(figure.ratio)} | {change} |")
        else:
            change = _change(old.ours, figure.ours, figure.more_is_better)
            rows.append(
                f"| {name} | {number(old.ours)} {old.unit} | {number(figure.ours)} {figure.unit} | {change} |"
            )
    rows += [
        f"| {section}: {name} | {number(old.ours)} {old.unit} | | not measured |"
        for (section, name), old in earlier.items()
    ]
    return "\n".join(rows)


def _change(before: float, after: float, more_is_better: bool) -> str:
    if not before or not after:
        return ""
    gain = after / before if more_is_better else before / after
    if 1 / MOVED < gain < MOVED:
        return "as before"
    return f"{number(gain)} times better" if gain > 1 else f"{number(1 / gain)} times worse"


def picture(figures: Sequence[Figure], path: Path) -> None:
    """Draws how far each figure lies beyond its aim, or short of it, as PNG; figures without an aim are left out."""
    shown = [figure for figure in figures if figure.reach is not None]
    image = Image.new("RGB", (WIDTH, 2 * MARGIN + ROW * (len(shown) + 3)), GROUND)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(17)
    left, right = MARGIN + NAMES, WIDTH - MARGIN - NUMBERS
    middle = (left + right) / 2
    draw.text((MARGIN, MARGIN), "How far beyond its aim each figure lies", INK, ImageFont.load_default(22))
    draw.text((left, MARGIN + ROW), "short of the aim", WARNING, font)
    draw.text((right - font.getlength("beyond it"), MARGIN + ROW), "beyond it", AFTER, font)
    top = MARGIN + 2 * ROW
    for row, figure in enumerate(shown):
        y = top + row * ROW
        assert figure.reach is not None
        if row % 2 == 0:
            draw.rectangle((MARGIN, y, WIDTH - MARGIN, y + ROW - 1), PANEL)
        draw.text((MARGIN + 8, y + 8), _fitting(figure.name, NAMES - 24, font), INK, font)
        share = max(-1.0, min(1.0, math.log(figure.reach) / math.log(FURTHEST)))
        end = middle + share * (right - left) / 2
        colour = AFTER if figure.reach >= 1 else WARNING
        draw.rectangle((min(middle, end), y + 8, max(middle, end) + 1, y + ROW - 10), colour)
        value = (
            f"{number(figure.ratio)} times"
            if figure.ratio_aim and figure.ratio
            else f"{number(figure.ours)} {figure.unit}"
        )
        draw.text(
            (right + 16, y + 8), f"{value}  (aim {figure.aim})", INK if figure.reach >= 1 else WARNING, font
        )
    draw.line((middle, top, middle, top + ROW * len(shown)), REGION)
    draw.text((MARGIN, top + ROW * len(shown) + 10), machine(), DIM, font)
    image.save(path)


def _fitting(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + " …") > width:
        text = text[:-1]
    return text.rstrip() + " …"

"""Draws takes of a real piece in their place: the song, the take in it, its level, and a close look at every join.

    OMP_NUM_THREADS=1 python -m benchmarks.real_music --pieces feelings --pictures FOLDER

Green lines are the region's edges, dashed ones the joins inside; they are white in the close looks, half a second wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.real_music.rearranging import (
    CONTINUED_BARS,
    aligned,
    bar_lines,
    first_bar,
    inner_joins,
    regions,
)
from benchmarks.sketch_measures import bar_beats, song_bars
from benchmarks.sketch_pictures import COLUMNS, Canvas, canvas, font, mark, save, spectrum_panel
from benchmarks.sketch_rearranging import render
from bridge_server.songs import take_picture as pictures
from bridge_server.songs.take_picture import AFTER, DIM, INK, MARGIN, PANEL, WARNING
from model.engine import Report, Samples, Task
from model.sketch.engine import SketchEngine
from tests.model.sketch.songs import Generated, request_for

AROUND_SECONDS = 2.0
CLOSE_SECONDS = 0.25
LEVEL_SECONDS = 0.02
LEVEL_RANGE_DB = 60.0
CLOSE_LOOKS = 7
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Look:
    """A take in its song: all samples before and after, frames of its edges and joins, and its receipt in words."""

    title: str
    subtitle: str
    old: Samples
    new: Samples
    edges: tuple[int, int]
    joins: Sequence[int]
    rate: int


def draw(name: str, made: Generated, folder: Path) -> None:
    """Draws a repaint of each region and a continuation of one piece into files named after it."""
    engine = SketchEngine()
    engine.load(lambda _: None)
    render(engine, request_for(made, *first_bar(made)))
    folder.mkdir(parents=True, exist_ok=True)
    for region in regions(made):
        mix, report = render(engine, request_for(made, region.start, region.end, seed=1))
        joins = inner_joins(made, report, region.first)
        title = f"{name}, bars {region.first + 1} to {region.last}, repainted"
        look = look_of(made, title, region.start, mix, report, joins)
        picture(look, folder / f"{name}_{region.first + 1}.png")
    end, bars = made.song.frames, song_bars(made)
    lines = bar_lines(made)
    length = lines[bars - 1] - lines[bars - 1 - CONTINUED_BARS]
    mix, report = render(engine, request_for(made, end, end + length, Task.COMPLETE, seed=1))
    joins = [end + last for _, last in report.figures["join_samples"]]
    picture(look_of(made, f"{name}, continued", end, mix, report, joins), folder / f"{name}_end.png")


def look_of(
    made: Generated, title: str, start: int, mix: Samples, report: Report, joins: Sequence[int]
) -> Look:
    """A take that begins at frame `start`, with the receipt's warnings as its subtitle."""
    found = aligned(made, start, mix, report)
    beats = bar_beats(made)
    subtitle = f"{beats} beats a bar; from {', '.join(report.figures.get('source_bars', ()))}. "
    subtitle += " ".join(found.problems()) or "The receipt warns of nothing."
    old = made.song.samples
    new = np.concatenate([old[:start], mix, old[start + len(mix) :]])
    return Look(title, subtitle, old, new, (start, start + len(mix)), joins, made.song.rate)


def picture(look: Look, path: Path) -> None:
    """Draws one take."""
    made = canvas(1200, look.title, look.subtitle[:190])
    around = round(AROUND_SECONDS * look.rate)
    low, high = max(look.edges[0] - around, 0), min(look.edges[1] + around, len(look.new))
    top = made.y
    for label, samples in (("song", look.old), ("take", look.new)):
        spectrum_panel(made, label, _mono(samples, low, high), look.rate, 210)
    _levels(made, look, low, high)
    for frame, dash in (*((edge, 2) for edge in look.edges), *((join, 9) for join in look.joins)):
        x = made.left + round((frame - low) / (high - low) * COLUMNS)
        if made.left < x < made.left + COLUMNS:
            mark(made, x, top, made.y, AFTER, dash)
    _close_looks(made, look)
    save(made, path)


def _mono(samples: Samples, low: int, high: int) -> np.ndarray:
    """[low, high) as one channel of float64, silence beyond the end."""
    part = samples[low:high].mean(axis=1).astype(np.float64)
    return np.pad(part, (0, high - low - len(part)))


def _levels(made: Canvas, look: Look, low: int, high: int) -> None:
    """Level of the song (grey) and of the take (green), 60 dB high."""
    height = 110
    made.draw.rectangle((made.left, made.y, made.left + COLUMNS, made.y + height), fill=PANEL)
    made.draw.text((MARGIN, made.y + height // 2 - 10), "level", INK, font=font(16))
    step = round(LEVEL_SECONDS * look.rate)
    for samples, color in ((look.old, DIM), (look.new, AFTER)):
        mono = _mono(samples, low, high)
        power = np.square(mono[: len(mono) // step * step]).reshape(-1, step).mean(axis=1)
        depth = np.clip(-10 * np.log10(power + 1e-12) / LEVEL_RANGE_DB, 0.0, 1.0)
        xs = made.left + np.linspace(0, COLUMNS, len(depth))
        made.draw.line(list(zip(xs, made.y + depth * height, strict=True)), fill=color)
    made.y += height + 12


def _close_looks(made: Canvas, look: Look) -> None:
    """Spectra around the edges and the first joins, the song's above the take's."""
    places = [look.edges[0], *look.joins[: CLOSE_LOOKS - 2], look.edges[1]]
    width, height = COLUMNS // CLOSE_LOOKS - 6, 150
    reach = round(CLOSE_SECONDS * look.rate)
    for row, (label, samples) in enumerate((("song", look.old), ("take", look.new))):
        y = made.y + row * (height + 6)
        made.draw.text((MARGIN, y + height // 2 - 10), f"joins, {label}", INK, font=font(16))
        for column, place in enumerate(places):
            low, high = max(place - reach, 0), min(place + reach, len(look.new))
            x = made.left + column * (width + 6)
            image = pictures.spectrogram(_mono(samples, low, high), look.rate, width, height)
            made.image.paste(Image.fromarray(image), (x, y))
            mark(made, x + round((place - low) / (high - low) * width), y, y + height, _WHITE, 12)
    made.y += 2 * (height + 6)
    for column, place in enumerate(places):
        x = made.left + column * (width + 6)
        made.draw.text((x, made.y), f"{place / look.rate:.2f} s", WARNING, font=font(13))
    made.y += 20

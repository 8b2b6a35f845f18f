"""Draws the pictures of docs/sketch.md from what the sketch engine makes of generated songs.

    python -m benchmarks.sketch_pictures docs/pictures

Colours and panels are those of bridge_server/songs/take_picture.py, so that all pictures of the project look alike.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks import sketch_backing, sketch_rearranging, sketch_songs
from benchmarks.sketch_measures import spliced
from bridge_server.songs import take_picture as pictures
from bridge_server.songs.take_picture import AFTER, BEFORE, DIM, GROUND, INK, MARGIN, PANEL, REGION, WARNING
from model.engine import Piece, Report, Samples, Task
from model.sketch.band.melody import HOP_SECONDS, track
from model.sketch.engine import SketchEngine
from tests.model.sketch import singing_machine, stem_songs
from tests.model.sketch.folk_songs import GREENSLEEVES
from tests.model.sketch.songs import Generated, beats_at, grid_of, request_for, song_of

WIDTH, LABEL = 1400, 130
COLUMNS = WIDTH - 2 * MARGIN - LABEL
RAMP_COLORS, TEXT_SHADES = 150, 6
"""In the palette pictures are saved with, which keeps them under 400 kB: of spectra, and of each text's soft edges."""
BARS_PER_ROW = 8
EDGE_SECONDS = 3.0
STEM_COLORS = {"vocals": (240, 160, 110), "drums": (200, 110, 170), "bass": (120, 150, 240), "other": AFTER}


@dataclass
class Canvas:
    """A picture that grows downwards."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    y: int = MARGIN

    @property
    def left(self) -> int:
        return MARGIN + LABEL


def canvas(height: int, title: str, subtitle: str) -> Canvas:
    image = Image.new("RGB", (WIDTH, height), GROUND)
    made = Canvas(image, ImageDraw.Draw(image))
    made.draw.text((MARGIN, made.y), title, INK, font=font(22))
    made.draw.text((MARGIN, made.y + 30), subtitle, DIM, font=font(15))
    made.y += 84
    return made


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def palette() -> Image.Image:
    """The ramp of spectra, and every other colour in a few shades down to the ground."""
    ramp = pictures.colors(np.linspace(0, 1, RAMP_COLORS))
    plain = [INK, DIM, REGION, AFTER, BEFORE, WARNING, PANEL, *STEM_COLORS.values()]
    plain += [dim(color) for color in STEM_COLORS.values()]
    shares = np.linspace(0, 1, TEXT_SHADES)[:, None]
    shades = [np.rint(shares * color + (1 - shares) * GROUND) for color in np.array(plain)]
    found = np.concatenate([ramp, *shades]).astype(np.uint8)
    image = Image.new("P", (1, 1))
    image.putpalette(found.tobytes())
    return image


def dim(color: tuple[int, int, int]) -> tuple[int, int, int]:
    return color[0] // 2, color[1] // 2, color[2] // 2


def save(made: Canvas, path: Path) -> None:
    whole = made.image.crop((0, 0, WIDTH, made.y + MARGIN))
    whole.quantize(palette=palette(), dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def spectrum_panel(made: Canvas, label: str, mono: NDArray[np.float64], rate: int, height: int) -> None:
    picture = pictures.spectrogram(mono, rate, COLUMNS, height)
    made.image.paste(Image.fromarray(picture), (made.left, made.y))
    made.draw.text((MARGIN, made.y + height // 2 - 10), label, INK, font=font(16))
    made.y += height + 12


def wave_panel(
    made: Canvas, label: str, mono: NDArray[np.float64], color: tuple[int, int, int], full: float, height: int
) -> None:
    made.draw.rectangle((made.left, made.y, made.left + COLUMNS, made.y + height), fill=PANEL)
    middle, reach = made.y + height // 2, height // 2 - 4
    low, high = pictures.peaks(mono / full, COLUMNS)
    for column in range(COLUMNS):
        top, bottom = middle - high[column] * reach, middle - low[column] * reach
        x = made.left + column
        made.draw.line((x, top, x, max(bottom, top + 1)), fill=color)
    made.draw.text((MARGIN, middle - 10), label, INK, font=font(16))
    made.y += height + 12


def mark(made: Canvas, x: int, top: int, bottom: int, color: tuple[int, int, int], dash: int = 9) -> None:
    for y in range(top, bottom, dash):
        made.draw.line((x, y, x, min(y + dash // 2, bottom)), fill=color)


def region_edges(folder: Path) -> None:
    """Song, repaint, and a random bar cut in, over a region with the music around it."""
    made = sketch_songs.song("held_out_minor132")
    first, last = list(sketch_rearranging.regions(made))[1]
    start, end = made.bar_frame(first), made.bar_frame(last)
    rate = made.song.rate
    ours, report = sketch_rearranging.render(SketchEngine(), request_for(made, start, end))
    cut = sketch_rearranging.random_bars(made, first, last, np.random.default_rng(7), 0)
    low, high = start - round(EDGE_SECONDS * rate), end + round(EDGE_SECONDS * rate)
    bars = ", ".join(report.figures["source_bars"])
    picture = canvas(
        900,
        "Four bars repainted: the sound through the region's edges",
        f"made of {bars} of the same song; below, random bars cut in without care",
    )
    top = picture.y
    for label, samples in (
        ("song", made.song.samples),
        ("Sketch", spliced(made, start, ours)),
        ("random bars", spliced(made, start, cut)),
    ):
        spectrum_panel(picture, label, samples[low:high].mean(axis=1).astype(np.float64), rate, 190)
    bottom = picture.y - 12
    for bar in range(first - 2, last + 3):
        x = picture.left + round((made.bar_frame(bar) - low) / (high - low) * COLUMNS)
        if picture.left <= x < picture.left + COLUMNS:
            picture.draw.text((x + 4, bottom + 4), f"bar {bar + 1}", DIM, font=font(13))
            mark(picture, x, bottom, bottom + 10, DIM)
    for frame in (start, end):
        x = picture.left + round((frame - low) / (high - low) * COLUMNS)
        mark(picture, x, top - 6, bottom, REGION)
    left, right = (picture.left + round((frame - low) / (high - low) * COLUMNS) for frame in (start, end))
    picture.draw.line((left, top - 6, right, top - 6), fill=REGION, width=3)
    picture.draw.text((left + 4, top - 24), "region", REGION, font=font(13))
    picture.y += 14
    save(picture, folder / "sketch_edges.png")


def chord_chart(folder: Path) -> None:
    """The sung line, the chords Sketch put under it, and those people play, bar by bar."""
    song = GREENSLEEVES
    voice, grid = singing_machine.perform(song, 44100, cents=8.0, seed=3)
    *_, report = SketchEngine().render(
        singing_machine.request_for(voice, grid, key=song.key), lambda _: None, lambda: False
    )
    assert isinstance(report, Report)
    chart, usual = report.figures["chords"], [bar.strip() for bar in song.chords.split("|")]
    line = track(voice.samples, voice.rate)
    picture = canvas(
        1200,
        f"An accompaniment: {song.name}, sung by the tests' singing machine",
        f"key given: {song.key} · preset {report.figures['preset']} · "
        f"{', '.join(report.figures['instruments'])} · tuned {report.figures['tuning_cents']:+.0f} cents",
    )
    for first in range(0, len(chart), BARS_PER_ROW):
        chart_row(
            picture,
            song,
            line.pitch,
            first,
            min(first + BARS_PER_ROW, len(chart)),
            chart,
            usual,
            grid.seconds,
        )
    picture.draw.text(
        (picture.left, picture.y - 6),
        "upper chord: Sketch; lower: as people mostly play it; green where they agree",
        DIM,
        font=font(13),
    )
    picture.y += 16
    save(picture, folder / "sketch_chords.png")


def chart_row(
    made: Canvas,
    song: sketch_backing.FolkSong,
    pitch: NDArray[np.float64],
    first: int,
    last: int,
    chart: Sequence[str],
    usual: Sequence[str],
    seconds: NDArray[np.float64],
) -> None:
    """One row of bars: chords above, the tracked pitch below."""
    lead = int(np.searchsorted(seconds, -1e-9))
    start = seconds[lead + first * song.beats]
    end = start + BARS_PER_ROW * song.beats * 60.0 / song.tempo
    height, chords = 150, 46
    made.draw.rectangle((made.left, made.y, made.left + COLUMNS, made.y + height), fill=PANEL)
    made.draw.text((MARGIN, made.y + height // 2 - 10), row_name(first, last), INK, font=font(16))
    for bar in range(first, last):
        at = seconds[lead + bar * song.beats]
        x = made.left + round((at - start) / (end - start) * COLUMNS)
        made.draw.line((x, made.y, x, made.y + height), fill=DIM)
        names = [name.split(":")[0] for name in usual[bar].split()]
        same = chart[bar].split() == names
        color = AFTER if same else (INK if names == ["N"] else WARNING)
        made.draw.text((x + 8, made.y + 4), chart[bar], color, font=font(20))
        made.draw.text((x + 8, made.y + 28), "-" if names == ["N"] else " ".join(names), DIM, font=font(14))
    frames = np.arange(round(start / HOP_SECONDS), min(round(end / HOP_SECONDS), len(pitch)))
    sounding = pitch[frames]
    low, high = np.nanmin(pitch) - 2, np.nanmax(pitch) + 2
    for frame, value in zip(frames, sounding, strict=True):
        if np.isfinite(value):
            x = made.left + (frame * HOP_SECONDS - start) / (end - start) * COLUMNS
            y = made.y + height - (value - low) / (high - low) * (height - chords - 6)
            made.draw.rectangle((x, y - 1, x + 1, y + 1), fill=BEFORE)
    made.y += height + 12


def row_name(first: int, last: int) -> str:
    return f"bar {last}" if last == first + 1 else f"bars {first + 1}-{last}"


def stems_stacked(folder: Path) -> None:
    """A mix, and what was taken out of it above what it was made of."""
    source = stem_songs.make("kept_aside_soul", 16.0)
    song = song_of(source.mix, source.rate)
    made = Generated(song, grid_of(beats_at(88.0, 24)), source.stems, np.zeros(0, np.int64))
    pieces = list(
        SketchEngine().render(request_for(made, 0, song.frames, Task.EXTRACT), lambda _: None, lambda: False)
    )
    stems: dict[str, Samples] = {piece.stem: piece.samples for piece in pieces if isinstance(piece, Piece)}
    picture = canvas(
        1100,
        "Stems taken out of a mix, each above the true one",
        "song held_out_soul, 16 s; each pair to a scale of its own; the four extracted stems sum to the mix",
    )
    mix = song.samples.mean(axis=1).astype(np.float64)
    wave_panel(picture, "mix", mix, BEFORE, float(np.abs(mix).max()), 80)
    for name, audio in stems.items():
        found, truth = (part.mean(axis=1).astype(np.float64) for part in (audio, source.stems[name]))
        full = float(max(np.abs(found).max(), np.abs(truth).max()))
        wave_panel(picture, name, found, STEM_COLORS[name], full, 80)
        picture.y -= 8
        wave_panel(picture, "true", truth, dim(STEM_COLORS[name]), full, 80)
    save(picture, folder / "sketch_stems.png")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the pictures go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    region_edges(folder)
    chord_chart(folder)
    stems_stacked(folder)


if __name__ == "__main__":
    main()

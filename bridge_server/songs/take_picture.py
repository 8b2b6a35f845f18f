"""A take as a picture: waveform and spectrogram before and after, region and seams marked, the receipt in words.

Draws with Pillow on arrays made by numpy; knows takes and audio, opens no file.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clip_store.audio.audio import Audio
from clip_store.splice import stretch, with_clip
from clip_store.take import Take
from daw_protocol.timeline import Span, TempoMap

WIDTH = 1600
MARGIN = 24
LABEL = 110  # pixels left of the panels, for their names
WAVE_HEIGHT = 120
SPECTRUM_HEIGHT = 200
GAP = 14
LINE = 26

INK = (226, 230, 238)
DIM = (140, 148, 164)
GROUND = (17, 19, 25)
PANEL = (25, 28, 37)
BEFORE = (122, 138, 166)
AFTER = (112, 214, 178)
REGION = (255, 196, 87)
WARNING = (255, 122, 98)

# Seconds of the song shown on either side of the region: enough to see whether the sound continues through the seams.
SURROUNDINGS = 4.0
LOWEST_HZ = 40.0
MIN_FULL = 0.05  # a nearly silent song is drawn as nearly silent, not blown up to full height
FLOOR_DB = -84.0
FFT = 4096

# A perceptually even dark-to-light ramp (black, violet, orange, pale yellow), as sRGB corner points.
RAMP = np.array([(8, 8, 14), (64, 20, 98), (166, 46, 96), (240, 120, 52), (252, 232, 164)], dtype=np.float64)


@dataclass(frozen=True)
class View:
    """The stretch of the song that is drawn, and the region in it; samples from the song's first."""

    span: Span
    region: Span
    rate: int

    def x(self, sample: int) -> int:
        """Pixel column of a sample."""
        inner = WIDTH - 2 * MARGIN - LABEL
        return MARGIN + LABEL + round((sample - self.span.start) / self.span.length * inner)


def take_picture(take: Take, song: Audio | None, clip: Audio, receipt: Sequence[str]) -> bytes:
    """The take as PNG. song: the one it was made from; None when there is none."""
    region = take.region
    side = round(SURROUNDINGS * take.rate)
    span = region.grown(side, side) if song else region
    if song is not None:
        span = span.clipped(Span(min(0, region.start), max(song.frames, region.end)))
    view = View(span, region, take.rate)
    beside = (
        take.result is None
    )  # a stem or a backing plays along with the song; the rest replaces the region
    rows = _rows(view, song, clip, beside, take.stem)
    height = 2 * MARGIN + 3 * LINE + sum(row.height + GAP for row in rows) + LINE * (len(receipt) + 2)
    image = Image.new("RGB", (WIDTH, height), GROUND)
    draw = ImageDraw.Draw(image)
    y = _heading(draw, take)
    top = y
    for row in rows:
        _draw_row(image, draw, row, view, y)
        y += row.height + GAP
    _ruler(draw, view, take, top, y - GAP)
    _receipt(draw, receipt, y + LINE)
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=6)
    return out.getvalue()


@dataclass(frozen=True)
class Row:
    """One panel: mono sound [frames] over the whole view, drawn as waveform or spectrogram."""

    label: str
    mono: NDArray[np.float64]
    color: tuple[int, int, int]
    spectrum: bool
    full: float = (
        1.0  # the sample value that fills a waveform's panel; the same for all, or they could not be compared
    )

    @property
    def height(self) -> int:
        return SPECTRUM_HEIGHT if self.spectrum else WAVE_HEIGHT


def _rows(view: View, song: Audio | None, clip: Audio, beside: bool, stem: str) -> list[Row]:
    name = stem if beside else "after"
    if beside or song is None:
        after = np.zeros((view.span.length, clip.channels))
        at = view.region.start - view.span.start
        after[at : at + clip.frames] = clip.samples
    else:
        whole = with_clip(song, clip, view.region.start)
        after = stretch(whole, view.span)
    new = after.mean(axis=1)
    old = stretch(song, view.span).mean(axis=1) if song else np.zeros(0)
    full = max(MIN_FULL, float(np.abs(new).max(initial=0)), float(np.abs(old).max(initial=0)))
    if song is None:
        return [Row(name, new, AFTER, False, full), Row(name, new, AFTER, True)]
    label = "song" if beside else "before"
    return [
        Row(label, old, BEFORE, False, full),
        Row(name, new, AFTER, False, full),
        Row(label, old, BEFORE, True),
        Row(name, new, AFTER, True),
    ]


def _heading(draw: ImageDraw.ImageDraw, take: Take) -> int:
    first = f"{take.title} · {take.task}" + ("" if take.stem == "mix" else f" · {take.stem}")
    recipe = take.recipe
    method = recipe.method.removeprefix(f"{recipe.engine_label}: ")
    second = f"take {take.number} · seed {recipe.seed} · engine {recipe.engine_label} · {method}"
    draw.text((MARGIN, MARGIN), first, INK, font=_font(22))
    draw.text((MARGIN, MARGIN + LINE + 2), second[:190], DIM, font=_font(15))
    return MARGIN + 3 * LINE


def _draw_row(image: Image.Image, draw: ImageDraw.ImageDraw, row: Row, view: View, y: int) -> None:
    left, right = view.x(view.span.start), view.x(view.span.end)
    columns = right - left
    draw.rectangle((left, y, right, y + row.height), fill=PANEL)
    if row.spectrum:
        picture = spectrogram(row.mono, view.rate, columns, row.height)
        image.paste(Image.fromarray(picture), (left, y))
    else:
        _waveform(draw, row, left, y, columns)
    draw.text((MARGIN, y + row.height // 2 - 10), row.label, INK, font=_font(16))
    kind = "spectrum" if row.spectrum else "level"
    draw.text((MARGIN, y + row.height // 2 + 10), kind, DIM, font=_font(13))


def _waveform(draw: ImageDraw.ImageDraw, row: Row, left: int, y: int, columns: int) -> None:
    middle, reach = y + row.height // 2, row.height // 2 - 4
    low, high = (edge / row.full for edge in peaks(row.mono, columns))
    for column in range(columns):
        top, bottom = middle - high[column] * reach, middle - low[column] * reach
        draw.line((left + column, top, left + column, max(bottom, top + 1)), fill=row.color)


def peaks(mono: NDArray[np.float64], columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest sample of each pixel column, -1..1."""
    edges = np.linspace(0, len(mono), columns + 1).astype(np.int64)[:-1]
    edges = np.minimum(edges, max(0, len(mono) - 1))
    low = np.minimum.reduceat(mono, edges)
    high = np.maximum.reduceat(mono, edges)
    return np.clip(low, -1, 1), np.clip(high, -1, 1)


def spectrogram(mono: NDArray[np.float64], rate: int, columns: int, height: int) -> NDArray[np.uint8]:
    """uint8 [height, columns, 3]: one Hann-windowed spectrum per pixel column, frequency on a log scale upwards."""
    centres = np.linspace(0, len(mono), columns).astype(np.int64)
    padded = np.pad(mono, (FFT // 2, FFT))
    window = np.hanning(FFT)
    # A full-scale sine comes out at 0 dB whatever the window.
    scale = 2 / window.sum()
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[centres]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) * scale
    # A row is as bright as the strongest bin in its band: high up a band has dozens, and a tone is in one of them.
    edges = LOWEST_HZ * (rate / 2 / LOWEST_HZ) ** (np.arange(height) / height)
    bins = np.clip(np.round(edges / rate * FFT).astype(np.int64), 1, FFT // 2)
    bands = np.maximum.reduceat(power, bins, axis=1)[:, ::-1].T
    decibels = 20 * np.log10(np.maximum(bands, 1e-9))
    return colors(np.clip(1 - decibels / FLOOR_DB, 0, 1))


def colors(brightness: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Brightness 0..1 [...] as colours of the ramp, uint8 [..., 3]."""
    place = brightness * (len(RAMP) - 1)
    below = np.minimum(place.astype(np.int64), len(RAMP) - 2)
    share = (place - below)[..., None]
    mixed: NDArray[np.float64] = RAMP[below] * (1 - share) + RAMP[below + 1] * share
    return np.round(mixed).astype(np.uint8)


def _ruler(draw: ImageDraw.ImageDraw, view: View, take: Take, top: int, bottom: int) -> None:
    """Bar lines, and the region's edges as the seams they are."""
    origin = take.position - take.start
    if take.recipe.tempo_map:
        bars = TempoMap.from_json(take.recipe.tempo_map).bars_between(view.span.shifted(origin), view.rate)
        step = max(1, len(bars) // 24)
        for bar in bars[::step]:
            x = view.x(bar.sample - origin)
            draw.line((x, bottom, x, bottom + 6), fill=DIM)
            draw.text((x + 3, bottom + 2), str(bar.bar), DIM, font=_font(13))
    for sample in (view.region.start, view.region.end):
        x = view.x(sample)
        for y in range(top, bottom, 9):
            draw.line((x, y, x, y + 5), fill=REGION)
    left, right = view.x(view.region.start), view.x(view.region.end)
    draw.line((left, top - 4, right, top - 4), fill=REGION, width=3)
    seconds = float(Fraction(view.region.length, view.rate))
    draw.text((left + 4, top - 22), f"region, {seconds:.2f} s", REGION, font=_font(13))


def _receipt(draw: ImageDraw.ImageDraw, receipt: Sequence[str], y: int) -> None:
    draw.text((MARGIN, y), "Receipt", INK, font=_font(18))
    for number, line in enumerate(receipt):
        color = WARNING if line.startswith("warning") or "CHANGED" in line or "NOT" in line else DIM
        draw.text((MARGIN + LABEL, y + number * LINE), line, color, font=_font(16))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

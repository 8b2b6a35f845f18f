"""The loss of a training as a picture: every step faintly, their average, and the checks on examples that stay.

Draws with Pillow; opens no file.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 600
LEFT, RIGHT, TOP, BOTTOM = 90, 30, 60, 70
INK, DIM, GROUND, GRID = (226, 230, 238), (140, 148, 164), (17, 19, 25), (46, 50, 62)
STEP, AVERAGE, CHECK = (70, 80, 104), (112, 170, 240), (255, 196, 87)
AVERAGED = 0.9  # share of the average that each step keeps
LINES = 5

Point = tuple[float, float]


@dataclass(frozen=True)
class _Axes:
    steps: int
    low: float
    high: float

    def place(self, step: float, loss: float) -> Point:
        across = (step - 1) / max(1, self.steps - 1)
        up = (loss - self.low) / (self.high - self.low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def loss_picture(
    title: str, steps: int, losses: Sequence[float], checks: Sequence[tuple[int, float]]
) -> bytes:
    """A PNG. steps: of the whole training. losses: of each step so far. checks: (step, loss); the best is marked."""
    image = Image.new("RGB", (WIDTH, HEIGHT), GROUND)
    draw = ImageDraw.Draw(image)
    draw.text((LEFT, 18), title, INK, ImageFont.load_default(24))
    axes = _axes(steps, losses, checks)
    _grid(draw, axes)
    draw.line([axes.place(step, loss) for step, loss in enumerate(losses, 1)] or [(0, 0)], STEP, 1)
    draw.line(
        [axes.place(step, loss) for step, loss in enumerate(averaged(losses), 1)] or [(0, 0)], AVERAGE, 3
    )
    if checks:
        draw.line([axes.place(*check) for check in checks], CHECK, 2)
        best = min(checks, key=lambda one: one[1])
        for check in checks:
            _dot(draw, axes.place(*check), 7 if check == best else 4)
        x, y = axes.place(*best)
        draw.text(
            (min(x + 10, WIDTH - 190), y + 8),
            f"best: {best[1]:.4f} at {best[0]}",
            CHECK,
            ImageFont.load_default(18),
        )
    _legend(draw)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def averaged(losses: Sequence[float]) -> list[float]:
    """A moving average without the pull of its start."""
    found, total = [], 0.0
    for number, loss in enumerate(losses, 1):
        total = AVERAGED * total + (1 - AVERAGED) * loss
        found.append(total / (1 - AVERAGED**number))
    return found


def _axes(steps: int, losses: Sequence[float], checks: Sequence[tuple[int, float]]) -> _Axes:
    shown = [loss for loss in (*losses, *(loss for _, loss in checks)) if math.isfinite(loss)] or [0.0, 1.0]
    # A few steps with very noisy examples must not flatten everything else.
    high = sorted(shown)[math.ceil(0.99 * (len(shown) - 1))]
    low = min(shown)
    margin = 0.08 * (high - low) or 0.5
    return _Axes(max(steps, len(losses), 1), low - margin, high + margin)


def _grid(draw: ImageDraw.ImageDraw, axes: _Axes) -> None:
    font = ImageFont.load_default(16)
    for number in range(LINES + 1):
        loss = axes.low + (axes.high - axes.low) * number / LINES
        _, y = axes.place(1, loss)
        draw.line([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
        draw.text((LEFT - 10, y), f"{loss:.3f}", DIM, font, anchor="rm")
        step = 1 + round((axes.steps - 1) * number / LINES)
        x, _ = axes.place(step, axes.low)
        draw.text((x, HEIGHT - BOTTOM + 12), str(step), DIM, font, anchor="mt")
    draw.text((WIDTH / 2, HEIGHT - 12), "step", DIM, font, anchor="mb")


def _legend(draw: ImageDraw.ImageDraw) -> None:
    font, x = ImageFont.load_default(16), WIDTH - RIGHT
    for name, colour in (("fixed examples", CHECK), ("average", AVERAGE), ("each step", STEP)):
        draw.text((x, 30), name, DIM, font, anchor="rm")
        x -= int(font.getlength(name)) + 8
        draw.line([(x - 26, 30), (x, 30)], colour, 3)
        x -= 50


def _dot(draw: ImageDraw.ImageDraw, place: Point, radius: int) -> None:
    x, y = place
    draw.ellipse([(x - radius, y - radius), (x + radius, y + radius)], CHECK)

"""The pictures, decoded again: what is marked where, and that no take is too odd to be drawn."""

import io

import numpy as np
import pytest
from PIL import Image

from bridge_server.songs.take_picture import (
    AFTER,
    BEFORE,
    FFT,
    FLOOR_DB,
    LABEL,
    MARGIN,
    REGION,
    SPECTRUM_HEIGHT,
    WARNING,
    WAVE_HEIGHT,
    WIDTH,
    View,
    colors,
    peaks,
    spectrogram,
    take_picture,
)
from clip_store.audio.audio import Audio, Encoding
from clip_store.take import MIX, Take, unmeasured
from daw_protocol.recipe import Recipe
from daw_protocol.timeline import Span, TempoMap
from tests.clip_store.sounds import noise, tone

RATE = 48000
LEFT, RIGHT = MARGIN + LABEL, WIDTH - MARGIN


def audio(samples):
    return Audio(samples.astype(np.float32), RATE, Encoding.FLOAT)


def take(clip, start=0, **changes):
    values = {
        "id": "t1", "job": "j1", "number": 1, "task": "repaint", "parent": "p", "audio": clip.digest,
        "position": start, "start": start, "length": clip.frames, "rate": RATE, "created": 1.0, "title": "My Song",
        "result": "r", "receipt": unmeasured(start, clip.frames, RATE),
        "recipe": Recipe(seed=7, engine_label="Sketch", tempo_map=TempoMap.constant(120).to_json()),
    }  # fmt: skip
    return Take(**{**values, **changes})


def decoded(png):
    """uint8 [height, width, 3]."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        image.verify()
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))


def where(pixels, color):
    """Whether each pixel has this very colour, [height, width]."""
    return (pixels == np.array(color, np.uint8)).all(axis=2)


SONG = audio(noise(3 * RATE, 2, 0.1))
CLIP = audio(noise(RATE, 2, 0.9, seed=3))
START = RATE
VIEW = View(Span(0, 3 * RATE), Span(START, 2 * RATE), RATE)


@pytest.fixture(scope="module")
def repaint():
    return decoded(take_picture(take(CLIP, START), SONG, CLIP, ["exact", "warning: It clicks."]))


def test_the_whole_width_is_the_whole_view():
    assert (VIEW.x(0), VIEW.x(3 * RATE)) == (LEFT, RIGHT)
    assert VIEW.x(3 * RATE // 2) == round((LEFT + RIGHT) / 2)


def test_size(repaint):
    height, width, _ = repaint.shape
    assert width == WIDTH
    assert height > 2 * WAVE_HEIGHT + 2 * SPECTRUM_HEIGHT


def test_the_regions_edges_are_marked_and_nothing_else_is(repaint):
    marked = where(repaint, REGION)
    edges = (VIEW.x(START), VIEW.x(2 * RATE))
    # dashes from the first panel to the last
    rows = [np.flatnonzero(marked[:, edge]) for edge in edges]
    for row in rows:
        assert np.ptp(row) > 2 * WAVE_HEIGHT + 2 * SPECTRUM_HEIGHT
    elsewhere = np.ones(WIDTH, bool)
    elsewhere[edges[0] : edges[1] + 1] = False
    assert not marked[:, elsewhere].any()
    # and a line over the panels, from one edge to the other
    line = np.flatnonzero(marked[:, edges[0] : edges[1] + 1].all(axis=1))
    assert len(line) > 0
    assert line.max() <= rows[0].min() + 4


def columns(pixels, color):
    """How many pixels of the colour each column has."""
    return where(pixels, color).sum(axis=0)


def test_before_is_even_and_after_is_louder_in_the_region(repaint):
    inside = slice(VIEW.x(START) + 3, VIEW.x(2 * RATE) - 3)
    before, after = columns(repaint, BEFORE), columns(repaint, AFTER)
    assert before[LEFT + 5 : inside.start - 9].mean() == pytest.approx(before[inside].mean(), rel=0.2)
    assert after[inside].mean() > 4 * after[LEFT + 5 : inside.start - 9].mean()
    assert before[:LEFT].sum() == after[:LEFT].sum() == 0


def test_warnings_stand_out(repaint):
    assert where(repaint, WARNING).any()
    calm = decoded(take_picture(take(CLIP, START), SONG, CLIP, ["exact"]))
    assert not where(calm, WARNING).any()


ODD = {
    "silent take": (SONG, audio(np.zeros((RATE, 2))), START),
    "silent song": (audio(np.zeros((3 * RATE, 2))), CLIP, START),
    "one frame": (SONG, audio(np.full((1, 2), 0.5)), START),
    "a song of one frame": (audio(np.full((1, 2), 0.5)), audio(np.full((1, 2), 0.25)), 0),
    "mono": (audio(noise(3 * RATE, 1)), audio(noise(RATE, 1, seed=4)), START),
    "at the very start": (SONG, CLIP, 0),
    "to the very end": (SONG, CLIP, 2 * RATE),
    "beyond the end": (SONG, CLIP, 3 * RATE - 100),
    "behind the end": (SONG, CLIP, 3 * RATE),
    "before the start": (SONG, CLIP, -100),
    "the whole song": (SONG, audio(noise(3 * RATE, 2, seed=4)), 0),
    "far over full scale": (SONG, audio(noise(RATE, 2, 40.0)), START),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_takes_have_their_region_marked(name):
    song, clip, start = ODD[name]
    pixels = decoded(take_picture(take(clip, start), song, clip, []))
    marked = columns(pixels, REGION)
    assert pixels.shape[1] == WIDTH
    edges = np.flatnonzero(marked > 50)
    assert 1 <= len(edges) <= 2
    assert edges.min() >= LEFT
    assert edges.max() <= RIGHT


def test_a_stem_lies_beside_its_song():
    stem = take(CLIP, START, task="extract", stem="vocals", result=None)
    pixels = decoded(take_picture(stem, SONG, CLIP, []))
    after = columns(pixels, AFTER)
    assert after[VIEW.x(START) + 5 : VIEW.x(2 * RATE) - 5].min() > 2
    assert after[LEFT + 5 : VIEW.x(START) - 5].max() <= 2  # a line of silence


def test_a_new_song_has_no_before():
    alone = take(CLIP, task="generate", parent=None, result=None, stem=MIX)
    pixels = decoded(take_picture(alone, None, CLIP, []))
    assert not where(pixels, BEFORE).any()
    assert where(pixels, AFTER).any()
    assert pixels.shape[0] < decoded(take_picture(take(CLIP, START), SONG, CLIP, [])).shape[0]


@pytest.mark.parametrize("title", ["", "日本 🎵", "x" * 500, "two\nlines", "‮txet"])
def test_any_title(title):
    decoded(take_picture(take(CLIP, START, title=title, recipe=Recipe()), SONG, CLIP, [title]))


def test_peaks_lose_no_sample():
    mono = np.zeros(100_000)
    mono[12_345], mono[99_999] = 0.7, -0.6
    low, high = peaks(mono, 100)
    assert high[12] == 0.7
    assert low[99] == -0.6
    assert np.count_nonzero(high) == np.count_nonzero(low) == 1


@pytest.mark.parametrize("frames", [1, 5, 99, 100, 101])
def test_peaks_of_less_than_a_sample_a_column(frames):
    low, high = peaks(np.full(frames, 0.5), 100)
    assert (len(low), len(high)) == (100, 100)
    assert (low == 0.5).all()
    assert (high == 0.5).all()


@pytest.mark.parametrize("hertz", [100.0, 1000.0, 10_000.0])
def test_a_tone_is_a_line_at_its_height(hertz):
    height = 200
    hertz = round(hertz / RATE * FFT) * RATE / FFT  # in the middle of a bin, where all of it is in one
    picture = spectrogram(tone(RATE, RATE, hertz, 1.0)[:, 0], RATE, 50, height).astype(int).sum(axis=2)
    assert picture.shape == (height, 50)
    brightest = np.flatnonzero(picture[:, 25] == picture[:, 25].max())
    expected = (1 - np.log(hertz / 40) / np.log(24_000 / 40)) * height
    assert np.abs(brightest - expected).max() < 5
    assert (
        picture[brightest[0], 25] >= colors(np.array(0.99)).astype(int).sum()
    )  # full scale is full brightness


def test_silence_is_dark_and_colours_run_from_end_to_end():
    dark = spectrogram(np.zeros(RATE), RATE, 20, 30)
    assert (dark == colors(np.array(0.0))).all()
    assert FLOOR_DB < -60
    ramp = colors(np.linspace(0, 1, 200)).astype(int).sum(axis=1)
    assert (np.diff(ramp) >= 0).all()

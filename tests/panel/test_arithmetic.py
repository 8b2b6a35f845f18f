"""The page's pure parts, in the browser they run in: peaks, grid, viewport, words, SHA-256."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest

from clip_store.audio.audio import Audio, Encoding
from clip_store.peaks import encode

pytestmark = pytest.mark.slow

GRID = {
    "bars": [[1, 0], [2, 100], [3, 200], [4, 290], [5, 380], [6, 470]],
    "beats": [0, 25, 50, 75, 100, 125, 150, 175, 200, 230, 260, 290, 320, 350, 380, 410, 440, 470],
    "tempi": [[0, 120, 0], [200, 130.5, 0]],
    "meters": [[0, "4/4"], [200, "3/4"]],
}


@pytest.fixture(scope="module")
def js(chromium, panel_server):
    """Runs JavaScript with the panel's modules at hand: `js("grid", "Grid.from(x).place(30)", x)`."""
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{panel_server.settings.websocket_port}/")

    def run(module: str, expression: str, value: object = None) -> object:
        modules = f"const {{ {NAMES[module]} }} = await import('/panel/{module}.js');"
        return page.evaluate(f"async x => {{ {modules} return {expression}; }}", value)

    yield run
    page.close()


NAMES = {
    "blueprint": "edited, fitWords",
    "grid": "Grid, within, barsNamed, nearest",
    "viewport": "zoomed, panned, clamped, fitted, xOf, sampleAt, barStep, secondStep",
    "peaks": "parsePeaks, levelFor, columnsOf, block, columnsOfBlocks, blocksIn, BLOCK",
    "words": "clock, duration, timeLeft, regionName, bytes, decibels, tempoName, receiptLine, ago, abilities",
    "sha256": "Sha256",
    "chords": "placedChords",
    "bridge": "tokenIn",
    "connection": "Connection",
}


def test_chords_lie_where_their_seconds_are(js):
    found = [{"time": 0.5, "name": "Am"}, {"time": 2, "name": "N.C."}]
    placed = js("chords", "placedChords(x, { position: 100, rate: 48000 })", found)
    assert placed == [[24_100, "Am"], [96_100, "N.C."]]
    assert js("chords", "placedChords(x, { position: 100, rate: 48000 })", None) == []


def test_a_connection_whose_question_fails_is_tried_again(js):
    failing = "new Connection('ws://localhost', { admitted: () => Promise.reject(new Error('no')) })"
    tried = f"""await (async () => {{
        const made = {failing};
        await made.begin().catch(() => undefined);
        clearTimeout(made.timer);
        return [made.beginning, made.timer > 0];
    }})()"""
    assert js("connection", tried) == [False, True]


@pytest.mark.parametrize(
    ("typed", "token"),
    [
        (" plain-Token_1\n", "plain-Token_1"),
        ("http://192.168.1.5:9125/?token=open%20sesame%2B1%26", "open sesame+1&"),
        ("http://[fd00::1]:9125/?client=me&token=a#top", "a"),
        ("http://192.168.1.5:9125/", "http://192.168.1.5:9125/"),
        ("what?token=is%20this", "what?token=is%20this"),
        ("100%", "100%"),
    ],
)
def test_a_token_is_found_in_the_address_the_terminal_shows(js, typed, token):
    assert js("bridge", "tokenIn(x)", typed) == token


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Grid.from(x).place(200)", {"bar": 3, "beat": 1, "exact": True}),
        ("Grid.from(x).place(231)", {"bar": 3, "beat": 2, "exact": False}),
        ("Grid.from(x).snapped(149, false)", 100),
        ("Grid.from(x).snapped(150, false)", 200),
        ("Grid.from(x).snapped(139, true)", 150),
        ("Grid.from(x).moved({start: 100, end: 200}, 1)", {"start": 200, "end": 290}),
        ("Grid.from(x).moved({start: 110, end: 150}, 1)", {"start": 210, "end": 250}),
        ("Grid.from(x).moved({start: 200, end: 380}, -2)", {"start": 0, "end": 200}),
        ("Grid.from(x).resized({start: 100, end: 200}, 1)", {"start": 100, "end": 290}),
        ("Grid.from(x).resized({start: 100, end: 200}, -1)", {"start": 100, "end": 200}),
        ("Grid.from(x).around(110, 190, false)", {"start": 100, "end": 200}),
        ("Grid.from(x).around(195, 205, false)", {"start": 100, "end": 200}),
        ("Grid.from(x).around(225, 240, true)", {"start": 200, "end": 230}),
        ("barsNamed('2-3', Grid.from(x))", {"start": 100, "end": 290}),
        ("barsNamed('3', Grid.from(x))", {"start": 200, "end": 290}),
        ("barsNamed('3-9', Grid.from(x))", None),
        ("within({start: -5, end: 20}, 0, 100)", {"start": 0, "end": 25}),
        ("within({start: 90, end: 120}, 0, 100)", {"start": 70, "end": 100}),
        ("Grid.from(null)", None),
    ],
)
def test_the_grid_names_and_snaps(js, expression, expected):
    assert js("grid", expression, GRID) == expected


def test_the_sample_under_the_pointer_stays_there_while_zooming(js):
    before, after, pinned = js(
        "viewport",
        """(() => { const limits = {first: 0, last: 1e6}, view = {first: 1000, scale: 100};
            const next = zoomed(view, 2, 300, limits, 800);
            return [sampleAt(view, 300), sampleAt(next, 300), zoomed(view, 1e9, 0, limits, 800).scale]; })()""",
    )
    assert after == pytest.approx(before)
    assert pinned == 1 / 40
    assert js("viewport", "clamped({first: -50, scale: 1e9}, {first: 0, last: 8000}, 800)") == {
        "first": 0,
        "scale": 10,
    }
    assert js("viewport", "panned({first: 10, scale: 1}, 1e6, {first: 0, last: 8000}, 800).first") == 7200
    assert js("viewport", "[barStep(10, 40), barStep(50, 40), secondStep(100, 76), secondStep(0.5, 76)]") == [
        4,
        1,
        1,
        300,
    ]


def test_peaks_are_read_as_the_server_writes_them(js):
    noise = np.random.default_rng(3).uniform(-1, 1, (5000, 2)).astype(np.float32)
    data = list(encode(Audio(noise, 48000, Encoding.FLOAT)))
    found = js(
        "peaks",
        """(() => { const pyramid = parsePeaks(new Uint8Array(x).buffer);
            const [low, high, rms] = [0, 1, 2].map(() => new Float32Array(10));
            columnsOf(pyramid, -512, 512, low, high, 1, rms);
            const { rate, channels, frames, levels } = pyramid;
            return [rate, channels, frames, levels.map(one => one.size), [...low], [...high], [...rms]]; })()""",
        data,
    )
    assert found[:4] == [48000, 2, 5000, [256]]
    low, high, rms = found[4:]
    assert low[0] > high[0], "nothing lies before the first frame"
    for column in range(9):
        piece = noise[column * 512 : (column + 1) * 512, 1]
        assert low[column + 1] == pytest.approx(piece.min(), abs=1e-4)
        assert high[column + 1] == pytest.approx(piece.max(), abs=1e-4)
        assert rms[column + 1] == pytest.approx(np.sqrt(np.mean(piece**2)), abs=1e-4)
    assert js(
        "peaks",
        "(() => { try { parsePeaks(new ArrayBuffer(40)); } catch (error) { return error.message; } })()",
    )


@pytest.mark.parametrize("step", [1, 7, 40, 200])
def test_columns_of_samples_hold_every_sample(js, step):
    """Against the same worked out with numpy; the fine peaks of a block may reach 15 frames further, never less."""
    noise = np.random.default_rng(4).uniform(-1, 1, 40000).astype(np.float32)
    low, high, rms = js(
        "peaks",
        f"""(() => {{ const all = Float32Array.from(x);
            const blocks = [0, 1].map(at => block(all.slice(at * BLOCK, (at + 1) * BLOCK), 1));
            const [low, high, rms] = [0, 1, 2].map(() => new Float32Array(50));
            columnsOfBlocks(at => blocks[at], 40000, 1, 32000, {step}, low, high, -1, rms);
            return [[...low], [...high], [...rms]]; }})()""",
        [float(value) for value in noise],
    )
    for column in range(50):
        first = 32000 + column * step
        piece = noise[first : first + step]
        if not len(piece):
            continue
        wide = noise[max(0, first - 16) : first + step + 16]
        assert wide.min() - 1e-6 <= low[column] <= piece.min() + 1e-6
        assert piece.max() - 1e-6 <= high[column] <= wide.max() + 1e-6
        if step >= 200:  # of a few samples there is none
            assert rms[column] == pytest.approx(np.sqrt(np.mean(piece**2)), rel=0.1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("clock(75.25)", "1:15.3"),
        ("clock(59.97)", "1:00.0"),
        ("clock(-3, 0)", "−0:03"),
        ("duration(0.4)", "0.40 s"),
        ("duration(200)", "3 min 20 s"),
        ("duration(600)", "10 min"),
        ("timeLeft(0.3)", "a moment left"),
        ("timeLeft(12.2)", "about 12 s left"),
        ("timeLeft(null)", ""),
        ("bytes(999)", "999 bytes"),
        ("bytes(1536)", "1.5 kB"),
        ("bytes(172800044)", "173 MB"),
        ("decibels(-3)", "−3.0 dB"),
        ("decibels(0)", "±0.0 dB"),
        ("tempoName([[0, 104, 0], [9, 112.5, 0]])", "104–112.5 BPM"),
        ("abilities({label: 'Sketch'})",
         "Sketch: repaint, complete, accompany, extract, generate, add a track, cover"),
        ("abilities({label: 'v1', cannot: {lego: 'x', cover: 'x', generate: 'x', extract: 'x', complete: 'x'}}, "
         "(word) => `${word}!`)", "v1: repaint!, accompany!"),
        ("abilities({label: 'v1', cannot: {extract: 'x', accompany: 'x', lego: 'x'}})",
         "v1: repaint, complete, generate, cover"),
        ("abilities({label: 'v1', cannot: {repaint: 'x', complete: 'x', accompany: 'x', extract: 'x', generate: 'x', "
         "lego: 'x', cover: 'x'}})", "v1: not ready"),
        ("ago(0, 30)", "just now"),
        ("ago(0, 7200)", "2 h ago"),
        ("regionName({start: 96000, end: 144000}, null, 48000)", "0:02.0 to 0:03.0"),
        ("receiptLine({exact: true, outside_identical: false, warnings: ['a']})",
         "On the exact sample, the outside CHANGED, 1 warning."),
    ],
)  # fmt: skip
def test_figures_are_words(js, expression, expected):
    assert js("words", expression) == expected


def test_sha256_agrees_with_the_standard_library(js):
    chance = random.Random(5)
    for length in (0, 1, 55, 56, 63, 64, 65, 1000):
        data = chance.randbytes(length)
        pieces = (
            "for (let at = 0; at < x.length; at += 37) hash.update(Uint8Array.from(x.slice(at, at + 37)));"
        )
        found = js(
            "sha256", f"(() => {{ const hash = new Sha256(); {pieces} return hash.hex(); }})()", list(data)
        )
        assert found == hashlib.sha256(data).hexdigest()


def test_a_plans_figure_is_shown_and_goes_with_what_it_was_said_of(js):
    found = {
        "caption": "calm", "tempo": 96, "lyrics": [{"text": "la"}], "codes": [1],
        "fit": {"total": 0.617, "caption": 0.5},
    }  # fmt: skip
    kept = {"caption": "calm", "tempo": "96", "meter": "", "key": "", "language": "", "lyrics": "la"}
    assert js("blueprint", "fitWords(x)", found).startswith("Fit of codes and words: 0.62,")
    assert js("blueprint", "fitWords({})") == ""

    def fit(keeps: bool = True, **changes: str) -> object:
        asked = [found, {**kept, **changes}, keeps]
        return js("blueprint", "edited(...x).fit ?? null", asked)

    assert fit() == found["fit"]
    for changes in ({"caption": "loud"}, {"tempo": "97"}, {"lyrics": "la la"}, {"key": "C minor"}):
        assert fit(**changes) is None
    assert fit(keeps=False) is None

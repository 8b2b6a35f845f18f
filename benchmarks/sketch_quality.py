"""Measures the sketch engine's repaints and continuations on generated songs and prints the table.

    OMP_NUM_THREADS=1 python -m benchmarks.sketch_quality            # all songs
    OMP_NUM_THREADS=1 python -m benchmarks.sketch_quality --quick    # four of them

Every figure stands beside the same measure of a baseline: random other bars with a 10 ms fade, or a hard cut.
The songs are synthetic and clean: real recordings repeat less exactly, so read the figures as an upper bound.
Songs marked (h) were never looked at while values in model/sketch/parameters.py were chosen.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from model.engine import Piece, RenderRequest, Report, Samples, Task
from model.sketch import joins, loudness, onsets
from model.sketch import parameters as p
from model.sketch.engine import SketchEngine
from model.sketch.spectrum import mel_filters, stft
from tests.model.sketch.songs import Generated, make_song, request_for, song_of

_FIRST_HALF = ("C", "F", "G", "Am", "Dm", "G", "Em", "Am", "F", "Bb", "Eb", "Cm")
THROUGH = (*_FIRST_HALF, "D", "G", "Bm", "Em", "A", "Dm", "C", "E", "Am", "F", "Dm", "G")
MINOR = ("Am", "F", "C", "G", "Am", "Dm", "E", "Am")

SONGS: dict[str, Callable[[], Generated]] = {
    "pop120": lambda: make_song(48, 120.0),
    "pop92": lambda: make_song(40, 92.0, seed=2),
    "tempo": lambda: make_song(42, (100.0, 108.0, 126.0), seed=3),
    "waltz90": lambda: make_song(48, 90.0, 3, seed=4),
    "ambient70": lambda: make_song(32, 70.0, drums=False, seed=5),
    "through104": lambda: make_song(48, 104.0, progression=THROUGH, seed=6),
    "minor132 (h)": lambda: make_song(48, 132.0, progression=MINOR, seed=17),
    "human98 (h)": lambda: make_song(40, 98.0, seed=18, jitter_seconds=0.009),
    "solo80 (h)": lambda: _only(make_song(32, 80.0, drums=False, seed=19), "lead"),
    "late112 (h)": lambda: make_song(40, 112.0, seed=20, late_seconds=0.04),
    "waltz150 (h)": lambda: make_song(64, 150.0, 3, progression=MINOR, seed=21),
}
QUICK = ("pop120", "waltz90", "ambient70", "human98 (h)")


def _only(made: Generated, stem: str) -> Generated:
    """The song with one stem alone."""
    return replace(made, song=song_of(made.stems[stem], made.song.rate))


@dataclass
class Measured:
    """Values collected over all regions, by column."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        self.values.setdefault(name, []).extend(float(value) for value in values)

    def mean(self, name: str) -> float:
        found = self.values.get(name, [])
        return float(np.mean(found)) if found else float("nan")

    def percentile(self, name: str, rank: float) -> float:
        found = self.values.get(name, [])
        return float(np.percentile(found, rank)) if found else float("nan")


def bar_beats(made: Generated) -> int:
    return int(made.grid.bar_beats[0])


def lead_beats(made: Generated) -> int:
    return int(np.searchsorted(made.grid.seconds, -1e-9))


def song_bars(made: Generated) -> int:
    return len(made.chords) // bar_beats(made)


def regions(made: Generated) -> Iterator[tuple[int, int]]:
    """Four regions of four bars, as first and last bar."""
    bars = song_bars(made)
    for share in (0.2, 0.4, 0.55, 0.75):
        first = int(bars * share)
        yield first, first + 4


def render(engine: SketchEngine, request: RenderRequest) -> tuple[Samples, Report]:
    *pieces, report = engine.render(request, lambda _: None, lambda: False)
    assert isinstance(report, Report)
    return next(piece.samples for piece in pieces if isinstance(piece, Piece)), report


def random_bars(made: Generated, first: int, last: int, rng: np.random.Generator, fade: int) -> Samples:
    """The baseline: random other bars of the song, joined by `fade` frames."""
    count = bar_beats(made)
    out = np.zeros(
        (made.bar_frame(last, count) - made.bar_frame(first, count), made.song.channels), np.float32
    )
    origin = made.bar_frame(first, count)
    others = [bar for bar in range(song_bars(made) - 1) if not first <= bar < last]
    for bar in range(first, last):
        a, b = made.bar_frame(bar, count) - origin, made.bar_frame(bar + 1, count) - origin
        source = made.bar_frame(int(rng.choice(others)), count)
        new = made.song.samples[source : source + b - a]
        out[a : a + len(new)] = new
        before = out[a - fade : a] if a >= fade else None
        if fade and before is not None:
            ahead = made.song.samples[max(source - fade, 0) : source]
            if len(ahead) == fade:
                gain = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
                out[a - fade : a] = before * (1 - gain) + ahead * gain
    if fade:
        gain = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
        old = made.song.samples[origin : origin + len(out)]
        out[:fade] = old[:fade] * (1 - gain) + out[:fade] * gain
        out[-fade:] = out[-fade:] * (1 - gain) + old[-fade:] * gain
    return out


def spliced(made: Generated, start: int, mix: Samples) -> Samples:
    whole = made.song.samples.copy()
    whole[start : start + len(mix)] = mix
    return whole


def click_curve(samples: Samples) -> NDArray[np.float64]:
    """Peak of the third difference per millisecond: what a discontinuity shows most in."""
    rough = np.abs(np.diff(samples.mean(axis=1), 3))
    whole = len(rough) // 44 * 44
    return np.asarray(rough[:whole].reshape(-1, 44).max(axis=1), dtype=np.float64)


def click_percentile(made: Generated, start: int, mix: Samples, seams: list[int]) -> list[float]:
    """Percentile, among the song's own 60 ms stretches, of the roughest millisecond around each seam."""
    own = click_curve(made.song.samples)
    blocks = own[: len(own) // 60 * 60].reshape(-1, 60).max(axis=1)
    ours = click_curve(spliced(made, start, mix))
    found = []
    for seam in seams:
        at = seam // 44
        found.append(float(np.mean(blocks < ours[max(at - 30, 0) : at + 30].max())))
    return found


def log_mel(samples: Samples, rate: int) -> NDArray[np.float64]:
    mono = np.ascontiguousarray(samples.mean(axis=1))
    filters = mel_filters(rate, 2048, 40, 40.0, 10500.0)
    return np.asarray(10 * np.log10(filters @ np.square(np.abs(stft(mono, 2048, 1024))) + 1e-4).T)


def texture_steps(made: Generated, samples: Samples, bars: list[int]) -> list[float]:
    """Mean band difference (dB) between the bar before and the bar after each bar line."""
    mel, rate, count = log_mel(samples, made.song.rate), made.song.rate, bar_beats(made)
    frame = rate / 1024
    found = []
    for bar in bars:
        if 1 <= bar < song_bars(made) - 1:
            a, b, c = (int(made.bar_frame(k, count) / rate * frame) for k in (bar - 1, bar, bar + 1))
            found.append(float(np.abs(mel[a:b].mean(axis=0) - mel[b:c].mean(axis=0)).mean()))
    return found


def onset_errors(samples: Samples, made: Generated, start: int, length: int) -> list[float]:
    """Milliseconds between each strong onset and the nearest sixteenth of the grid."""
    import soxr

    mono = soxr.resample(samples.mean(axis=1), made.song.rate, p.ANALYSIS_RATE)
    envelope = onsets.onset_envelope(np.ascontiguousarray(mono, dtype=np.float32), lambda: None)
    strong = np.percentile(envelope, 95)
    peak = (envelope[1:-1] > envelope[:-2]) & (envelope[1:-1] >= envelope[2:]) & (envelope[1:-1] > strong)
    at = np.flatnonzero(peak) + 1
    left, middle, right = envelope[at - 1], envelope[at], envelope[at + 1]
    exact = at + 0.5 * (left - right) / np.minimum(left - 2 * middle + right, -1e-9)
    seconds = start / made.song.rate + exact * p.ONSET_HOP / p.ANALYSIS_RATE + p.ONSET_LAG_SECONDS
    beats = made.grid.seconds
    sixteenths = np.interp(np.arange(0, len(beats) - 1, 0.25), np.arange(len(beats)), beats)
    apart = seconds[:, None] - sixteenths[None]
    nearest = apart[np.arange(len(seconds)), np.abs(apart).argmin(axis=1)] * 1000.0
    inside = (seconds > start / made.song.rate + 0.05) & (seconds < (start + length) / made.song.rate - 0.05)
    return [float(value) for value in nearest[inside]]


def beat_chroma(samples: Samples, rate: int, edges: list[int]) -> NDArray[np.float64]:
    """A plain chroma per beat, not the engine's."""
    rows = []
    for a, b in itertools.pairwise(edges):
        part = samples[a:b].mean(axis=1)
        power = np.square(np.abs(np.fft.rfft(part * np.hanning(len(part)), 16384)))
        hz = np.fft.rfftfreq(16384, 1 / rate)
        use = (hz > 100) & (hz < 1500)
        pitch = np.rint(69 + 12 * np.log2(hz[use] / 440)).astype(int) % 12
        row = np.sqrt(np.bincount(pitch, power[use], minlength=12))
        rows.append(row / max(float(np.linalg.norm(row)), 1e-9))
    return np.array(rows)


def beat_correlation(a: Samples, b: Samples, edges: list[int], rate: int) -> list[float]:
    """Highest normalised correlation within +-30 ms of each beat, pre-emphasised, up to 5.5 kHz.

    Above, every hit of a sampled cymbal equals every other, whatever was played.
    """
    import soxr

    low = [soxr.resample(s.mean(axis=1, dtype=np.float64), rate, p.NOVELTY_RATE) for s in (a, b)]
    low = [np.append(s[0], s[1:] - p.NOVELTY_PREEMPHASIS * s[:-1]) for s in low]
    bounds = [round(edge * p.NOVELTY_RATE / rate) for edge in edges]
    reach = round(p.NOVELTY_LAG_SECONDS * p.NOVELTY_RATE)
    found = []
    for first, last in itertools.pairwise(bounds):
        x, y = (s[first:last] for s in low)
        size = 1 << int(np.ceil(np.log2(2 * len(x))))
        lags = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(y, size).conj(), size)
        near = max(lags[:reach].max(), lags[-reach:].max())
        found.append(float(near / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-12)))
    return found


def measure_repaints(name: str, made: Generated, out: dict[str, Measured]) -> None:
    """Fills the columns "sketch", "random bar + fade", "hard cut" and "song itself"."""
    engine, count, rate = SketchEngine(), bar_beats(made), made.song.rate
    rng = np.random.default_rng(7)
    own_steps = texture_steps(made, made.song.samples, list(range(1, song_bars(made) - 1)))
    lead = lead_beats(made)
    began = time.thread_time()
    render(engine, request_for(made, made.bar_frame(1, count), made.bar_frame(2, count)))
    out["sketch"].add("analysis s per 120 s", (time.thread_time() - began) * 120 * rate / made.song.frames)
    for first, last in regions(made):
        start, end = made.bar_frame(first, count), made.bar_frame(last, count)
        edges = [made.beat_frame(beat) - start for beat in range(first * count, last * count + 1)]
        old = made.song.samples[start:end]
        own_errors = onset_errors(old, made, start, end - start)
        out["song itself"].add("onset", *np.abs(np.array(own_errors)))
        for seed in (1, 2):
            request = request_for(made, start, end, seed=seed)
            began = time.thread_time()
            ours, report = render(engine, request)
            out["sketch"].add("seconds", time.thread_time() - began)
            seams = [start, end]
            kinds = {
                "sketch": ours,
                "random bar + fade": random_bars(made, first, last, rng, 441),
                "hard cut": random_bars(made, first, last, rng, 0),
            }
            for kind, mix in kinds.items():
                column = out[kind]
                bars = [made.bar_frame(bar, count) for bar in range(first, last + 1)]
                places = bars if kind != "sketch" else seams + _join_frames(made, report, first)
                column.add("click", *(v > 0.99 for v in click_percentile(made, start, mix, places)))
                limit = np.percentile(own_steps, 95)
                steps = texture_steps(made, spliced(made, start, mix), [first, last])
                column.add("texture", *(step > limit for step in steps))
                column.add("onset", *np.abs(onset_errors(mix, made, start, end - start)))
                chroma = beat_chroma(old, rate, edges) * beat_chroma(mix, rate, edges)
                sounding = np.abs(beat_chroma(old, rate, edges)).sum(axis=1) > 0.5
                column.add("chroma", *chroma.sum(axis=1)[sounding])
                column.add("loudness", abs(loudness.integrated(mix, rate) - loudness.integrated(old, rate)))
                alike = beat_correlation(mix, old, edges, rate)
                column.add("novelty", *alike)
                column.add("copies", *(value > 0.98 for value in alike))
            chords = _source_chords(made, report, first, last, lead)
            truth = made.chords[first * count : last * count]
            out["sketch"].add("chord", *(chords == truth))
            out["random bar + fade"].add("chord", *_chance_chords(made, truth))
    figures = (f"{key} {out['sketch'].mean(key):.2f}" for key in ("chroma", "chord", "novelty", "copies"))
    print(f"  {name}, all so far: {', '.join(figures)}", flush=True)


def _source_chords(made: Generated, report: Report, first: int, last: int, lead: int) -> NDArray[np.int64]:
    """True chord of each source beat of a repaint, from the beat numbers in the report."""
    beats = report.figures["source_beats"]
    found = np.full((last - first) * bar_beats(made), -1, dtype=np.int64)
    for k, beat in enumerate(beats[: len(found)]):
        if 0 <= beat - lead < len(made.chords):
            found[k] = made.chords[beat - lead]
    return found


def _join_frames(made: Generated, report: Report, first: int) -> list[int]:
    """Frames of the song where runs inside the region begin."""
    beats = report.figures["source_beats"]
    return [
        made.beat_frame(first * bar_beats(made) + k)
        for k in range(1, len(beats))
        if beats[k] != beats[k - 1] + 1
    ]


def _chance_chords(made: Generated, truth: NDArray[np.int64]) -> list[float]:
    """How probable each true chord is at a random beat of the song."""
    return [float(np.mean(made.chords == chord)) for chord in truth]


def measure_takes(made: Generated, out: dict[str, Measured]) -> None:
    """Distinct results among eight takes, and strength against similarity."""
    engine, count = SketchEngine(), bar_beats(made)
    first, last = next(iter(regions(made)))
    start, end = made.bar_frame(first, count), made.bar_frame(last, count)
    mixes = [render(engine, request_for(made, start, end, take=take))[0] for take in range(8)]
    distinct: list[Samples] = []
    for mix in mixes:
        if all(joins.likeness(mix, other) < 0.995 for other in distinct):
            distinct.append(mix)
    out["sketch"].add("takes", len(distinct))
    alike = [
        render(engine, request_for(made, start, end, strength=s))[1].figures["beat_correlation"]
        for s in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    out["sketch"].add("monotone", all(b <= a + 1e-6 for a, b in itertools.pairwise(alike)))
    out["sketch"].add("strength 0", alike[0])
    out["sketch"].add("strength 1", alike[-1])


def measure_continuations(made: Generated, out: dict[str, Measured]) -> None:
    """Eight bars after the end: chord transitions known from the song, level, longest verbatim run."""
    engine, count = SketchEngine(), bar_beats(made)
    lead, bars = lead_beats(made), song_bars(made)
    known = set(zip(made.chords[:-1].tolist(), made.chords[1:].tolist(), strict=True))
    length = made.bar_frame(bars - 1, count) - made.bar_frame(bars - 9, count)
    for seed in (1, 2, 3):
        end = made.song.frames
        mix, report = render(engine, request_for(made, end, end + length, Task.COMPLETE, seed=seed))
        played = [
            made.chords[b - lead] for b in report.figures["source_beats"] if b - lead < len(made.chords)
        ]
        pairs = list(zip([made.chords[-1], *played[:-1]], played, strict=True))
        out["sketch"].add("transitions", *((int(a), int(b)) in known for a, b in pairs))
        last = loudness.integrated(made.song.samples[-12 * made.song.rate :], made.song.rate)
        out["sketch"].add("continued loudness", abs(loudness.integrated(mix, made.song.rate) - last))
        out["sketch"].add("verbatim", report.figures["longest_verbatim_bars"])


def row(label: str, target: str, *cells: float, form: str = "{:.2f}") -> str:
    texts = ["" if np.isnan(cell) else form.format(cell) for cell in cells]
    return f"| {label} | {' | '.join(texts)} | {target} |"


def table(out: dict[str, Measured]) -> str:
    """The table in Markdown."""
    kinds = ("sketch", "random bar + fade", "hard cut", "song itself")

    def means(name: str, scale: float = 1.0) -> list[float]:
        return [scale * out[kind].mean(name) for kind in kinds]

    def ranks(name: str, rank: float) -> list[float]:
        return [out[kind].percentile(name, rank) for kind in kinds]

    nothing = [float("nan")] * 3
    ours = out["sketch"]
    lines = [
        "| Measure | Sketch | random bar + 10 ms fade | hard cut | song itself | target |",
        "|---|---|---|---|---|---|",
        row("join click above the song's p99, %", "<= 3", *means("click", 100), form="{:.1f}"),
        row("texture step at edges above p95, %", "<= 8", *means("texture", 100), form="{:.1f}"),
        row("onset to sixteenth, median ms", "song + 2", *ranks("onset", 50), form="{:.1f}"),
        row("onset to sixteenth, p90 ms", "song + 4", *ranks("onset", 90), form="{:.1f}"),
        row("beat chroma cosine to the replaced bars", ">= 0.92", *means("chroma")),
        row("chord equal, %", ">= 85", *means("chord", 100), form="{:.0f}"),
        row("loudness against the replaced region, LU", "<= 0.5", *means("loudness")),
        row("correlation with replaced beats, mean", "<= 0.7", *means("novelty")),
        row("beats that are copies (> 0.98), %", "< 1", *means("copies", 100), form="{:.1f}"),
        row("distinct results in 8 takes, least", "8", ours.percentile("takes", 0), *nothing, form="{:.0f}"),
        row(
            "songs where strength is monotone, %", "100", 100 * ours.mean("monotone"), *nothing, form="{:.0f}"
        ),
        row("beat correlation at strength 0", "", ours.mean("strength 0"), *nothing),
        row("beat correlation at strength 1", "", ours.mean("strength 1"), *nothing),
        row(
            "continuation: known chord steps, %",
            ">= 95",
            100 * ours.mean("transitions"),
            *nothing,
            form="{:.1f}",
        ),
        row("continuation: loudness, LU", "<= 0.5", ours.mean("continued loudness"), *nothing),
        row("continuation: longest verbatim run, bars", "<= 4", ours.percentile("verbatim", 100), *nothing),
        row("4 bars repainted, s (p90)", "< 0.5", ours.percentile("seconds", 90), *nothing),
        row("analysis and first repaint of 120 s, s", "<= 2", ours.mean("analysis s per 120 s"), *nothing),
    ]
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="four songs instead of all")
    arguments.add_argument("--songs", nargs="*", default=list(SONGS), help="only these")
    chosen = arguments.parse_args()
    columns = {kind: Measured() for kind in ("sketch", "random bar + fade", "hard cut", "song itself")}
    SketchEngine().load(lambda _: None)
    for name, make in SONGS.items():
        if name not in chosen.songs or (chosen.quick and name not in QUICK):
            continue
        made = make()
        measure_repaints(name, made, columns)
        measure_takes(made, columns)
        measure_continuations(made, columns)
    print(table(columns))


if __name__ == "__main__":
    main()

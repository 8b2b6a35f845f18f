"""What the planner does in words: plans a new song, describes one, rewrites a caption. A request in, a Blueprint out.

What the producer and the host have settled is forced on the planner and comes back unchanged; the rest
(`RenderRequest.writes`) is the planner's to write. Its texts are cut to what the renderer reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from model.acestep.conditioning import prompts
from model.acestep.planner import planner_prompts
from model.acestep.planner.drawing import DESCRIBING, UNDERSTANDING, Drawing
from model.acestep.planner.plan_fit import fit_of
from model.acestep.planner.planner import NO_CODES, Planner, PlanRequest
from model.acestep.planner.planner_prompts import PlannedSong
from model.acestep.planner.song_layout import laid_out
from model.acestep.sampling.samplers import NoisePurpose, generator
from model.blueprint import OPEN_FIELDS, Blueprint, LyricLine
from model.engine import RenderRequest
from model.errors import CannotRender
from model.pace import Pace

MAX_UNDERSTOOD_SECONDS = 240
"""Of a song that is described: its codes and the answer must fit the planner's context."""

_WORDS_SHARE = 0.2  # of the time a plan takes; codes are five for every second of the song
_WRITTEN = 0.95  # then it is read once more
_UNITS = {"2": "2/4", "3": "3/4", "4": "4/4", "6": "6/8"}
_PLURAL_HEADER = re.compile(r"\A# Lyrics\s*\n", re.IGNORECASE)  # the reference leaves it in the lyrics
_SPECIAL = re.compile(r"<\|[^|<>]*\|>")  # tokens that are no words, such as codes beyond the last

GUESSED = (
    "Caption, language and lyrics are what the planner makes of the sound, and its tempo, key and time signature are "
    "guesses: `analyse` with the sketch engine measures them."
)
LAID_OUT = "Times of sections and lines are laid out on the bars from the lyrics; the render decides where they fall."


@dataclass(frozen=True)
class Settled:
    """What a request has settled. facts: by the planner's names, with the length; tempo and meter as the host has them.

    bar_lines: the first samples of the host's bars in the region, in seconds from its first.
    notes: what of it the planner cannot express.
    """

    facts: Mapping[str, str]
    tempo: float | None
    meter: str | None
    seconds: float
    bar_lines: tuple[float, ...]
    notes: tuple[str, ...] = ()


def settled(request: RenderRequest) -> Settled:
    """Reads the request's grid at its first beat."""
    seconds, start = request.length / request.rate, request.start / request.rate
    grid, writes = request.grid, request.writes
    tempo = meter = None
    notes: tuple[str, ...] = ()
    facts = {"duration": str(int(seconds))}
    if len(grid.seconds):
        at = max(0, int(np.searchsorted(grid.seconds, start + 1e-6, side="right")) - 1)
        tempo, beats = float(grid.quarters_per_minute[at]), int(grid.bar_beats[at])
        meter = f"{beats}/{grid.unit}"
        metas, notes = prompts.metas_from_host(tempo, beats, grid.unit, request.key, seconds)
        known = {"bpm": metas.bpm, "timesignature": metas.meter, "keyscale": metas.key}
        facts |= {name: str(value) for name, value in known.items() if value is not None}
    for field, name in (("tempo", "bpm"), ("meter", "timesignature"), ("key", "keyscale")):
        if field in writes:
            facts.pop(name, None)
    if "language" not in writes and request.language != prompts.UNKNOWN_LANGUAGE:
        facts["language"] = request.language
    downbeats = grid.seconds[grid.beat_in_bar == 0] - start
    lines = tuple(float(one) for one in downbeats if -1e-6 <= one < seconds - 1e-3)
    return Settled(
        facts,
        None if "tempo" in writes else tempo,
        None if "meter" in writes else meter,
        seconds,
        lines,
        notes,
    )


@dataclass(frozen=True)
class WrittenWords:
    """A song's words, the producer's or the planner's, and the metadata they go with."""

    caption: str
    lyrics: str
    language: str
    facts: Mapping[str, str | int]


def plan(planner: Planner, request: RenderRequest, options: Mapping[str, float], pace: Pace) -> Blueprint:
    """A new song, in words and codes. Raises CannotRender, RenderStopped.

    Equal requests, seeds and takes give equal blueprints.
    """
    known = settled(request)
    source = generator(request.seed, request.take, NoisePurpose.PLAN)
    words = _planned_words(planner, request, known, options, source, pace.part(0.0, _WORDS_SHARE))
    stretch = pace.part(_WORDS_SHARE, _WRITTEN)
    # A caption among the facts is what the planner made of the producer's: it was trained to see both.
    asked = request.caption if "caption" in words.facts else words.caption
    wanted = PlanRequest(
        asked or planner_prompts.NOTHING_SAID, words.lyrics or prompts.INSTRUMENTAL, known.seconds, {}
    )
    codes = planner.code(
        wanted,
        words.facts,
        Drawing().changed(options),
        source,
        lambda done, most: stretch.at("planning the song", done / most),
        pace.stops,
    )
    if not codes:
        raise CannotRender(NO_CODES, "Use another seed.")
    pace.at("comparing the plan with its words", _WRITTEN)
    fit = fit_of(planner, codes, words.caption, words.lyrics, words.facts, pace.stops)
    return replace(_blueprint(words, known, codes, _own_key(request)), fit=fit)


def _planned_words(
    planner: Planner,
    request: RenderRequest,
    known: Settled,
    options: Mapping[str, float],
    source: torch.Generator,
    pace: Pace,
) -> WrittenWords:
    """The words of a new song: lyrics are written from a few words, or the metadata to lyrics that are settled."""

    def on_tokens(done: int, most: int) -> None:
        pace.at("writing the song", done / most)

    if "lyrics" in request.writes and not request.instrumental:
        prompt = planner_prompts.expanding_prompt(request.caption, instrumental=False)
        drawing = DESCRIBING.changed(options)
        answer = planner.describe(prompt, _given(known, request), drawing, source, on_tokens, pace.stops)
        found = _words(answer, request, known)
        return replace(found, facts=_without(found.facts, "caption"))
    wanted = PlanRequest(
        request.caption or planner_prompts.NOTHING_SAID,
        request.lyrics or prompts.INSTRUMENTAL,
        known.seconds,
        known.facts,
        writes_caption="caption" in request.writes,
        thinks=bool({"caption", "language"} & set(request.writes)),
    )
    facts = planner.think(wanted, Drawing().changed(options), source, on_tokens, pace.stops)
    return _words(PlannedSong(facts), request, known)


def understand(
    planner: Planner,
    request: RenderRequest,
    codes: Sequence[int],
    options: Mapping[str, float],
    pace: Pace,
) -> Blueprint:
    """What a song is, from its audio codes. Raises RenderStopped."""
    answer = planner.describe(
        planner_prompts.understanding_prompt(codes),
        {},
        UNDERSTANDING.changed(options),
        generator(request.seed, request.take, NoisePurpose.PLAN),
        lambda done, most: pace.at("describing the song", done / most),
        pace.stops,
    )
    everything = replace(
        request, writes=OPEN_FIELDS, caption="", lyrics="", language=prompts.UNKNOWN_LANGUAGE
    )
    known = Settled({}, None, None, request.length / request.rate, ())
    found = _blueprint(_words(answer, everything, known), known, ())
    return replace(found, sections=(), lyrics=tuple(LyricLine(line.text) for line in found.lyrics))


def rewrite(planner: Planner, request: RenderRequest, options: Mapping[str, float], pace: Pace) -> Blueprint:
    """A fuller caption, and the metadata and lyrics that go with it. Raises CannotRender, RenderStopped."""
    known = settled(request)
    lyrics = "" if request.instrumental else request.lyrics
    answer = planner.describe(
        planner_prompts.rewriting_prompt(request.caption, lyrics),
        _given(known, request),
        DESCRIBING.changed(options),
        generator(request.seed, request.take, NoisePurpose.PLAN),
        lambda done, most: pace.at("rewriting the prompt", done / most),
        pace.stops,
    )
    words = _words(answer, request, known)
    if not words.caption:
        raise CannotRender("The planner wrote no caption.", "Use another seed, or a prompt of a few words.")
    return _blueprint(words, known, (), _own_key(request))


def _own_key(request: RenderRequest) -> str | None:
    return None if "key" in request.writes else request.key


def _given(known: Settled, request: RenderRequest) -> dict[str, str]:
    """What the planner finds written in its answer already."""
    caption = {} if "caption" in request.writes else {"caption": _one_line(request.caption)}
    return {**known.facts, **caption}


def _words(answer: PlannedSong, request: RenderRequest, known: Settled) -> WrittenWords:
    """The words of an answer, cut to what is read, and in place of what is settled the producer's own."""
    facts = answer.facts
    written = _one_line(str(facts.get("caption", "")))
    caption = written if "caption" in request.writes and written else request.caption
    lyrics = _lyrics(answer.lyrics)
    if request.instrumental:
        lyrics = ""
    elif "lyrics" not in request.writes or not lyrics:
        lyrics = request.lyrics
    language = str(facts.get("language", ""))
    if "language" not in request.writes or language not in prompts.LANGUAGES:
        language = request.language
    kept = {name: value for name, value in {**facts, **known.facts}.items() if name != "genres"}
    return WrittenWords(caption, lyrics, "" if language == prompts.UNKNOWN_LANGUAGE else language, kept)


def _blueprint(
    words: WrittenWords, known: Settled, codes: Sequence[int], key: str | None = None
) -> Blueprint:
    metas = prompts.metas_from_mapping(words.facts)
    tempo = known.tempo if known.tempo is not None else (float(metas.bpm) if metas.bpm else None)
    meter = known.meter or _UNITS.get(metas.meter or "")
    bars = known.bar_lines
    if known.tempo is None or known.meter is None:
        bars = _bar_lines(tempo, meter, known.seconds)
    sections, lyrics = laid_out(words.lyrics, bars, known.seconds)
    return Blueprint(
        tempo=tempo,
        key=key or metas.key,
        meter=meter,
        sections=sections,
        caption=words.caption,
        lyrics=lyrics,
        language=words.language,
        seconds=known.seconds,
        codes=tuple(codes),
    )


def _bar_lines(tempo: float | None, meter: str | None, seconds: float) -> tuple[float, ...]:
    """The bars of a song at the planner's tempo; () where it wrote none."""
    if tempo is None or meter is None:
        return ()
    beats, unit = map(int, meter.split("/"))
    bar = beats * 4 / unit * 60 / tempo
    return tuple(number * bar for number in range(int(seconds / bar + 1e-6)))


def _without(facts: Mapping[str, str | int], name: str) -> dict[str, str | int]:
    return {key: value for key, value in facts.items() if key != name}


def _one_line(text: str) -> str:
    """A caption as the renderer reads it: printable, at most so long, cut between words."""
    clean = " ".join(_printable(text).split())
    if len(clean) > 1 and clean[0] == clean[-1] and clean[0] in "'\"":
        clean = clean[1:-1].replace(clean[0] * 2, clean[0])  # quoted, as YAML needs it
    if len(clean) <= prompts.MAX_CAPTION_CHARACTERS:
        return clean
    return (
        clean[: prompts.MAX_CAPTION_CHARACTERS + 1].rpartition(" ")[0]
        or clean[: prompts.MAX_CAPTION_CHARACTERS]
    )


def _lyrics(text: str) -> str:
    """Lyrics as the renderer reads them: printable, at most so long, cut between lines."""
    clean = "\n".join(_printable(line).rstrip() for line in _PLURAL_HEADER.sub("", text).split("\n"))
    clean = clean.strip()
    if len(clean) <= prompts.MAX_LYRIC_CHARACTERS:
        return clean
    return (
        clean[: prompts.MAX_LYRIC_CHARACTERS + 1].rpartition("\n")[0] or clean[: prompts.MAX_LYRIC_CHARACTERS]
    )


def _printable(text: str) -> str:
    """Without what no font shows; a blank for every kind of white space, also those that do not count as printable."""
    kept = (letter if letter.isprintable() else " " * letter.isspace() for letter in _SPECIAL.sub("", text))
    return "".join(kept)

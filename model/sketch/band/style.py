"""What a caption asks of the band: style, instruments, density; and which of its words the band does not follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model.sketch.band.presets import BALLAD, INSTRUMENTS, POP, PRESETS, WALTZ, Preset
from model.vocabulary import PromptReading, PromptVocabulary, Wish

# Below this tempo a caption without a style gets a ballad.
BALLAD_BELOW_QUARTERS_PER_MINUTE = 84.0

INSTRUMENT_WORDS = {
    "drums": ("drums", "drum", "drum kit", "percussion", "beat"),
    "bass": ("bass", "bassline", "bass line", "bass guitar"),
    "keys": ("keys", "keyboard", "keyboards", "rhodes", "organ", "electric piano"),
    "guitar": ("guitar", "guitars", "strumming"),
    "pad": ("pad", "pads", "strings", "synth", "synths", "synth pad"),
}
# Neither instructions nor worth reporting as ignored.
SMALL_WORDS = frozenset(
    ("style", "styled", "band", "backing", "accompaniment", "song", "music", "beats", "play", "like")
)
STYLE, SPARSE, HALF_TIME = "style", "sparse", "half-time"
WITH, WITHOUT, ONLY = "with ", "without ", "only "
_LOUDNESS = "the band's level is its own; use the fader"
_REASONS = {
    **dict.fromkeys(("louder", "quieter", "softer"), _LOUDNESS),
    **dict.fromkeys(("faster", "slower"), "the band plays at the song's tempo"),
}


def _instrument_wishes(name: str, words: tuple[str, ...]) -> Iterator[Wish]:
    """What can be asked about an instrument: to play, not to play, to play alone."""
    yield Wish(WITH + name, f"adds {name}", words, opposite=WITHOUT + name)
    yield Wish(
        WITHOUT + name,
        f"leaves out {name}",
        tuple(
            f"{verb} {article}{word}"
            for verb in ("remove", "omit", "drop", "mute", "skip", "leave out", "take out")
            for article in ("", "the ")
            for word in words
        ),
    )
    alone = (
        f"{only} {article}{word}" for only in ("only", "just") for article in ("", "the ") for word in words
    )
    yield Wish(ONLY + name, f"plays {name} only", (*(f"{word} only" for word in words), *alone))


VOCABULARY = PromptVocabulary(
    (
        *(Wish(preset.name, f"plays in {preset.name} style", preset.words, STYLE) for preset in PRESETS),
        *(wish for name, words in INSTRUMENT_WORDS.items() for wish in _instrument_wishes(name, words)),
        Wish(
            SPARSE,
            "plays fewer notes",
            ("sparse", "sparser", "minimal", "simple", "simpler", "quiet", "less busy", "stripped down",
             "stripped back", "fewer notes", "more space"),
        ),
        Wish(HALF_TIME, "plays in half time", ("half-time", "halftime", "half time feel")),
    ),
    _REASONS,
    SMALL_WORDS,
)  # fmt: skip


@dataclass(frozen=True)
class BandStyle:
    """What a caption asks for, and how it was read."""

    preset: Preset
    without: frozenset[str]
    added: frozenset[str]
    only: frozenset[str]
    sparse: bool
    half_time: bool
    reading: PromptReading


def read_caption(caption: str, pulses: int, quarters_per_minute: float) -> BandStyle:
    """The style for a caption, with `pulses` pulses per bar and a tempo."""
    reading = VOCABULARY.read(caption)
    named = reading.of_group(STYLE)
    chosen = next((preset for preset in PRESETS if preset.name == named), None)
    if chosen is None:
        slow = quarters_per_minute < BALLAD_BELOW_QUARTERS_PER_MINUTE
        chosen = WALTZ if pulses == 3 else BALLAD if slow else POP
    return BandStyle(
        chosen,
        _instruments(reading, WITHOUT),
        _instruments(reading, WITH),
        _instruments(reading, ONLY),
        reading.asks(SPARSE),
        reading.asks(HALF_TIME),
        reading,
    )


def _instruments(reading: PromptReading, wish: str) -> frozenset[str]:
    """The instruments that are asked for in one of the three ways."""
    return frozenset(name for name in INSTRUMENT_WORDS if reading.asks(wish + name))


def instruments_for(style: BandStyle, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The instruments that play: those in the request, else those of the caption, in INSTRUMENTS' order."""
    if asked:
        return tuple(name for name in INSTRUMENTS if name in asked)
    chosen = style.only or (frozenset(style.preset.band) | style.added) - style.without
    return tuple(name for name in INSTRUMENTS if name in chosen)

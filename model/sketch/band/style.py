"""What a caption asks of the band: style, instruments, density; and which of its words it ignored."""

from __future__ import annotations

from dataclasses import dataclass

from model.sketch.band.presets import BALLAD, INSTRUMENTS, POP, PRESETS, WALTZ, Preset

# Below this tempo a caption without a style gets a ballad.
BALLAD_BELOW_QUARTERS_PER_MINUTE = 84.0

INSTRUMENT_WORDS = {
    **dict.fromkeys(("drums", "drum", "percussion", "beat"), "drums"),
    **dict.fromkeys(("bass",), "bass"),
    **dict.fromkeys(("keys", "keyboard", "rhodes", "organ", "electric-piano"), "keys"),
    **dict.fromkeys(("guitar", "guitars", "strings-plucked"), "guitar"),
    **dict.fromkeys(("pad", "pads", "strings", "synth"), "pad"),
}
# Neither instructions nor worth reporting as ignored.
SMALL_WORDS = frozenset(("a", "an", "the", "and", "with", "of", "in", "for", "to", "my", "some", "very"))
SMALL_WORDS |= {"style", "band", "backing", "accompaniment", "song", "music"}
SPARSE_WORDS = ("sparse", "minimal", "simple", "quiet")
HALF_TIME_WORDS = ("half-time", "halftime")


@dataclass(frozen=True)
class BandStyle:
    """What a caption asks for, and the words that were ignored."""

    preset: Preset
    without: frozenset[str]
    added: frozenset[str]
    only: frozenset[str]
    sparse: bool
    half_time: bool
    ignored: tuple[str, ...]


def read_caption(caption: str, pulses: int, quarters_per_minute: float) -> BandStyle:
    """The style for a caption, with `pulses` pulses per bar and a tempo."""
    words = [word.strip(".,;:!?()\"'").lower() for word in caption.split()]
    words = [word for word in words if word]
    chosen: Preset | None = None
    without: set[str] = set()
    added: set[str] = set()
    only: set[str] = set()
    sparse = half_time = False
    ignored = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        after = words[place + 1] if place + 1 < len(words) else ""
        style = next((preset for preset in PRESETS if word in preset.words), None)
        if word in INSTRUMENT_WORDS:
            group = without if before in ("no", "without") else only if "only" in (before, after) else added
            group.add(INSTRUMENT_WORDS[word])
        elif style is not None:
            if chosen is not None and style is not chosen:
                ignored.append(word)
            chosen = chosen or style
        elif word in SPARSE_WORDS:
            sparse = True
        elif word in HALF_TIME_WORDS:
            half_time = True
        elif word not in SMALL_WORDS and not (
            word in ("no", "without", "only") and near_instrument(before, after)
        ):
            ignored.append(word)
    if chosen is None:
        slow = quarters_per_minute < BALLAD_BELOW_QUARTERS_PER_MINUTE
        chosen = WALTZ if pulses == 3 else BALLAD if slow else POP
    return BandStyle(
        chosen, frozenset(without), frozenset(added), frozenset(only), sparse, half_time, tuple(ignored)
    )


def near_instrument(before: str, after: str) -> bool:
    """Whether a neighbouring word names an instrument."""
    return before in INSTRUMENT_WORDS or after in INSTRUMENT_WORDS


def instruments_for(style: BandStyle, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The instruments that play: those in the request, else those of the caption, in INSTRUMENTS' order."""
    if asked:
        return tuple(name for name in INSTRUMENTS if name in asked)
    chosen = style.only or (frozenset(style.preset.band) | style.added) - style.without
    return tuple(name for name in INSTRUMENTS if name in chosen)

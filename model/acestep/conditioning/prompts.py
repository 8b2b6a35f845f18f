"""The exact strings for the text encoder. Whitespace matters: the network was trained with these strings.

Pure string building; tokenising, padding and truncating happen elsewhere. The prompts end with the tokenizer's own end
marker as plain text; its post-processor appends another one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.acestep.weights.capabilities import ModelTask

MAX_TEXT_TOKENS = 256
MAX_LYRIC_TOKENS = 2048
MAX_CAPTION_CHARACTERS = 512
MAX_LYRIC_CHARACTERS = 4096

INSTRUMENTAL = "[Instrumental]"
"""The lyrics of a piece without vocals."""
SECTION_TAGS = (
    "Verse", "Chorus", "Bridge", "Intro", "Outro", "Instrumental", "Pre-Chorus", "Post-Chorus", "Hook", "Refrain",
    "Solo", "Guitar Solo", "Piano Solo", "Interlude", "Break", "Drop", "Build", "Inst", "Start", "End",
)  # fmt: skip
"""Tags that begin a section of lyrics. The network reads them as text, so others work as far as it has learnt them."""

UNKNOWN_LANGUAGE = "unknown"
# fmt: off
LANGUAGES = (
    "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi",
    "fr", "he", "hi", "hr", "ht", "hu", "id", "is", "it", "ja", "ko", "la", "lt",
    "ms", "ne", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sa", "sk", "sr", "sv",
    "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "yue", "zh", "unknown",
)
# fmt: on

BPM_RANGE = (30, 300)
METERS = ("2", "3", "4", "6")

_NOT_GIVEN = "N/A"
_DEFAULT_SECONDS = 30  # the reference implementation's value for an unknown duration

_WHOLE_INSTRUCTION = {
    ModelTask.TEXT2MUSIC: "Fill the audio semantic mask based on the given conditions:",
    ModelTask.COVER: "Generate audio semantic tokens based on the given conditions:",
    ModelTask.COVER_NOFSQ: "Generate audio semantic tokens based on the given conditions:",
    ModelTask.REPAINT: "Repaint the mask area based on the given conditions:",
}
_TRACK_INSTRUCTION = {
    ModelTask.EXTRACT: ("Extract the {} track from the audio:", "Extract the track from the audio:"),
    ModelTask.LEGO: (
        "Generate the {} track based on the audio context:",
        "Generate the track based on the audio context:",
    ),
    ModelTask.COMPLETE: ("Complete the input track with {}:", "Complete the input track:"),
}

# The blank lines, the missing newline before the end marker of the lyrics and the one after that of the text
# are part of the format.
_TEXT = """# Instruction
{instruction}

# Caption
{caption}

# Metas
- bpm: {bpm}
- timesignature: {meter}
- keyscale: {key}
- duration: {seconds} seconds
<|endoftext|>
"""
_LYRIC_TITLE = "\n\n# Lyric\n"
_LYRICS = "# Languages\n{language}" + _LYRIC_TITLE + "{lyrics}<|endoftext|>"

_KEY = re.compile(r"([A-Ga-g])\s*(#|♯|b|♭|sharp|flat)?\s*(major|minor|maj|min|m|M)?", re.ASCII)
_ACCIDENTALS = {"♯": "#", "sharp": "#", "♭": "b", "flat": "b"}
_MINOR = ("minor", "min", "m")

_ALIASES = {
    "bpm": ("bpm", "tempo"),
    "meter": ("timesignature", "time_signature"),
    "key": ("keyscale", "key", "scale"),
    "seconds": ("duration", "length"),
}


@dataclass(frozen=True)
class Metas:
    """The four metadata fields of the prompt; None = unknown.

    bpm: whole beats per minute. meter: beats per bar. key: such as "F# minor". seconds: of the whole window.
    """

    bpm: int | None = None
    meter: str | None = None
    key: str | None = None
    seconds: float | None = None


def instruction(task: ModelTask, tracks: Sequence[str] = (), *, has_codes: bool = False) -> str:
    """The first part of the text prompt; only extract, lego and complete use the tracks."""
    if has_codes:
        return _WHOLE_INSTRUCTION[ModelTask.COVER]
    if task in _WHOLE_INSTRUCTION:
        return _WHOLE_INSTRUCTION[task]
    named, nameless = _TRACK_INSTRUCTION[task]
    return named.format(" | ".join(name.upper() for name in tracks)) if tracks else nameless


def text_prompt(wording: str, caption: str, metas: Metas) -> str:
    """Instruction, caption and metas in the trained layout."""
    return _TEXT.format(
        instruction=wording,
        caption=caption,
        bpm=_or_not_given(metas.bpm),
        meter=_or_not_given(metas.meter),
        key=_or_not_given(metas.key),
        seconds=_DEFAULT_SECONDS if metas.seconds is None else int(metas.seconds),
    )


def lyric_prompt(lyrics: str, language: str = UNKNOWN_LANGUAGE) -> str:
    """Language and lyrics; section tags such as [Verse 1] are part of the lyrics and stay unchanged."""
    return _LYRICS.format(language=language, lyrics=lyrics)


def lyrics_begin(prompt: str) -> int:
    """Where the lyrics begin in a `lyric_prompt`."""
    return prompt.index(_LYRIC_TITLE) + len(_LYRIC_TITLE)


def stem_caption(song: str, track: str, *, explicit_mask: bool) -> str:
    """The caption format of stem fine-tunes (`is_lego_sft` in the config) for lego."""
    return f"Global: {song}\nLocal: {track}\nMask Control: {'true' if explicit_mask else 'false'}"


def metas_from_host(
    quarters_per_minute: float | None,
    numerator: int | None,
    denominator: int,
    key: str | None,
    seconds: float,
) -> tuple[Metas, tuple[str, ...]]:
    """Metas of a passage from the host's values, and a note about everything the prompt cannot express.

    The prompt has room for one whole-number tempo and four meters; the request keeps the exact map.
    """
    notes: list[str] = []
    bpm = _prompt_bpm(quarters_per_minute, notes)
    meter = _prompt_meter(numerator, denominator, notes)
    prompt_key = None if key is None else spelled_key(key)
    if key is not None and prompt_key is None:
        notes.append(f"The model ignores the key {key!r}: it only knows major and minor keys.")
    return Metas(bpm, meter, prompt_key, seconds), tuple(notes)


def metas_from_mapping(values: Mapping[str, Any] | None) -> Metas:
    """Metas from a planner's or a user's dictionary.

    Accepts the aliases tempo, time_signature, key, scale and length. Values that are empty, 0, "N/A" or
    unreadable count as unknown.
    """
    values = values or {}
    meter, key = _text(_first(values, "meter")), _text(_first(values, "key"))
    bpm, seconds = _number(_first(values, "bpm")), _number(_first(values, "seconds"))
    return Metas(None if bpm is None else int(bpm), meter, key, seconds)


def spelled_key(key: str) -> str | None:
    """A key as the network knows it ("C major", "F# minor"); None if it is not a major or minor key.

    A letter alone means major.
    """
    found = _KEY.fullmatch(key.strip())
    if found is None:
        return None
    letter, accidental, scale = found.groups()
    sign = _ACCIDENTALS.get(accidental, accidental or "")
    return f"{letter.upper()}{sign} {'minor' if scale in _MINOR else 'major'}"


def _prompt_bpm(quarters_per_minute: float | None, notes: list[str]) -> int | None:
    if quarters_per_minute is None:
        return None
    bpm = math.floor(quarters_per_minute + 0.5)
    if BPM_RANGE[0] <= bpm <= BPM_RANGE[1]:
        return bpm
    notes.append(f"The model ignores the tempo {quarters_per_minute:g} BPM: it only knows 30 to 300 BPM.")
    return None


def _prompt_meter(numerator: int | None, denominator: int, notes: list[str]) -> str | None:
    """The prompt has room only for the numerator."""
    if numerator is None:
        return None
    if str(numerator) in METERS:
        return str(numerator)
    notes.append(
        f"The model ignores the time signature {numerator}/{denominator}: it only knows 2, 3, 4 and 6 beats per bar."
    )
    return None


def _first(values: Mapping[str, Any], field: str) -> Any:
    """The first alias of a field that has a value."""
    return next((values[name] for name in _ALIASES[field] if values.get(name)), None)


def _text(value: Any) -> str | None:
    text = str(value).strip() if value is not None else ""
    return None if text in ("", _NOT_GIVEN) else text


def _number(value: Any) -> float | None:
    """Reads 95, 95.7, "95" and "95 seconds"; None for anything else and for 0."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)", str(value)) if value is not None else None
    return float(found.group(1)) or None if found else None


def _or_not_given(value: object) -> object:
    return _NOT_GIVEN if value is None else value

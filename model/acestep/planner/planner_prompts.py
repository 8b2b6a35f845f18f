"""Builds the planner's prompts and parses its answers: the turns of the 5 Hz language model, as text.

Pure. Whitespace matters as in prompts.py: the planner was trained with these strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from model.acestep.latent_grid import CODES_PER_SECOND, MAX_CODE

NOTHING_SAID = "NO USER INPUT"
NO_THOUGHTS = "<think>\n\n</think>"

GENERATE = "Generate audio semantic tokens based on the given conditions:"
UNDERSTAND = "Understand the given musical conditions and describe the audio semantics accordingly:"
EXPAND = "Expand the user's input into a more detailed and specific musical description:"
REWRITE = "Format the user's input into a more detailed and specific musical description:"
NO_WORDS = "[Instrumental]"
"""Lyrics of a piece without vocals."""

FIELDS = ("bpm", "caption", "duration", "genres", "keyscale", "language", "timesignature")
"""The planner's fields in its own order, which is alphabetical."""

MIN_SECONDS, MAX_SECONDS = 10, 600

_ROOM_AFTER_CODES = 10  # tokens besides the codes
_ROOM_FOR_THOUGHTS, _MAX_THOUGHTS = 500, 3_500
_KEPT_FREE = 64  # tokens of the planner's context

_TURN = (
    "<|im_start|>system\n# Instruction\n{instruction}\n\n<|im_end|>\n"
    "<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
)
_CODE = re.compile(r"<\|audio_code_(\d+)\|>")
_HEADER = re.compile(r"^# Lyri[cs|]?\s*\n", re.IGNORECASE)
_WHOLE = ("bpm", "duration")


def turn(instruction: str, content: str) -> str:
    """A user turn and the start of the planner's answer."""
    return _TURN.format(instruction=instruction, content=content)


def song_content(caption: str, lyrics: str) -> str:
    return f"# Caption\n{caption}\n\n# Lyric\n{lyrics}\n"


def reasoning_prompt(caption: str, lyrics: str) -> str:
    """Asks for a song's metadata."""
    return turn(GENERATE, song_content(caption, lyrics))


def codes_prompt(caption: str, lyrics: str, thoughts: str) -> str:
    """Asks for the audio codes of a song with known metadata. thoughts: see `thoughts_of`."""
    return f"{reasoning_prompt(caption, lyrics)}{thoughts}\n\n"


def unguided_prompt(avoided: str = NOTHING_SAID) -> str:
    """The same without any condition, for guidance away from it."""
    return f"{turn(GENERATE, avoided)}{NO_THOUGHTS}\n\n"


def understanding_prompt(codes: Sequence[int]) -> str:
    """Asks what the music of these codes is; without codes the planner makes an example up."""
    return turn(UNDERSTAND, "".join(map(code_token, codes)) or NOTHING_SAID)


def expanding_prompt(query: str, *, instrumental: bool) -> str:
    """Asks for a song's metadata and lyrics from a few words."""
    return turn(EXPAND, f"{query or NOTHING_SAID}\n\ninstrumental: {'true' if instrumental else 'false'}")


def rewriting_prompt(caption: str, lyrics: str) -> str:
    """Asks for a fuller caption, metadata and lyrics. Unlike `song_content` it ends without a newline."""
    return turn(REWRITE, song_content(caption or NOTHING_SAID, lyrics or NO_WORDS).removesuffix("\n"))


def thoughts_answer(facts: Mapping[str, object]) -> str:
    """Metadata as an answer to `understanding_prompt` begins with it, its values as they are (see `plain`)."""
    return f"{_thoughts_block(dict(facts))}\n"


def lyrics_answer(lyrics: str) -> str:
    """Lyrics as an answer to `understanding_prompt` has them, without any metadata."""
    return f"<think>\n</think>\n# Lyric\n{lyrics}\n"


def code_token(code: int) -> str:
    return f"<|audio_code_{code}|>"


def thoughts_of(facts: Mapping[str, object]) -> str:
    """Metadata as the planner would write it: sorted YAML, wrapped and quoted as YAML requires."""
    if not facts:
        return NO_THOUGHTS
    return _thoughts_block({name: plain(name, value) for name, value in facts.items()})


def _thoughts_block(facts: Mapping[str, object]) -> str:
    block = yaml.safe_dump(facts, allow_unicode=True, sort_keys=True, default_flow_style=False)
    return f"<think>\n{block.strip()}\n</think>"


def plain(name: str, value: object) -> object:
    """A value as the planner writes it: numbers without quotes, and of a time signature the beats in a bar."""
    if name == "timesignature" and isinstance(value, str):
        value = value.removesuffix("/4")
    return int(value) if isinstance(value, str) and value.isdigit() else value


@dataclass(frozen=True)
class PlannedSong:
    """The planner's answer.

    facts: metadata by field; bpm and duration as integers if possible. codes: 0..63999, five per second.
    """

    facts: Mapping[str, str | int] = field(default_factory=dict)
    codes: tuple[int, ...] = ()
    lyrics: str = ""


def read_answer(text: str) -> PlannedSong:
    """Parses an answer, complete or truncated."""
    codes = tuple(min(int(number), MAX_CODE) for number in _CODE.findall(text))
    return PlannedSong(_facts(_thoughts(text)), codes, _lyrics(text))


def _thoughts(text: str) -> str:
    if "<think>" in text:
        return text.partition("<think>")[2].partition("</think>")[0]
    return _CODE.split(text)[0]


def _facts(thoughts: str) -> dict[str, str | int]:
    """One field per line; indented lines continue the value."""
    found: dict[str, str] = {}
    name = ""
    for line in thoughts.split("\n"):  # not splitlines: a caption may have other separators
        if not line.strip():
            continue
        if line[0] in " \t":
            if name:
                found[name] = f"{found[name]} {line.strip()}".strip()
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            name = ""
        else:
            found[name] = value
    return {name: _whole(name, value) for name, value in found.items() if value and name in FIELDS}


def _whole(name: str, value: str) -> str | int:
    return int(value) if name in _WHOLE and value.isdigit() else value


def _lyrics(text: str) -> str:
    rest = text.partition("</think>")[2].replace("<|im_end|>", "").strip()
    return _HEADER.sub("", rest).strip()


def code_count(seconds: float) -> int:
    """Number of codes of a song this long, within the planner's trained range."""
    return int(CODES_PER_SECOND * min(max(seconds, MIN_SECONDS), MAX_SECONDS))


def token_budget(seconds: float | None, context: int, *, thinking: bool) -> int:
    """Maximum tokens of an answer. seconds: of the song, None = unknown; context: the planner's context length."""
    if seconds is None:
        most = _MAX_THOUGHTS
    else:
        most = code_count(seconds) + (_ROOM_FOR_THOUGHTS if thinking else _ROOM_AFTER_CODES)
    return min(most, context - _KEPT_FREE)

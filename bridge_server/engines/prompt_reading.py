"""What an engine will make of a prompt, of lyrics and of chords, so that the producer knows before the render.

The engine's process has described the words it follows; they are read here with the reader it uses itself, so that no
engine code runs in the server and an answer comes at once, also during a render.
"""

from __future__ import annotations

from bridge_server.engines.chord_reading import read_chords
from daw_protocol.prompt_results import FollowedWords, PromptRead, UnfollowedWords
from model.engine import EngineDescription, Task, TextLimit
from model.vocabulary import PromptReading

SHOWN_WORDS = 12
"""Of many words that are not followed, so many are named in a sentence."""


def read_prompt(
    name: str, description: EngineDescription, task: str, prompt: str, lyrics: str, chords: str = ""
) -> PromptRead:
    """What the engine of this name makes of them."""
    reading = _reading(description, task, prompt)
    played, refused = read_chords(chords, description.label if not description.follows_chords else "")
    return PromptRead(
        engine=name,
        label=description.label,
        free=Task(task) not in description.words,
        hint=description.hints.get(Task(task), ""),
        follows=(
            *(FollowedWords(text=one.text, effect=one.wish.effect) for one in reading.understood),
            *played,
        ),
        ignores=(
            *(UnfollowedWords(text=one.text, reason=one.reason) for one in reading.ignored),
            *refused,
        ),
        notes=_limit_notes(description, prompt, lyrics),
    )


def unread_words(description: EngineDescription, task: str, prompt: str, lyrics: str) -> str:
    """What the producer should know before the render: words the engine does not follow. Empty when it follows all."""
    reading = _reading(description, task, prompt)
    shown = PromptReading(ignored=reading.ignored[:SHOWN_WORDS]).note(description.label)
    more = len(reading.ignored) - SHOWN_WORDS
    counted = f"Nor {more} more of its words." if more > 0 else ""
    return " ".join(filter(None, (shown, counted, *_limit_notes(description, prompt, lyrics))))


def _reading(description: EngineDescription, task: str, prompt: str) -> PromptReading:
    vocabulary = description.words.get(Task(task))
    return PromptReading() if vocabulary is None else vocabulary.read(prompt)


def _limit_notes(description: EngineDescription, prompt: str, lyrics: str) -> tuple[str, ...]:
    fields = (("prompt", prompt, description.prompt), ("lyrics", lyrics, description.lyrics))
    return tuple(
        note for field, text, limit in fields if (note := _limit_note(field, text, limit, description.label))
    )


def _limit_note(field: str, text: str, limit: TextLimit, label: str) -> str:
    most = limit.characters
    if limit.tokens == 0 and text:
        return f"{field}: the {label} engine does not read them."
    if most is not None and len(text) > most:
        return f"{field}: the {label} engine reads at most {most} characters, and these are {len(text)}."
    if limit.may_lose(text):
        return (
            f"{field}: the {label} engine reads about {limit.tokens} tokens, and these may be more; "
            "the take's notes will name what was left out."
        )
    return ""

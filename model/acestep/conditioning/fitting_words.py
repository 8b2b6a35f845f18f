"""Words that are longer than the network reads: shortened where they can be, and never without saying so.

The text prompt ends with tempo, meter, key and duration. Cut off at its end it would lose those first, so it is the
caption that gives way; lyrics lose their end, as they were trained to.
"""

from __future__ import annotations

from dataclasses import replace

from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS
from model.acestep.conditioning.request_plan import Prompts
from model.acestep.conditioning.text_encoder import TextEncoder


def fitted(encoder: TextEncoder, words: Prompts) -> tuple[Prompts, tuple[str, ...]]:
    """The words as they will be read, and a note for whatever was lost."""
    notes = []
    short = words
    if encoder.unread(words.text, MAX_TEXT_TOKENS) or encoder.unread(
        words.unconditioned_text, MAX_TEXT_TOKENS
    ):
        short, lost = _with_shorter_caption(encoder, words)
        lost = lost.strip() or encoder.unread(words.text, MAX_TEXT_TOKENS)
        notes.append(
            f"The prompt is longer than the model reads ({MAX_TEXT_TOKENS} tokens, with tempo and key): "
            f"{counted(lost)} not read."
        )
    lost = encoder.unread(words.lyrics, MAX_LYRIC_TOKENS)
    if lost:
        notes.append(
            f"The lyrics are longer than the model reads ({MAX_LYRIC_TOKENS} tokens): {counted(lost)} not sung."
        )
    return short, tuple(notes)


def counted(lost: str) -> str:
    """How much was lost, and where it began: "its last 7 words, from ... on, were"."""
    words = lost.removesuffix("<|endoftext|>").split()
    what = "its last word" if len(words) == 1 else f"its last {len(words)} words"
    return f"{what}, from {' '.join(words[:4])[:60]!r} on, {'was' if len(words) == 1 else 'were'}"


def _with_shorter_caption(encoder: TextEncoder, words: Prompts) -> tuple[Prompts, str]:
    """The longest beginning of the caption that fits, ending between words where it has any; and the rest."""
    low, high = 0, len(words.caption)  # characters: a caption of `low` fits, one of more than `high` does not
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(encoder, _cut(words, middle)):
            low = middle
        else:
            high = middle - 1
    kept = words.caption[:low]
    if low < len(words.caption) and not words.caption[low].isspace() and " " in kept:
        low = kept.rindex(" ")
    return _cut(words, low), words.caption[low:]


def _fits(encoder: TextEncoder, words: Prompts) -> bool:
    return not (
        encoder.unread(words.text, MAX_TEXT_TOKENS)
        or encoder.unread(words.unconditioned_text, MAX_TEXT_TOKENS)
    )


def _cut(words: Prompts, length: int) -> Prompts:
    """The words with the first `length` characters of the caption."""
    short = words.caption[:length]

    def shortened(prompt: str) -> str:
        before, _, after = prompt.partition("\n# Caption\n")
        return f"{before}\n# Caption\n{short}{after.removeprefix(words.caption)}"

    return replace(
        words,
        text=shortened(words.text),
        unconditioned_text=shortened(words.unconditioned_text),
        caption=short,
    )

"""Shortens prompts that are longer than the network reads, and reports what was cut.

The text prompt ends with tempo, meter, key and duration. Plain truncation would cut those first, so the caption is
shortened instead; lyrics lose their end, as in training.
"""

from __future__ import annotations

from dataclasses import replace

from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS
from model.acestep.conditioning.request_plan import Prompts
from model.acestep.conditioning.text_encoder import TextEncoder


def fitted(encoder: TextEncoder, prompts: Prompts) -> tuple[Prompts, tuple[str, ...]]:
    """The prompts as the network reads them, and a note about whatever was cut."""
    notes = []
    short = prompts
    if encoder.unread(prompts.text, MAX_TEXT_TOKENS) or encoder.unread(
        prompts.unconditioned_text, MAX_TEXT_TOKENS
    ):
        short, lost = _with_shorter_caption(encoder, prompts)
        lost = lost.strip() or encoder.unread(prompts.text, MAX_TEXT_TOKENS)
        notes.append(
            f"The prompt exceeds the model's limit ({MAX_TEXT_TOKENS} tokens, including tempo and key): "
            f"{counted(lost)} ignored."
        )
    lost = encoder.unread(prompts.lyrics, MAX_LYRIC_TOKENS)
    if lost:
        notes.append(
            f"The lyrics exceed the model's limit ({MAX_LYRIC_TOKENS} tokens): {counted(lost)} not sung."
        )
    return short, tuple(notes)


def counted(lost: str) -> str:
    """How much was cut, and from where: "the last 7 words, from ... on, were"."""
    words = lost.removesuffix("<|endoftext|>").split()
    what = "the last word" if len(words) == 1 else f"the last {len(words)} words"
    return f"{what}, from {' '.join(words[:4])[:60]!r} on, {'was' if len(words) == 1 else 'were'}"


def _with_shorter_caption(encoder: TextEncoder, prompts: Prompts) -> tuple[Prompts, str]:
    """The prompts with the longest start of the caption that fits, cut between words if possible; and the rest."""
    low, high = 0, len(prompts.caption)  # characters: `low` of them fit, more than `high` do not
    while low < high:
        middle = (low + high + 1) // 2
        if _fits(encoder, _cut(prompts, middle)):
            low = middle
        else:
            high = middle - 1
    kept = prompts.caption[:low]
    if low < len(prompts.caption) and not prompts.caption[low].isspace() and " " in kept:
        low = kept.rindex(" ")
    return _cut(prompts, low), prompts.caption[low:]


def _fits(encoder: TextEncoder, prompts: Prompts) -> bool:
    return not (
        encoder.unread(prompts.text, MAX_TEXT_TOKENS)
        or encoder.unread(prompts.unconditioned_text, MAX_TEXT_TOKENS)
    )


def _cut(prompts: Prompts, length: int) -> Prompts:
    """The prompts with the first `length` characters of the caption."""
    short = prompts.caption[:length]

    def shortened(prompt: str) -> str:
        before, _, after = prompt.partition("\n# Caption\n")
        return f"{before}\n# Caption\n{short}{after.removeprefix(prompts.caption)}"

    return replace(
        prompts,
        text=shortened(prompts.text),
        unconditioned_text=shortened(prompts.unconditioned_text),
        caption=short,
    )

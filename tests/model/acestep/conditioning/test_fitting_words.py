"""Words that are too long are shortened at the right place, and the loss is reported."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

from model.acestep.conditioning import prompts
from model.acestep.conditioning.fitting_words import counted, fitted
from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS, Metas
from model.acestep.conditioning.qwen_text_encoder import QwenTextEncoder
from model.acestep.conditioning.request_plan import Prompts
from model.acestep.renderer import Renderer
from model.acestep.weights.capabilities import ModelTask
from model.engine import Report
from tests.model.acestep.small_parts import SmallParts
from tests.model.acestep.test_renderer import rendered, request
from tests.model.acestep.tiny_folder import text_network, tokenizer

METAS = Metas(120, "4", "C major", 12)


@pytest.fixture(name="encoder", scope="module")
def _encoder() -> QwenTextEncoder:
    """One token a byte, so that limits are easily reached."""
    return QwenTextEncoder(text_network(), tokenizer())


def words(caption: str, lyrics: str = "la") -> Prompts:
    def text(task: ModelTask) -> str:
        return prompts.text_prompt(prompts.instruction(task), caption, METAS)

    return Prompts(
        "mix",
        text(ModelTask.REPAINT),
        prompts.lyric_prompt(lyrics),
        text(ModelTask.TEXT2MUSIC),
        caption,
    )


def test_what_fits_is_left_alone(encoder: QwenTextEncoder) -> None:
    assert fitted(encoder, words("warm tape")) == (words("warm tape"), ())


@pytest.mark.parametrize("caption", ["soft rain on tin " * 20, "雨" * 90, "x" * 300])
def test_the_caption_gives_way_and_the_facts_stay(encoder: QwenTextEncoder, caption: str) -> None:
    short, notes = fitted(encoder, words(caption))
    assert (
        encoder.unread(short.text, MAX_TEXT_TOKENS)
        == encoder.unread(short.unconditioned_text, MAX_TEXT_TOKENS)
        == ""
    )
    assert short == words(short.caption), "nothing but the caption has changed"
    assert caption.startswith(short.caption)
    assert len(short.caption.encode()) > 40, "as much of it as fits"
    longer = words(caption[: len(short.caption) + len("rain on ")])
    assert encoder.unread(longer.text, MAX_TEXT_TOKENS) or encoder.unread(
        longer.unconditioned_text, MAX_TEXT_TOKENS
    )
    (note,) = notes
    assert "256 tokens" in note
    lost = caption[len(short.caption) :].split()
    assert ("the last word" if len(lost) == 1 else f"the last {len(lost)} words") in note
    if " " in caption:
        assert caption[len(short.caption)] == " ", "no word is cut in two"


def test_lyrics_lose_their_end_and_say_so(encoder: QwenTextEncoder) -> None:
    lyrics = "[Verse]\n" + "sing along with me " * 120
    long = words("tape", lyrics)
    short, (note,) = fitted(encoder, long)
    assert short == long, "the network reads them up to its limit"
    lost = encoder.unread(long.lyrics, MAX_LYRIC_TOKENS)
    read = long.lyrics[: -len(lost)]
    assert len(read.encode()) == MAX_LYRIC_TOKENS - 1  # one for the end marker
    assert "2048 tokens" in note
    assert counted(lost) in note


def test_one_word_is_one_word() -> None:
    assert counted("tape<|endoftext|>") == "the last word, from 'tape' on, was"
    assert counted("old warm tape") == "the last 3 words, from 'old warm tape' on, were"


def test_the_report_says_what_was_lost_also_when_it_was_known() -> None:
    renderer = Renderer(SmallParts())
    asked = request(caption="a b " * 120)
    for _ in range(2):
        report = rendered(asked, renderer)[-1]
        assert isinstance(report, Report)
        (note,) = [note for note in report.notes if "256 tokens" in note]
        assert "words, from 'a b a b' on" in note

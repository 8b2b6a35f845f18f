"""What engines say when they do not render."""

from __future__ import annotations

import pytest

from model.errors import (
    MAX_SENTENCE,
    CannotRender,
    EngineError,
    NotLoaded,
    RanOutOfMemory,
    RenderStopped,
    first_line,
)


@pytest.mark.parametrize("kind", [EngineError, CannotRender, NotLoaded, RanOutOfMemory])
def test_an_error_carries_a_sentence_and_a_remedy(kind: type[EngineError]) -> None:
    error = kind("The song has no drums.", "Choose another region.")
    assert (error.sentence, error.remedy) == ("The song has no drums.", "Choose another region.")
    assert str(error) == "The song has no drums. Choose another region."
    assert str(kind("The song has no drums.")) == "The song has no drums."


def test_a_full_device_is_a_reason_not_to_render() -> None:
    """Who handles CannotRender handles it too; who wants to give the process up can tell it from the others."""
    assert issubclass(RanOutOfMemory, CannotRender)
    assert not issubclass(RenderStopped, CannotRender)


def test_a_cancelled_render_says_so_by_itself() -> None:
    assert RenderStopped().sentence == "The render was cancelled."
    assert RenderStopped().remedy == ""


def test_what_is_quoted_of_a_models_files_can_be_sent_and_logged() -> None:
    error = CannotRender("num_attention_heads must be a number, not \ud800.", "Download \udcff again.")
    assert (error.sentence, error.remedy) == (
        "num_attention_heads must be a number, not ?.",
        "Download ? again.",
    )
    str(error).encode()


def test_a_name_of_thousands_of_letters_does_not_hide_the_sentence_around_it() -> None:
    error = NotLoaded(f"There is no option {'x' * 9000}, nor one like it.", "y" * 9000)
    assert max(len(error.sentence), len(error.remedy)) <= MAX_SENTENCE
    assert error.sentence.startswith("There is no option x")
    assert error.sentence.endswith("x, nor one like it.")


def test_a_librarys_error_is_told_by_its_first_line_or_by_its_kind() -> None:
    assert first_line(ValueError("no such tensor.\nat line 3")) == "no such tensor"
    assert first_line(ValueError("missing keys:"), without=".:") == "missing keys"
    assert first_line(KeyError()) == "KeyError"

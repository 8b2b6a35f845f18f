"""The law itself: what is unlawful is noticed, whatever form it has."""

from __future__ import annotations

import gc
import logging
import time
import warnings

import pytest

from clip_store.errors import AudioFileError
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.fuzz.law import MAX_GROWTH, MAX_LOG_LINE, MAX_SECONDS, Read, Unlawful, law_for, memory_bytes

log = logging.getLogger(__name__)
KEPT: list[bytearray] = []


def fine(_: bytes) -> None:
    log.info("all is well")


def refuses(_: bytes) -> None:
    raise AudioFileError("song.wav is empty.", "Save it again.")


def another_error(_: bytes) -> None:
    raise KeyError("length")


def internal(_: bytes) -> None:
    raise ProtocolError(ErrorCode.INTERNAL, "Internal error in the bridge.")


def no_sentence(_: bytes) -> None:
    raise AudioFileError("bad")


def surrogates(_: bytes) -> None:
    raise OurError("\udc83 is no name.")


class OurError(AudioFileError):
    """One whose text was not made sendable."""

    def __str__(self) -> str:
        return "\udc83 is no name."


def logs_a_traceback(_: bytes) -> None:
    try:
        raise KeyError("length")
    except KeyError:
        log.exception("it met a bug")


def logs_a_long_line(_: bytes) -> None:
    log.warning("x" * (MAX_LOG_LINE + 1))


def warns(_: bytes) -> None:
    warnings.warn("old", DeprecationWarning, stacklevel=1)


class Lost:
    """Raises where nobody can catch it."""

    def __del__(self) -> None:
        raise OSError("too late")


def raises_unseen(_: bytes) -> None:
    Lost()
    gc.collect()


def takes_long(_: bytes) -> None:
    end = time.process_time() + 1.5 * MAX_SECONDS
    while time.process_time() < end:
        pass


def takes_memory(_: bytes) -> None:
    KEPT.append(bytearray(b"x" * (2 * MAX_GROWTH)))  # far more, as others may give some back meanwhile


@pytest.mark.parametrize("read", [fine, refuses])
def test_what_is_lawful(read: Read) -> None:
    with law_for(read) as law:
        law.obey(b"")
        law.obey(b"x" * 1000)


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (another_error, "KeyError"),
        (internal, "internal"),
        (no_sentence, "sentence"),
        (surrogates, "sentence"),
        (logs_a_traceback, "traceback"),
        (logs_a_long_line, "log"),
        (warns, "DeprecationWarning"),
        (raises_unseen, "unraisable"),
        (takes_long, "slow"),
        pytest.param(
            takes_memory,
            "memory",
            marks=pytest.mark.skipif(not memory_bytes(), reason="SKIPPED: needs /proc"),
        ),
    ],
)
def test_what_is_not(read: Read, kind: str) -> None:
    try:
        with law_for(read) as law, pytest.raises(Unlawful) as caught:
            law.obey(b"x")
    finally:
        KEPT.clear()
    assert caught.value.kind == kind


def test_a_large_input_may_take_as_much_longer() -> None:
    with law_for(takes_long) as law:
        law.obey(bytes(20_000))

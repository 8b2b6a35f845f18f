"""Work with code of the engines that is no render: in a process of its own, which ends with the work.

So no network is ever loaded into the server, its memory is free again at once, and a crash is an error of one request.
"""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from bridge_server.log_words import traceback_text
from bridge_server.platforms import end_with_parent, ignore_interrupt, send_or_end, yield_to_others
from clip_store.errors import ClipStoreError
from daw_protocol.errors import ErrorCode, ProtocolError
from model.errors import EngineError

log = logging.getLogger(__name__)

CHECK_SECONDS = 0.1
END_SECONDS = 5.0
_DONE, _REFUSED, _BROKE, _AT = "done", "refused", "broke", "at"


def _go_on() -> None:
    """Nobody ends the work."""


def run_aside(
    function: Callable[..., Any],
    *arguments: Any,
    check: Callable[[], None] = _go_on,
    told: Callable[[float], None] | None = None,
) -> Any:
    """What a function returns; both are pickled. Blocks: for a thread. check: asked while it runs. told: of what the
    function reports with its further argument `tell`, 0..1; without it the function has none. What either raises ends
    the process.

    Raises ProtocolError with the function's own words where it raises an EngineError or a ClipStoreError, and where
    the process ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_carry_out, args=(theirs, function, arguments, told is not None), daemon=True
    )
    process.start()
    theirs.close()
    seconds = 0.0
    try:
        while (found := _received(ours)) is None or found[0] == _AT:
            check()
            if found is not None and told is not None:
                told(found[1])
        seconds = END_SECONDS
    finally:
        ours.close()
        process.join(seconds)
        if process.is_alive():
            process.kill()
            process.join()
    kind, answer = found
    if kind == _BROKE:
        log.error("work aside failed: %s", answer)
    if kind == _DONE:
        return answer
    if kind == _REFUSED:
        raise ProtocolError(ErrorCode.ENGINE_NOT_READY, *answer)
    raise ProtocolError(
        ErrorCode.ENGINE_DIED,
        "The process that was to do this failed.",
        "Try again; with less at once, if the machine is short of memory.",
    )


def _received(answers: Connection) -> tuple[str, Any] | None:
    """What the process sent, or that it ended without: with an EOFError, or on Windows and in the middle of an answer
    with an OSError. None: nothing yet."""
    try:
        if not answers.poll(CHECK_SECONDS):
            return None
        kind, answer = answers.recv()
    except (EOFError, OSError):
        return _BROKE, "the process ended"
    return kind, answer


def _carry_out(
    answers: Connection, function: Callable[..., Any], arguments: tuple[Any, ...], tells: bool
) -> None:
    """In the process."""
    telling = {"tell": lambda fraction: send_or_end(answers, (_AT, fraction))} if tells else {}
    ignore_interrupt()
    end_with_parent()
    yield_to_others()
    try:
        send_or_end(answers, (_DONE, function(*arguments, **telling)))
    except (EngineError, ClipStoreError) as error:
        send_or_end(answers, (_REFUSED, (error.sentence, error.remedy)))
    except Exception as error:  # whatever it is, the server must learn of it, not of a dead pipe
        send_or_end(answers, (_BROKE, traceback_text(error)))

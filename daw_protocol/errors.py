"""What can go wrong between a DAW and the bridge, as the producer reads it. Imports nothing of ours."""

from __future__ import annotations

import enum
import re


class ErrorCode(enum.Enum):
    """The machine-readable half of an error. Its value travels on the wire and never changes meaning."""

    BAD_MESSAGE = "bad_message"  # not OSC, not JSON, not JSON-RPC
    UNKNOWN_COMMAND = "unknown_command"  # no such address or method
    UNKNOWN_FIELD = "unknown_field"  # the command has no field of that name
    MISSING_FIELD = "missing_field"  # a required value was not sent
    WRONG_TYPE = "wrong_type"  # a value of the wrong type
    OUT_OF_RANGE = "out_of_range"  # right type, value out of range
    BAD_REGION = "bad_region"  # an empty or reversed region, or one outside the song
    OUTSIDE_ROOTS = "outside_roots"  # a file outside the folders the server may read
    FILE_MISSING = "file_missing"  # no such file
    FILE_UNREADABLE = "file_unreadable"  # empty, truncated, not audio, or an unsupported format
    FILE_CHANGED = "file_changed"  # the song file changed during the render
    UNKNOWN_JOB = "unknown_job"  # no job with that id
    ID_IN_USE = "id_in_use"  # another request has this id
    UNKNOWN_TAKE = "unknown_take"  # no take with that id
    UNKNOWN_PRESET = "unknown_preset"  # no preset with that name
    UNKNOWN_ENGINE = "unknown_engine"  # no engine with that name
    CANNOT_RENDER = "cannot_render"  # the engine refused, with a reason
    ENGINE_NOT_READY = "engine_not_ready"  # weights or packages are missing
    ENGINE_DIED = "engine_died"  # the engine's process ended; the next job gets a new one
    OUT_OF_MEMORY = "out_of_memory"  # GPU or machine memory ran out; the next job gets a new process
    RENDER_REJECTED = "render_rejected"  # the render is unusable: silence, NaN, or identical to the source
    QUEUE_FULL = "queue_full"  # too many jobs are waiting
    STORE_FAILED = "store_failed"  # the disk is full, read-only or damaged
    TOO_LARGE = "too_large"  # over a limit on size, length or count
    BAD_UPLOAD = "bad_upload"  # an upload that does not match its announcement
    NO_DEVICE = "no_device"  # no usable sound device, or its library is not installed
    NOT_PLAYING = "not_playing"  # the command needs a running audition
    NOT_ALLOWED = "not_allowed"  # wrong token, host or origin
    CANCELLED = "cancelled"  # the export or ranking was cancelled; an export left no file
    INTERNAL = "internal"  # a bug in the bridge; the log names the job


MAX_SENTENCE = 2000
MAX_FIELD = 64


class ProtocolError(Exception):
    """The peer's request cannot be carried out.

    code:     for programs.
    sentence: what was wrong and where, for the producer.
    remedy:   what to do about it.
    field:    the value at fault; "" when no single value is.

    The texts often quote the peer, so characters that cannot be sent are replaced: an error about a bad message
    must never be a bad message itself.
    """

    def __init__(self, code: ErrorCode, sentence: str, remedy: str = "", field: str = "") -> None:
        self.sentence = sendable(sentence, MAX_SENTENCE)
        self.remedy = sendable(remedy, MAX_SENTENCE)
        super().__init__(f"{self.sentence} {self.remedy}".strip())
        self.code = code
        self.field = sendable(field, MAX_FIELD)


def sendable(text: str, max_length: int) -> str:
    """The text cut to `max_length` characters, with "?" for each one that JSON, OSC or a terminal cannot carry."""
    shown = without_controls(unicode_only(text))
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
    "\N{LEFT-TO-RIGHT EMBEDDING}-\N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT ISOLATE}-\N{POP DIRECTIONAL ISOLATE}]"
)


def without_controls(text: str) -> str:
    """The text with "?" for each character that would tell a terminal what to do: the controls C0 but line breaks and
    tabs, DEL, C1, other systems' line breaks, and what turns the direction of writing.

    Names of files may hold them; every screen, log and answer quotes names through this function.
    """
    return text if text.isprintable() else _CONTROLS.sub("?", text)


def readable(text: str) -> str:
    """The text as an answer quotes it: with U+FFFD for each lone surrogate, which `repr` would write as an escape."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unicode_only(text: str) -> str:
    """The text with "?" for each lone surrogate.

    They come from JSON escapes and from file names that are not UTF-8; no datagram, database or page can carry them.
    """
    return text.encode("utf-8", "replace").decode("utf-8")

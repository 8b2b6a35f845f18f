"""What can go wrong between a DAW and the bridge, as a producer is told it. Imports nothing of ours."""

from __future__ import annotations

import enum


class ErrorCode(enum.Enum):
    """The machine-readable half of an error; the value travels on the wire and never changes its meaning."""

    BAD_MESSAGE = "bad_message"  # not OSC, not JSON, not JSON-RPC
    UNKNOWN_COMMAND = "unknown_command"  # no such address or method
    UNKNOWN_FIELD = "unknown_field"  # a name the command does not have
    MISSING_FIELD = "missing_field"  # a value the command cannot do without
    WRONG_TYPE = "wrong_type"  # the value is of the wrong kind
    OUT_OF_RANGE = "out_of_range"  # right kind, impossible value
    BAD_REGION = "bad_region"  # the region is empty, reversed or outside the song
    OUTSIDE_ROOTS = "outside_roots"  # the file is not under a folder the server may read
    FILE_MISSING = "file_missing"  # no such file
    FILE_UNREADABLE = "file_unreadable"  # empty, truncated, not audio, or a format nobody can place
    FILE_CHANGED = "file_changed"  # the song was written to while it was being rendered
    UNKNOWN_JOB = "unknown_job"  # no job of that id
    UNKNOWN_TAKE = "unknown_take"  # no take of that id
    UNKNOWN_ENGINE = "unknown_engine"  # no engine of that name
    CANNOT_RENDER = "cannot_render"  # the engine says why it will not
    ENGINE_NOT_READY = "engine_not_ready"  # weights or packages are missing
    ENGINE_DIED = "engine_died"  # the engine's process ended; the next job gets a new one
    OUT_OF_MEMORY = "out_of_memory"  # device or machine full in the middle; the next job gets a new process
    RENDER_REJECTED = "render_rejected"  # the render came back unusable: silence, NaN, nothing changed
    QUEUE_FULL = "queue_full"  # too many jobs wait already
    STORE_FAILED = "store_failed"  # disk full, read-only, damaged
    TOO_LARGE = "too_large"  # over a limit of size, length or count
    BAD_UPLOAD = "bad_upload"  # an upload that does not match what was announced
    NO_DEVICE = "no_device"  # no sound device can be played through, or what it takes is not installed
    NOT_PLAYING = "not_playing"  # nothing is being auditioned that this could be done to
    NOT_ALLOWED = "not_allowed"  # token, host or origin refused
    INTERNAL = "internal"  # our own fault; the log has the job id


MAX_SENTENCE = 2000
MAX_FIELD = 64


class ProtocolError(Exception):
    """The peer asked for something that cannot be done as asked.

    code:     for programs.
    sentence: what was wrong and where, for the producer.
    remedy:   what to do about it.
    field:    the name of the value at fault; "" when it is not about one value.

    The texts often quote what the peer sent, so they are made fit to be sent back: an error about a bad message
    must never be a bad message itself.
    """

    def __init__(self, code: ErrorCode, sentence: str, remedy: str = "", field: str = "") -> None:
        super().__init__(f"{sentence} {remedy}".strip())
        self.code = code
        self.sentence = sendable(sentence, MAX_SENTENCE)
        self.remedy = sendable(remedy, MAX_SENTENCE)
        self.field = sendable(field, MAX_FIELD)


def sendable(text: str, most: int) -> str:
    """The text in at most `most` characters, a "?" for each one that JSON, OSC or a terminal cannot carry."""
    # Half a surrogate pair comes from JSON escapes and from file names that are not UTF-8.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    shown = "".join(letter if letter >= " " or letter in "\n\t" else "?" for letter in whole)
    return shown if len(shown) <= most else shown[: most - 1] + "…"

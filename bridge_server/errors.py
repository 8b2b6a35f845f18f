"""Errors of the packages below in the protocol's words, and those that several parts share."""

from __future__ import annotations

from clip_store.errors import AudioFileError, ClipStoreError, StoreError
from daw_protocol.errors import ErrorCode, ProtocolError


class StoreInUse(ProtocolError):
    """Another server has the store."""


def as_protocol_error(error: ClipStoreError, field: str = "") -> ProtocolError:
    """The store's error as a ProtocolError."""
    code = ErrorCode.INTERNAL
    if isinstance(error, AudioFileError):
        code = ErrorCode.FILE_UNREADABLE
    elif isinstance(error, StoreError):
        code = ErrorCode.STORE_FAILED
    return ProtocolError(code, error.sentence, error.remedy, field)


def not_permitted(error: PermissionError) -> ProtocolError:
    """What the system refused this user, such as a look into another user's folder.

    Raises the error itself where it is about no file: nobody but us can do anything about it.
    """
    if error.filename is None:
        raise error
    return ProtocolError(
        ErrorCode.NOT_ALLOWED,
        f"{error.filename} cannot be used: {error.strerror}.",
        "Close it in other programs, have its permissions changed, or name another place.",
    )


def server_is_stopping() -> ProtocolError:
    """The error for what would begin something while the server ends."""
    return ProtocolError(
        ErrorCode.CANCELLED, "The server is stopping.", "Start it, then send the request again."
    )

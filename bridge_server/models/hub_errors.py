"""What goes wrong at the model hub or while writing what it sends, in words for the producer."""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator

from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Published


@contextlib.contextmanager
def explained(entry: Published) -> Iterator[None]:
    """Translates errors of the library and the disk into ProtocolError."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as gated:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"{entry.repository} requires its terms to be accepted.",
            f"Open https://huggingface.co/{entry.repository}, accept them, then sign in here with `hf auth login`.",
        ) from gated
    except errors.RepositoryNotFoundError as missing:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"The hub has no {entry.repository}, or it is private.",
            "If you have access, sign in with `hf auth login`. Otherwise update Takebridge.",
        ) from missing
    except (errors.EntryNotFoundError, errors.RevisionNotFoundError) as missing:
        raise ProtocolError(
            ErrorCode.FILE_MISSING,
            f"A file of {entry.name} was just removed from {entry.repository}.",
            "Try again.",
        ) from missing
    except errors.OfflineModeIsEnabled as offline:
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "HF_HUB_OFFLINE is set, so nothing is downloaded.",
            "Unset it and run the command again.",
        ) from offline
    except errors.HfHubHTTPError as refused:
        raise _refused(entry, refused.response.status_code) from refused
    except _network_errors() as broken:
        raise _broken_off(entry, broken) from broken


def _network_errors() -> tuple[type[Exception], ...]:
    """What the library lets through of the HTTP client below it, which is not the same in all its versions."""
    from huggingface_hub.errors import HfHubHTTPError

    client_error = HfHubHTTPError.__mro__[1]
    return (client_error, OSError) if issubclass(client_error, Exception) else (OSError,)


def _refused(entry: Published, status: int) -> ProtocolError:
    if status in (401, 403):
        return ProtocolError(
            ErrorCode.NOT_ALLOWED,
            f"The hub refused {entry.repository} for the account you are signed in with (HTTP {status}).",
            "Sign in again with `hf auth login`, or sign out with `hf auth logout`: most models need no account.",
        )
    return ProtocolError(
        ErrorCode.FILE_UNREADABLE,
        f"The hub could not deliver {entry.name}: HTTP {status}.",
        "Try again later; what has been downloaded is kept.",
    )


def _broken_off(entry: Published, broken: Exception) -> ProtocolError:
    if isinstance(broken, OSError) and broken.errno == errno.ENOSPC:
        return ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The disk filled up while downloading {entry.name}.",
            "Free some space and run the command again; what has been downloaded is kept.",
        )
    if isinstance(broken, OSError) and broken.filename is not None:
        return ProtocolError(
            ErrorCode.STORE_FAILED,
            f"{broken.filename} cannot be written: {broken.strerror}.",
            "Name another folder with --models.",
        )
    reason = re.sub(r"^\[Errno -?\d+\] ", "", str(broken))  # a number tells producers nothing
    return ProtocolError(
        ErrorCode.FILE_UNREADABLE,
        f"No network, or no connection to the hub: {entry.name} could not be downloaded ({reason}).",
        "Check the connection and get it again; what has been downloaded is kept.",
    )

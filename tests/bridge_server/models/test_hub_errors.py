"""Errors of the hub and the disk become sentences with a remedy; nothing is shown as a traceback."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("huggingface_hub", reason="SKIPPED: downloads need huggingface-hub (extra acestep)")

from huggingface_hub import errors

from bridge_server.models.hub_errors import explained
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Published, by_name
from tests.refusals import refusal


def base() -> Published:
    found = by_name("base")
    assert found is not None
    return found


def reported(error: Exception) -> ProtocolError:
    def fail() -> None:
        with explained(base()):
            raise error

    found = refusal(fail)
    assert found.__cause__ is error
    return found


def from_hub(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    """As the library raises it, whichever HTTP client its version has."""
    answer: Any = SimpleNamespace(status_code=status, headers={}, request=None)
    return kind("from the hub", response=answer)


CLIENT_ERROR = errors.HfHubHTTPError.__mro__[1]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (from_hub(errors.GatedRepoError, 403), ErrorCode.NOT_ALLOWED, "accept"),
        (from_hub(errors.RepositoryNotFoundError, 404), ErrorCode.FILE_MISSING, "private"),
        (from_hub(errors.RevisionNotFoundError, 404), ErrorCode.FILE_MISSING, "again"),
        (errors.EntryNotFoundError("from the hub"), ErrorCode.FILE_MISSING, "again"),
        (from_hub(errors.HfHubHTTPError, 401), ErrorCode.NOT_ALLOWED, "HTTP 401"),
        (from_hub(errors.HfHubHTTPError, 403), ErrorCode.NOT_ALLOWED, "HTTP 403"),
        (from_hub(errors.HfHubHTTPError, 503), ErrorCode.FILE_UNREADABLE, "HTTP 503"),
        (errors.OfflineModeIsEnabled("offline"), ErrorCode.NOT_ALLOWED, "HF_HUB_OFFLINE"),
        (OSError(errno.ENOSPC, "No space left"), ErrorCode.STORE_FAILED, "space"),
        (
            PermissionError(errno.EACCES, "Permission denied", "models"),
            ErrorCode.STORE_FAILED,
            "models cannot",
        ),
        (ConnectionResetError("reset"), ErrorCode.FILE_UNREADABLE, "connection"),
        (CLIENT_ERROR("timed out"), ErrorCode.FILE_UNREADABLE, "timed out"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_failure_has_its_code_and_remedy(error: Exception, code: ErrorCode, words: str) -> None:
    found = reported(error)
    assert found.code is code
    assert words in f"{found.sentence} {found.remedy}"


def test_a_bug_is_not_reported_as_a_failure_of_the_hub() -> None:
    with pytest.raises(KeyError), explained(base()):
        raise KeyError("bug")

"""Errors as HTTP responses: a status, and the sentence and remedy as text."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response

from daw_protocol.errors import ErrorCode, ProtocolError, without_controls

STATUS = {
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.UNKNOWN_TAKE: 404,
    ErrorCode.FILE_MISSING: 404,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.FILE_UNREADABLE: 422,
    ErrorCode.INTERNAL: 500,
    ErrorCode.STORE_FAILED: 507,
}


def refusal(
    error: ProtocolError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """status: where it is not the one that goes with the error's code."""
    return PlainTextResponse(
        f"{without_controls(str(error))}\n", status or STATUS.get(error.code, 400), headers
    )


def nothing_at(path: str) -> Response:
    """For an address there is nothing at."""
    return PlainTextResponse(f"There is nothing at {without_controls(path[:200])}.\n", 404)

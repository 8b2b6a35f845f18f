import asyncio

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge_server.endpoints.http.spoken import language_asked, spoken

GONE = "The file is no longer there.\n"


def sent(response: Response, language: str):
    """Status, headers and body as they leave."""
    messages = []

    async def send(message):
        messages.append(message)

    asyncio.run(response({"type": "http", "method": "GET"}, None, spoken(send, language)))  # type: ignore[arg-type]
    headers = {name.decode(): given.decode() for name, given in messages[0]["headers"]}
    return messages[0]["status"], headers, b"".join(one.get("body", b"") for one in messages[1:]).decode()


def test_a_refusal_leaves_in_the_language_and_whole():
    status, headers, body = sent(PlainTextResponse(GONE, 404), "ko")
    assert (status, body) == (404, "파일이 더는 없습니다.\n")
    assert int(headers["content-length"]) == len(body.encode())


@pytest.mark.parametrize(
    ("response", "language"),
    [(PlainTextResponse(GONE, 404), "en"), (PlainTextResponse(GONE), "ko"), (JSONResponse(GONE, 404), "ko")],
)
def test_everything_else_leaves_as_it_is(response, language):
    assert "no longer there" in sent(response, language)[2]


@pytest.mark.parametrize(
    ("query", "expected"), [(b"language=ko", "ko"), (b"", "en"), (b"language=xx", "en"), (b"language", "en")]
)
def test_the_address_may_ask_for_a_language(query, expected):
    assert language_asked({"query_string": query}, "en") == expected

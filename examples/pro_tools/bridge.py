"""The Takebridge server over HTTP, with nothing but Python: calls, audio up, audio down."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .problem import Problem

PATIENCE = 60.0  # seconds for an answer to begin


class Bridge:
    """A server on this or another machine. token: where it asks for one."""

    def __init__(self, host: str, port: int, token: str = "") -> None:
        self._address = f"http://{host}:{port}"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Whatever proxy the system has, the server is not behind it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, **params: Any) -> Any:
        """The result of a method. Raises Problem with the server's own words."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        body = json.dumps(call).encode()
        with self._open(
            "/rpc?client=pro-tools", "POST", body, **{"Content-Type": "application/json"}
        ) as answer:
            message = json.load(answer)
        if "error" in message:
            error = message["error"]
            raise Problem(error["message"], error.get("data", {}).get("remedy", ""))
        return message["result"]

    def upload(self, path: Path) -> str:
        """The source that a sound file has become. Raises Problem."""
        name = urllib.parse.quote(path.name)
        size = {"Content-Length": str(path.stat().st_size)}
        with path.open("rb") as file, self._open(f"/uploads/{name}", "PUT", file, **size) as answer:
            return str(json.load(answer)["source"])

    def save_clip(self, take: str, path: Path) -> None:
        """A take's clip as a file. Raises Problem."""
        with (
            self._open(f"/takes/{urllib.parse.quote(take)}/clip.wav", "GET") as answer,
            path.open("xb") as file,
        ):
            shutil.copyfileobj(answer, file)

    def _open(self, path: str, method: str, body: Any = None, **headers: str) -> Any:
        request = urllib.request.Request(
            f"{self._address}{path}", data=body, method=method, headers={**self._headers, **headers}
        )
        try:
            return self._opener.open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            with error:
                raise refusal(error.code, error.read()) from error
        except OSError as error:
            raise Problem(
                f"No Takebridge server answers at {self._address}.", "Start it with `takebridge serve`."
            ) from error


def refusal(status: int, body: bytes) -> Problem:
    """An HTTP error in the server's words: JSON-RPC's, or plain text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        error = json.loads(text)["error"]
        return Problem(error["message"], error.get("data", {}).get("remedy", ""))
    except (ValueError, KeyError, TypeError):
        return Problem(text or f"The server refused with HTTP status {status}.")

"""A script that knows files only: it writes requests into a mailbox and reads the answers as they grow."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bridge_server.peers import PATIENCE, TERMINAL, result_checker


class MailboxPeer:
    """`root`: the mailbox folder, with `in` and `out`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes | str, name: str = "") -> str:
        """Drops a request as a careful script does; returns its name."""
        name = name or f"r{uuid.uuid4().hex}"
        part = self.root / "in" / f"{name}.tmp"
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(part, self.root / "in" / f"{name}.json")
        return name

    def call(self, method: str, file: str = "", client: str = "", **params: Any) -> str:
        """Drops one call, as in/FILE.json; returns that name."""
        return self.put(json.dumps(a_call(method, client, **params)), file)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What has been answered so far, whole lines only."""
        try:
            text = (self.root / "out" / f"{name}.jsonl").read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def wait(self, name: str, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        deadline = time.monotonic() + PATIENCE
        while not enough(found := self.lines(name)):
            assert time.monotonic() < deadline, found
            time.sleep(0.01)
        return found

    def response(self, name: str) -> Any:
        """The first line: the response."""
        return self.wait(name, bool)[0]

    def ask(self, method: str, client: str = "", **params: Any) -> Any:
        """The response to a call; its answer file is removed."""
        name = self.call(method, client=client, **params)
        found = self.response(name)
        if "result" in found:
            result_checker(method).validate(found["result"])
        (self.root / "out" / f"{name}.jsonl").unlink()
        return found

    def until_end(self, name: str, ends: int = 1) -> list[dict[str, Any]]:
        """Every line, when so many terminal ones have come."""
        return self.wait(name, lambda lines: sum(is_end(line) for line in lines) >= ends)

    def gone(self, name: str) -> None:
        """Waits until the server has taken and finished the request."""
        inbox = self.root / "in"
        deadline = time.monotonic() + PATIENCE
        while any((inbox / f"{name}{end}").exists() for end in (".json", ".taken")):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def a_call(method: str, client: str = "", **params: Any) -> dict[str, Any]:
    extra = {"client": client} if client else {}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **extra}


def is_end(line: Any) -> bool:
    return isinstance(line, dict) and (line.get("method") in TERMINAL or "error" in line)

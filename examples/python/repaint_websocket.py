"""Requests takes over WebSocket, shows the progress, lists the takes, chooses the first and saves it.

pip install websockets
python repaint_websocket.py song.wav 17-20 --bpm 120 --out take.wav
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect


class Bridge:
    """JSON-RPC 2.0: a call has a result; notifications (progress, takes, the end) are kept in order."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.notifications: list[tuple[str, dict[str, Any]]] = []

    def call(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._connection.send(json.dumps(call))
        while (message := json.loads(self._connection.recv())).get("id") != number:
            self.notifications.append((message["method"], message["params"]))
        if "error" in message:
            sys.exit(f"{message['error']['message']} {message['error']['data']['remedy']}")
        return message["result"]

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next notification: its name and values."""
        if self.notifications:
            return self.notifications.pop(0)
        message = json.loads(self._connection.recv())
        return message["method"], message["params"]

    def save(self, take: str, path: Path) -> None:
        left = self.call("takes.fetch", take=take, what="clip")["bytes"]
        with path.open("wb") as file:
            while left > 0:
                left -= file.write(self._connection.recv())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("song", help="a file in one of the server's folders")
    parser.add_argument("bars", help="such as 17-20")
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--port", type=int, default=9125)
    parser.add_argument("--out", type=Path, default=Path("take.wav"))
    given = parser.parse_args()
    with connect(f"ws://127.0.0.1:{given.port}/", max_size=None, proxy=None) as connection:
        bridge = Bridge(connection)
        bridge.call("repaint", source=given.song, bars=given.bars, bpm=given.bpm, takes=2)
        name, values = "", {}
        while name not in ("done", "failed", "cancelled"):
            name, values = bridge.next()
            if name == "progress":
                print(f"  {values['fraction']:4.0%}  {values['stage']}")
        if name != "done":
            sys.exit(f"{values.get('sentence', 'Cancelled.')} {values.get('remedy', '')}")
        takes = bridge.call("takes.list", limit=2)["takes"]
        for take in takes:
            print(f"take {take['take']}: sample {take['position']}, {take['length']} long")
        print("chosen:", bridge.call("takes.choose", take=takes[0]["take"])["chosen"])
        bridge.save(takes[0]["take"], given.out)
        print(f"saved {given.out}")


if __name__ == "__main__":
    main()

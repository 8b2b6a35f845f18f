"""Requests takes with python-osc, shows the progress, lists the takes and chooses the first.

pip install python-osc
python repaint_osc.py song.wav 17-20 --bpm 120
"""

from __future__ import annotations

import argparse
import sys
import uuid
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import BlockingOSCUDPServer

TERMINAL = ("done", "failed", "cancelled", "ok")
# Seconds. A busy machine may take some over a reply: a message is sent again after 1, 3 and 7, and given up after 15.
WAITS, SILENCE = (1.0, 2.0, 4.0, 8.0), 30.0  # SILENCE: of a render, which may be waiting behind others


class Bridge:
    """A UDP socket that sends to the server and receives its replies."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.replies: list[tuple[str, dict[str, Any]]] = []
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(self._receive)
        self._socket = BlockingOSCUDPServer(("0.0.0.0", 0), dispatcher)

    def _receive(self, address: str, *arguments: Any) -> None:
        # A reply is its id, then name, value pairs.
        named = {"id": arguments[0], **dict(zip(arguments[1::2], arguments[2::2], strict=False))}
        self.replies.append((address.rpartition("/")[2], named))

    def ask(self, address: str, *arguments: Any) -> list[tuple[str, dict[str, Any]]]:
        """Sends a message and returns its replies up to the last one; prints progress as it arrives."""
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self.replies.clear()
        while not self.replies or self.replies[-1][0] not in TERMINAL:
            self._next_reply(builder.build().dgram)
            name, values = self.replies[-1]
            if name == "progress":
                print(f"  {values['fraction']:4.0%}  {values['stage']}")
        name, values = self.replies[-1]
        if name == "failed":
            sys.exit(f"{values['sentence']} {values.get('remedy', '')}")
        return list(self.replies)

    def _next_reply(self, message: bytes) -> None:
        """Waits for a reply. The same id again is answered with the job's state and renders nothing twice."""
        if self.replies and self._comes_within(SILENCE):
            return
        for wait in WAITS:
            self._socket.socket.sendto(message, self._server)
            if self._comes_within(wait):
                return
        sys.exit("The server is not responding. Start it with: takebridge serve")

    def _comes_within(self, seconds: float) -> bool:
        known, self._socket.timeout = len(self.replies), seconds
        self._socket.handle_request()
        return len(self.replies) > known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("song", help="a file in one of the server's folders")
    parser.add_argument("bars", help="such as 17-20")
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--port", type=int, default=9124)
    given = parser.parse_args()
    bridge = Bridge("127.0.0.1", given.port)
    song = ("source", given.song, "bars", given.bars, "bpm", given.bpm)
    replies = bridge.ask("/bridge/repaint", f"python-{uuid.uuid4().hex[:8]}", *song, "takes", 2)
    takes = list({values["take"]: values for name, values in replies if name == "take"}.values())
    for take in takes:
        print(
            f"take {take['take']}: sample {take['position']}, {take['length']} long, {take.get('path', '')}"
        )
    print("all takes:", bridge.ask("/bridge/takes/list", "list", "limit", 5)[-1][1]["text"])
    print(bridge.ask("/bridge/takes/choose", takes[0]["take"])[-1][1]["text"])


if __name__ == "__main__":
    main()

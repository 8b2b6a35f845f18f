"""A DAW-side host as a process that can be killed: asks by every door, and notes what was acknowledged.

    python -m tests.faults.host PLAN JOURNAL

PLAN: JSON with the server's address, the folders and the requests. JOURNAL: a line of JSON for each acknowledgement, as
soon as it comes, so that it survives the host's death. It keeps its connections open until it is ended, or until the
server is gone. Knows nothing of the bridge but its protocols.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.faults.asks import SONG, Ask, from_json

NAME = "host"
PATIENCE = 30.0  # seconds for one acknowledgement: a server that was killed gives none
REPEAT = 0.5  # until an OSC message is sent again: UDP loses some


class NotAcknowledgedError(Exception):
    """The server is gone, or refused for now (a full queue)."""


class Host:
    def __init__(self, plan: dict[str, Any], journal: Path) -> None:
        self._port = int(plan["websocket_port"])
        self._osc_port = int(plan["osc_port"])
        self._mailbox = Path(plan["mailbox"])
        self._watched = Path(plan["watched"])
        self._songs = Path(plan["songs"])
        self._journal = journal
        self._websocket: ClientConnection | None = None
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))

    def ask(self, ask: Ask) -> None:
        """Asks, waits for the acknowledgement and notes it. Raises NotAcknowledgedError."""
        doors = {
            "osc": self._osc, "websocket": self._over_websocket, "post": self._post, "mailbox": self._letter,
            "watched folder": self._read_text,
        }  # fmt: skip
        try:
            job = doors[ask.door](ask)
        except (OSError, WebSocketException, http.client.HTTPException, ValueError, KeyError) as error:
            raise NotAcknowledgedError(f"{ask.id} by {ask.door}: {error!r}") from error
        line = json.dumps({"id": ask.id, "job": job}) + "\n"
        with open(self._journal, "a", encoding="utf-8") as file:
            file.write(line)

    def _osc(self, ask: Ask) -> str:
        builder = OscMessageBuilder(f"/bridge/{ask.task}")
        builder.add_arg(ask.id)
        for name, given in {"source": SONG, "client": NAME, **ask.fields}.items():
            builder.add_arg(name)
            builder.add_arg(given)
        data = bytes(builder.build().dgram)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._udp.sendto(data, ("127.0.0.1", self._osc_port))
            self._udp.settimeout(REPEAT)
            try:
                while True:
                    message = OscMessage(self._udp.recvfrom(65536)[0])
                    values = list(message.params)
                    if values[0] != ask.id:
                        continue  # about an earlier request
                    named = dict(zip(values[1::2], values[2::2], strict=True))
                    if message.address == "/bridge/failed":
                        raise NotAcknowledgedError(str(named.get("code")))
                    return str(named["job"])
            except TimeoutError:
                self._refuse_if_gone()
        raise NotAcknowledgedError("no answer by OSC")

    def _over_websocket(self, ask: Ask) -> str:
        if self._websocket is None:
            url = f"ws://127.0.0.1:{self._port}/?client={NAME}"
            self._websocket = connect(url, compression=None, proxy=None, open_timeout=PATIENCE)
        self._websocket.send(_call(ask))
        while True:
            frame = json.loads(self._websocket.recv(timeout=PATIENCE))
            if frame.get("id") == ask.id:
                return _job_in(frame)

    def _post(self, ask: Ask) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/rpc?client={NAME}", _call(ask), headers)
            return _job_in(json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def _letter(self, ask: Ask) -> str:
        answer = self._mailbox / "out" / f"{ask.id}.jsonl"
        if not answer.exists():
            part = self._mailbox / "in" / f"{ask.id}.tmp"
            part.write_text(_call(ask), encoding="utf-8")
            os.replace(part, self._mailbox / "in" / f"{ask.id}.json")
        return _job_in(json.loads(self._waited_for(answer).split("\n")[0]))

    def drop(self, ask: Ask) -> None:
        """Puts the song into the watched folder, which answers seconds later."""
        path = self._watched / ask.dropped_name
        if not path.exists():
            part = self._watched / f"{ask.id}.copying"
            shutil.copy(self._songs / SONG, part)
            os.replace(part, path)

    def _read_text(self, ask: Ask) -> str:
        """The folder names no job; its status text is the acknowledgement."""
        self._waited_for(self._watched / f"{Path(ask.dropped_name).stem}.progress.txt")
        return ""

    def _waited_for(self, path: Path) -> str:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if path.exists() and "\n" in (text := path.read_text(encoding="utf-8")):
                return text
            self._refuse_if_gone()
            time.sleep(0.02)
        raise NotAcknowledgedError(f"nothing was written to {path.name}")

    def _refuse_if_gone(self) -> None:
        """Raises OSError when nobody listens any more: no answer will come."""
        socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE).close()


def _call(ask: Ask) -> str:
    params = {"id": ask.id, "source": SONG, **ask.fields}
    return json.dumps({"jsonrpc": "2.0", "id": ask.id, "method": ask.task, "params": params, "client": NAME})


def _job_in(answer: dict[str, Any]) -> str:
    if "error" in answer:
        raise NotAcknowledgedError(json.dumps(answer["error"])[:300])
    return str(answer["result"]["job"])


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    host = Host(plan, Path(sys.argv[2]))
    asks = from_json(plan["asks"])
    dropped = [ask for ask in asks if ask.door == "watched folder"]
    for ask in dropped:
        host.drop(ask)
    for ask in [*(ask for ask in asks if ask not in dropped), *dropped]:
        try:
            host.ask(ask)
        except NotAcknowledgedError as problem:
            print(problem, file=sys.stderr)
    print("asked", flush=True)
    sys.stdin.read()  # holds its connections until whoever started it is done with it


if __name__ == "__main__":
    main()

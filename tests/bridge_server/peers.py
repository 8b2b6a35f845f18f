"""The two ends of the tests: a real server (in a thread, or as a process), and plain clients that talk to it.

The clients know UDP, OSC and JSON-RPC only, so that what they see is what any DAW-side script would see.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from websockets.sync.client import ClientConnection, connect

from bridge_server.server import RunningServer, running_server
from bridge_server.settings import Settings
from daw_protocol.schema import whole_schema
from tests.bridge_server.loop_thread import PATIENCE, LoopThread
from tests.places import PROJECT, own_cache

TERMINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Received:
    """One reply: its name (ack, progress, take, ...), its values, when it came and how large the datagram was."""

    name: str
    values: dict[str, Any]
    at: float
    size: int = 0

    def __getitem__(self, key: str) -> Any:
        return self.values[key]


class OscPeer:
    """A script on this machine with a UDP socket."""

    def __init__(self, port: int, timeout: float = PATIENCE) -> None:
        self.server = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(timeout)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *arguments: Any) -> None:
        self.send_bytes(datagram(address, *arguments))

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendto(data, self.server)

    def receive(self, timeout: float = PATIENCE) -> Received:
        """The next reply. Raises TimeoutError."""
        self._socket.settimeout(timeout)
        data, _ = self._socket.recvfrom(65536)
        message = OscMessage(data)
        values = list(message.params)
        named = {"id": values[0], **dict(zip(values[1::2], values[2::2], strict=True))}
        return Received(message.address.removeprefix("/bridge/"), named, time.monotonic(), len(data))

    def ask(self, address: str, *arguments: Any) -> Received:
        """The first reply to a message."""
        self.send(address, *arguments)
        return self.receive()

    def until_end(self, request_id: str) -> list[Received]:
        """Every reply about one request up to its terminal one; those about others are passed over."""
        found = []
        while True:
            reply = self.receive()
            if reply["id"] == request_id:
                found.append(reply)
                if reply.name in TERMINAL:
                    return found

    def render(self, address: str, request_id: str, *arguments: Any) -> list[Received]:
        """Asks for audio; every reply up to the terminal one."""
        self.send(address, request_id, *arguments)
        return self.until_end(request_id)

    def silent(self) -> bool:
        """Whether nothing waits that was sent before; proved by a question whose answer must come next."""
        self.send("/bridge/status", "is-it-silent")
        return self.receive()["id"] == "is-it-silent"

    def close(self) -> None:
        self._socket.close()


def free_port() -> int:
    """A UDP port of this machine that nothing uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def datagram(address: str, *arguments: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return bytes(builder.build().dgram)


@cache
def result_checker(method: str) -> jsonschema.Draft202012Validator:
    """What every result of the method must be, as docs/schema.json has it."""
    return jsonschema.Draft202012Validator({**whole_schema(), "$ref": f"#/$defs/results/{method}"})


class RpcError(Exception):
    """An error answer: `code` is ours, `rpc_code` JSON-RPC's."""

    def __init__(self, error: dict[str, Any]) -> None:
        data = error.get("data", {})
        super().__init__(f"{error['message']} {data.get('remedy', '')}")
        self.rpc_code = error["code"]
        self.code = data.get("code")
        self.field = data.get("field")
        self.sentence = error["message"]
        self.remedy = data.get("remedy")


class WebSocketPeer:
    """A program with a WebSocket; notifications and binary frames that come between are kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.received: list[Received] = []
        self.binary: list[bytes] = []
        self._calls = 0
        self._answers: dict[Any, dict[str, Any]] = {}

    def call(self, method: str, **params: Any) -> Any:
        """The result of a method. Raises RpcError."""
        return self.answer(method, self.begin(method, **params))

    def begin(self, method: str, **params: Any) -> int:
        """Calls a method; returns the number that `answer` takes."""
        self._calls += 1
        call = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        self.connection.send(json.dumps(call))
        return self._calls

    def answer(self, method: str, number: int) -> Any:
        """The result of a call, whatever is answered before it. Raises RpcError."""
        while number not in self._answers:
            frame = self.frame_where(lambda frame: "id" in frame and "method" not in frame)
            self._answers[frame["id"]] = frame
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RpcError(answer["error"])
        result_checker(method).validate(answer["result"])
        return answer["result"]

    def frame_where(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next frame of that kind; notifications before it are kept in `received`."""
        while True:
            frame = self.frame()
            if isinstance(frame, dict) and "method" in frame:
                self.received.append(Received(frame["method"], frame["params"], time.monotonic()))
            if isinstance(frame, dict) and wanted(frame):
                return frame

    def frame(self) -> Any:
        """The next text frame, read; binary frames before it are kept in `binary`."""
        while isinstance(data := self.connection.recv(timeout=PATIENCE), bytes):
            self.binary.append(data)
        return json.loads(data)

    def next_received(self) -> Received:
        """The next notification, kept or new."""
        if not self.received:
            self.frame_where(lambda frame: "method" in frame)
        return self.received.pop(0)

    def until_end(self, job: str) -> list[Received]:
        """Every notification about one job up to its terminal one."""
        found = []
        while True:
            reply = self.next_received()
            if reply.values.get("job") == job:
                found.append(reply)
                if reply.name in TERMINAL:
                    return found

    def render(self, method: str, **params: Any) -> list[Received]:
        return self.until_end(self.call(method, **params)["job"])

    def fetch(self, take: str, what: str = "clip", name: str = "") -> bytes:
        self.binary.clear()
        size = self.call("takes.fetch", take=take, what=what, name=name)["bytes"]
        while sum(map(len, self.binary)) < size:
            self.binary.append(self.connection.recv(timeout=PATIENCE))
        return b"".join(self.binary)


class ServerThread(LoopThread):
    """A server on an event loop of its own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self._server: RunningServer | None = None

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        async with running_server(self._settings) as self._server:
            yield

    @property
    def server(self) -> RunningServer:
        assert self._server is not None
        return self._server

    @property
    def settings(self) -> Settings:
        return self.server.settings

    def takes(self, **filters: Any) -> Any:
        return self.on_loop(lambda: self.server.store.index.list(limit=1000, **filters))

    def holdings(self) -> tuple[list[str], list[str], list[str]]:
        """Everything the store keeps: ids of takes, blobs, and files in the making."""
        store = self.server.store
        blobs = sorted(str(path) for path in store.blobs.root.glob("??/*"))
        scratch = sorted(str(path) for path in (store.root / "scratch").glob("**/*"))
        return sorted(take.id for take in self.takes()), blobs, scratch

    @contextmanager
    def osc(self) -> Iterator[OscPeer]:
        peer = OscPeer(self.settings.osc_port)
        try:
            yield peer
        finally:
            peer.close()

    @contextmanager
    def websocket(self, query: str = "", **options: Any) -> Iterator[WebSocketPeer]:
        with websocket(self.settings.websocket_port, query, **options) as peer:
            yield peer

    def get(self, path: str, **headers: str) -> tuple[int, Message, bytes]:
        """A plain HTTP GET: status, headers, body."""
        return http_get(f"http://127.0.0.1:{self.settings.websocket_port}{path}", **headers)


@contextmanager
def websocket(port: int, query: str = "", **options: Any) -> Iterator[WebSocketPeer]:
    """A connection for as long as the block lasts."""
    url = f"ws://127.0.0.1:{port}/{query}"
    with connect(url, compression=None, max_size=None, proxy=None, close_timeout=2, **options) as connection:
        yield WebSocketPeer(connection)


def http_get(url: str, **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(url, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


class ServerProcess:
    """`takebridge serve` as a process that can be killed."""

    def __init__(
        self,
        store: Path,
        root: Path,
        osc_port: int = 0,
        words: tuple[str, ...] = (),
        program: tuple[str, ...] = (),
    ) -> None:
        """words: more of its command line; program: what to run in place of `bridge_command`."""
        self.store = store
        self._program = program or bridge_command(store)
        self._words = words
        self._root = root
        self._osc_port = osc_port
        self.process: subprocess.Popen[bytes] | None = None
        self.address: dict[str, Any] = {}

    def start(self) -> ServerProcess:
        """Starts it; returns when it answers."""
        (self.store / "server.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, cwd=PROJECT, env=environment())
        assert self.process.stdout is not None
        for line in self.process.stdout:  # the ready message ends with this line
            if b"Ctrl-C" in line:
                break
        else:
            raise AssertionError("the server did not start")
        self.address = json.loads((self.store / "server.json").read_text())
        self._osc_port = self.address["osc_port"]
        return self

    @property
    def command(self) -> list[str]:
        """Its command line."""
        serve = ["serve", "--root", str(self._root), "--port", "0", "--osc-port", str(self._osc_port)]
        return [*self._program, *serve, *self._words]

    @property
    def osc_port(self) -> int:
        return self._osc_port

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def stop(self) -> None:
        """SIGTERM: an orderly end."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.stdout.close()


def bridge_command(store: Path) -> list[str]:
    return [sys.executable, "-m", "bridge_server", "--store", str(store)]


def environment() -> dict[str, str]:
    """The environment for processes of ours: one core each, words that are not cut at 80 columns, a cache of their
    own."""
    return {**os.environ, **own_cache(), "OMP_NUM_THREADS": "1", "COLUMNS": "300"}


def run_bridge(store: Path, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """One `takebridge` command, to its end."""
    found_in = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [*bridge_command(store), *words],
        cwd=cwd or PROJECT,
        env={**environment(), "PYTHONPATH": found_in},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def noise_song(
    path: Path,
    frames: int = 48000,
    rate: int = 48000,
    channels: int = 2,
    subtype: str = "PCM_24",
    seed: int = 1,
) -> Path:
    """A song of noise, as a DAW would have exported it."""
    random = np.random.default_rng(seed)
    soundfile.write(path, random.uniform(-0.3, 0.3, (frames, channels)), rate, subtype=subtype)
    return path


def band_song(path: Path, bars: int = 8, rate: int = 44100) -> Path:
    """A small song at 120 BPM: a drum on each beat, noise between, a bass line. Something to rearrange."""
    beat = rate // 2
    random = np.random.default_rng(5)
    hit = random.standard_normal(beat) * np.exp(-np.arange(beat) / (0.03 * rate))
    samples = np.zeros(bars * 4 * beat)
    for number in range(bars * 4):
        hertz = 110.0 * 2 ** (((number // 4) * 5 % 12) / 12)
        tone = np.sin(2 * np.pi * hertz * np.arange(beat) / rate) * np.exp(-np.arange(beat) / (0.3 * rate))
        samples[number * beat : (number + 1) * beat] = 0.2 * tone + (0.2 if number % 2 else 0.08) * hit
    soundfile.write(path, np.stack([samples, samples * 0.9], axis=1), rate, subtype="PCM_16")
    return path


def in_order(replies: list[Received]) -> bool:
    """Whether they came as the protocol promises: acknowledgement, progress, takes, one end."""
    names = [reply.name for reply in replies]
    return (
        names[0] == "ack"
        and names.count("ack") == 1
        and sum(name in TERMINAL for name in names) == 1
        and names[-1] in TERMINAL
    )

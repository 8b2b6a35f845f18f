"""Asks another program's server over HTTP, so that a render can be cancelled while it waits for any answer.

A request runs in a thread of its own, and the engine's thread asks in between whether to stop: however slow the
server is, a cancel takes effect at once. What is then still under way ends with its connection.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from model.errors import CannotRender, EngineError, NotLoaded, RenderLost, RenderStopped
from model.pace import Pace
from model.remote.address import ServerAddress
from model.remote.waiting import rest

if TYPE_CHECKING:
    import httpx2

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 120.0
"""Between two parts of an answer, and for each part of what is sent."""
FAREWELL_SECONDS = 10.0
ABSENT_SECONDS = 60.0
"""How long a job waits for a server that has answered it before: one that is started again is soon there."""
RETRY_SECONDS = 0.5
MOST_RETRY_SECONDS = 5.0
"""Between two tries, the first time and, twice as long each time, at most: what is tried may be a song to send."""
WAIT_SECONDS = 0.02
MOST_BYTES = 512 * 1024 * 1024
"""Of an answer: ten minutes of stereo floats take 230 MB."""
MOST_QUOTED = 300

NO_ANSWER = "waiting for the server, which does not answer"
TOO_MANY = "waiting for the server, which has too many jobs"
_FULL = (429, 503)
_AWAY = (502, 504)
"""What a proxy answers for a server that is not there."""

GOING_ON = Pace(lambda _: None, lambda: False)
"""Of what nobody cancels: it ends by its time limits."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """What a server answered, whatever its status is."""

    status: int
    media_type: str
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


def read_json(text: bytes | str) -> Any:
    """Raises ValueError for anything that is none, however deep it is."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


class HttpLink:
    """A connection to one server for the time of a job. Use it as a context.

    name: of the program, for sentences. start: how it is started. token: sent as a bearer's, "" for none.
    absent_seconds: how long a server is waited for that has answered before and no longer does, or takes no more jobs.
    """

    def __init__(
        self,
        name: str,
        address: ServerAddress,
        token: str = "",
        *,
        start: str = "",
        answer_seconds: float = ANSWER_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        absent_seconds: float = 0.0,
    ) -> None:
        self.name = name
        self.address = address
        self._token = token
        self._start = start
        self._answer_seconds = answer_seconds
        self._connect_seconds = connect_seconds
        self._absent_seconds = absent_seconds
        self._answered = False
        self._client: httpx2.Client | None = None
        self._opening = threading.Lock()  # a log is read by another thread
        self._closed = threading.Event()
        self._listening: list[socket.socket] = []
        self._busy: list[threading.Event] = []

    def __enter__(self) -> HttpLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Returns at once; connections close when what is under way has been answered or has taken too long."""
        self._closed.set()
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        for listening in self._listening:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it; closing alone does not
        for ended in self._busy:
            ended.wait()  # a socket that another thread waits for must not be closed under it
        if self._client is not None:
            self._client.close()

    def get(self, path: str, pace: Pace, **params: str) -> Answer:
        """Raises RenderStopped, NotLoaded where nothing answers, RenderLost where an answer breaks off."""
        # Even empty ones would take the place of those the path has.
        given: dict[str, Any] = {"params": params} if params else {}
        return self.ask("GET", path, pace, **given)

    def post(self, path: str, pace: Pace, **given: Any) -> Answer:
        """given: as httpx2 takes it: json, data, files, params. Raises as `get`."""
        return self.ask("POST", path, pace, **given)

    def ask(
        self,
        method: str,
        path: str,
        pace: Pace,
        too_late: Callable[[Answer], None] = lambda _: None,
        **given: Any,
    ) -> Answer:
        """too_late: gets an answer that comes after a cancel. Raises as `get`; but RenderLost where a server that has
        answered before is gone for too long. Until then what broke off is asked again, a job to begin too: a program
        that ends takes its jobs with it."""
        until = time.monotonic() + self._absent_seconds
        pause = RETRY_SECONDS
        while True:
            try:
                answer = self._ask_once(method, path, pace, too_late, **given)
            except (NotLoaded, RenderLost) as error:
                if not self._answered or not self._absent_seconds or self._closed.is_set():
                    raise
                if time.monotonic() >= until:
                    raise self._gone() from error
                why = NO_ANSWER
            else:
                if answer.status not in (*_FULL, *_AWAY):
                    self._answered = True
                    return answer
                if not self._answered or time.monotonic() >= until:
                    return answer
                why = TOO_MANY if answer.status in _FULL else NO_ANSWER
            pace.aside(why)
            rest(pause, pace)
            pause = min(2 * pause, MOST_RETRY_SECONDS)

    def _ask_once(
        self, method: str, path: str, pace: Pace, too_late: Callable[[Answer], None], **given: Any
    ) -> Answer:
        ended = threading.Event()
        self._busy.append(ended)

        def call() -> Answer:
            try:
                return self._ask(method, path, **given)
            finally:
                ended.set()

        return during(pace, call, too_late)

    def aside(self, call: Callable[[HttpLink], None]) -> None:
        """Calls with a link of its own, in a thread, and waits for nothing: a farewell to a server that may be gone."""
        link = HttpLink(self.name, self.address, self._token, answer_seconds=FAREWELL_SECONDS)

        def part() -> None:
            with contextlib.suppress(EngineError, ValueError, KeyError, TypeError), link:
                call(link)

        threading.Thread(target=part, daemon=True).start()

    def lines(self, path: str) -> Iterator[str]:
        """The data of a server's events, one by one, until it or this link ends. Blocks: for a thread."""
        import httpx2

        ended = threading.Event()
        self._busy.append(ended)
        forever = httpx2.Timeout(None, connect=self._connect_seconds)
        ends = (httpx2.HTTPError, httpx2.StreamError, RuntimeError, OSError, EngineError)
        try:
            with contextlib.suppress(*ends), self._open().stream("GET", path, timeout=forever) as answer:
                self._listening.append(answer.extensions["network_stream"].get_extra_info("socket"))
                if answer.status_code != 200:
                    return
                for line in answer.iter_lines() if not self._closed.is_set() else ():
                    if self._closed.is_set():
                        return
                    if line.startswith("data:"):
                        yield line.removeprefix("data:").strip()
        finally:
            ended.set()

    def _open(self) -> httpx2.Client:
        with self._opening:
            if self._closed.is_set():
                raise self._broken("closed")
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> httpx2.Client:
        import httpx2  # late: describing an engine without an address needs none of it

        return httpx2.Client(
            base_url=self.address.url,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=httpx2.Timeout(self._answer_seconds, connect=self._connect_seconds),
            trust_env=False,  # songs go to the address that was given, and to no proxy
        )

    def _ask(self, method: str, path: str, **given: Any) -> Answer:
        import httpx2

        try:
            with self._open().stream(method, path, **given) as answer:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        raise CannotRender(
                            f"{self.name} sent more than {MOST_BYTES >> 20} MB.",
                            "Check that the address is that server's.",
                        )
                return Answer(answer.status_code, answer.headers.get("content-type", ""), bytes(body))
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self.nothing_answers() from error
        except (httpx2.HTTPError, httpx2.StreamError, RuntimeError) as error:
            raise self._broken(type(error).__name__) from error

    def _broken(self, how: str) -> RenderLost:
        return RenderLost(
            f"{self.name} at {self.address.host} broke off its answer ({how}).",
            "Check whether it still runs, then ask again.",
        )

    def _gone(self) -> RenderLost:
        return RenderLost(
            f"{self.name} at {self.address.host} does not answer any more; the render there is lost.",
            "Check whether it still runs, then ask again.",
        )

    def nothing_answers(self) -> NotLoaded:
        """Why it cannot be used."""
        return NotLoaded(f"{self.name} does not answer at {self.address.url}.", self._start)

    def refused(self, answer: Answer, said: str = "") -> EngineError:
        """The error for an answer that says no. said: the server's own words."""
        if answer.status in (401, 403):
            return NotLoaded(
                f"{self.name} at {self.address.host} refuses the token (status {answer.status}).",
                "Give its key as the engine's start option token.",
            )
        if answer.status in _FULL:
            return RenderLost(f"{self.name} has too many jobs waiting.", "Ask again when some are done.")
        if answer.good:
            return CannotRender(
                f"{self.name} at {self.address.host} answered something else than was asked for.",
                "Check the address, and that the server is of a version named in docs/servers.md.",
            )
        words = said[:MOST_QUOTED]
        return CannotRender(
            f"{self.name} refused the request with status {answer.status}{f': {words}' if words else '.'}",
            "Change the request, or see the log of that server.",
        )


class _Call(Generic[Found]):
    """A call in another thread: what it gave, or what it raised."""

    def __init__(self, call: Callable[[], Found], too_late: Callable[[Found], None]) -> None:
        self._call = call
        self._too_late = too_late
        self._found: SimpleQueue[Callable[[], Found]] = SimpleQueue()
        self._left = False
        self._lock = threading.Lock()  # between the end of the call and its being left

    def run(self) -> None:
        try:
            value = self._call()
        except BaseException as error:  # raised again where it is waited for
            self._found.put(partial(_raise, error))
            return
        with self._lock:
            if not self._left:
                self._found.put(lambda: value)
                return
        with contextlib.suppress(EngineError):
            self._too_late(value)

    def ended(self, seconds: float) -> Callable[[], Found] | None:
        try:
            return self._found.get(timeout=seconds)
        except Empty:
            return None

    def leave(self) -> None:
        """Nobody waits any more."""
        with self._lock:
            self._left = True
            found = self.ended(0)
        if found is not None:
            with contextlib.suppress(BaseException):
                self._too_late(found())


def during(
    pace: Pace, call: Callable[[], Found], too_late: Callable[[Found], None] = lambda _: None
) -> Found:
    """What the call returns, made in a thread of its own. Raises RenderStopped as soon as the render is cancelled;
    `too_late` gets what the call returns after that."""
    under_way = _Call(call, too_late)
    threading.Thread(target=under_way.run, daemon=True).start()
    try:
        while (found := under_way.ended(WAIT_SECONDS)) is None:
            pace.check()
    except RenderStopped:
        under_way.leave()
        raise
    return found()


def _raise(error: BaseException) -> Any:
    raise error

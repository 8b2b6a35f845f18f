"""Downloads of models while the server runs: one at a time, in a thread of its own, beside renders.

The thread reports what it does; the fetcher, on the event loop, keeps the newest state and passes it on. A download
that is cancelled, or broken off by the end of the server, keeps what has arrived, and the next one resumes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bridge_server.models.downloads import Hub, TransferMeter, carry_out, download, refuse_without_room
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import Published, with_needs

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 0.25
SPEED_SECONDS = 4.0
"""The speed is that of the last few seconds."""
CLOSE_SECONDS = 2.0
"""How long the end of the server waits for the thread. It ends with the process in any case."""


@dataclass(frozen=True)
class Transfer:
    """How a download is.

    model: its name in the catalogue.
    state: "checking" (asking the hub, reading what is there), "fetching", "done", "failed" or "cancelled".
    file:  what is being done now, a file's name; done, total: bytes; speed: bytes a second.
    error: why it failed; None otherwise.
    """

    model: str
    state: str = "checking"
    file: str = ""
    done: int = 0
    total: int = 0
    speed: float = 0.0
    error: ProtocolError | None = None

    @property
    def under_way(self) -> bool:
        return self.state in ("checking", "fetching")


class _Stopped(Exception):
    """Raised inside the thread by the meter, between two pieces of a file."""


class ModelFetcher:
    """Lives on the event loop, but for `_fetch`, which is the thread's.

    models:  the folder models are put into. hub: makes the hub to ask, in the thread.
    changed: is called on the event loop with every new state, some four times a second.
    """

    def __init__(
        self, models: Path, hub: Callable[[], Hub], changed: Callable[[Transfer], None] = lambda _: None
    ) -> None:
        self._models = models
        self._hub = hub
        self._changed = changed
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.transfer: Transfer | None = None

    def begin(self, entry: Published) -> Transfer:
        """Starts a download, with what the model needs. Raises ProtocolError while another one is under way."""
        if self.transfer is not None and self.transfer.under_way:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                f"{self.transfer.model} is being downloaded.",
                "Wait for that download to end or cancel it, then get the next model.",
                "model",
            )
        self._stop = threading.Event()
        self.transfer = Transfer(entry.name)
        loop, stop = asyncio.get_running_loop(), self._stop

        def report(transfer: Transfer) -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                loop.call_soon_threadsafe(self._moved, transfer)

        # A daemon: a stalled connection must not keep the program from ending.
        self._thread = threading.Thread(
            target=self._fetch, args=(entry, stop, report), name="model download", daemon=True
        )
        self._thread.start()
        return self.transfer

    def cancel(self) -> Transfer:
        """Stops the download as soon as the thread looks. Raises ProtocolError when none is under way."""
        if self.transfer is None or not self.transfer.under_way:
            raise ProtocolError(
                ErrorCode.NOT_ALLOWED,
                "No model is being downloaded.",
                "models.list shows which models are here.",
            )
        self._stop.set()
        return self.transfer

    async def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

    def _moved(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self._changed(transfer)

    def _fetch(self, entry: Published, stop: threading.Event, report: Callable[[Transfer], None]) -> None:
        meter = _Meter(Transfer(entry.name), stop, report)
        try:
            report(meter.transfer)
            self._carry_out(entry, meter)
            meter.end("done")
        except _Stopped:
            meter.end("cancelled")
        except ProtocolError as error:
            meter.end("cancelled" if stop.is_set() else "failed", error)
        except Exception:
            log.exception("The download of %s met a bug", entry.name)
            meter.end(
                "failed",
                ProtocolError(
                    ErrorCode.INTERNAL,
                    f"Internal error while downloading {entry.name}.",
                    "Get it again: what has come is kept. The server's log has the details.",
                ),
            )

    def _carry_out(self, entry: Published, meter: _Meter) -> None:
        hub = self._hub()
        orders = []
        for one in with_needs((entry,)):
            meter.on_file(one.name)
            # Reading what is there moves no bar, but can be cancelled.
            orders.append(download(hub.listing(one), self._models, lambda _: meter.look()))
        missing = [order for order in orders if order.missing]
        if missing:
            refuse_without_room(orders, self._models)
        meter.begin(sum(order.size for order in missing))
        for order in missing:
            carry_out(hub, order, self._models, TransferMeter(meter.on_file, meter.on_bytes))


class _Meter:
    """Counts in the thread and reports now and then. Its calls raise _Stopped when the download is to end."""

    def __init__(self, transfer: Transfer, stop: threading.Event, report: Callable[[Transfer], None]) -> None:
        self.transfer = transfer
        self._stop = stop
        self._report = report
        self._reported = 0.0
        self._seen: deque[tuple[float, int]] = deque()

    def begin(self, total: int) -> None:
        self._seen.append((time.monotonic(), 0))
        self._tell(replace(self.transfer, state="fetching", total=total), now=True)

    def on_file(self, name: str) -> None:
        self.look()
        self._tell(replace(self.transfer, file=name), now=True)

    def on_bytes(self, count: int) -> None:
        self.look()
        done = self.transfer.done + count
        self._seen.append((time.monotonic(), done))
        while self._seen[-1][0] - self._seen[0][0] > SPEED_SECONDS:
            self._seen.popleft()
        (first, before), (last, _) = self._seen[0], self._seen[-1]
        speed = max(0.0, (done - before) / (last - first)) if last > first else 0.0
        self._tell(replace(self.transfer, done=done, speed=speed))

    def look(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def end(self, state: str, error: ProtocolError | None = None) -> None:
        self._tell(replace(self.transfer, state=state, file="", speed=0.0, error=error), now=True)

    def _tell(self, transfer: Transfer, now: bool = False) -> None:
        self.transfer = transfer
        if now or time.monotonic() - self._reported >= PUBLISH_SECONDS:
            self._reported = time.monotonic()
            self._report(transfer)

"""The trainings of a render host: one at a time, in the order they were asked for; they wait while it renders.

A training belongs to no connection: it goes on while its laptop is closed, and after a restart of the host. Its songs
go when it has finished, and everything of it when its laptop says so or has not asked for it for thirty days.
Lives on the event loop; what blocks is in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections import deque
from pathlib import Path

from bridge_server.studio.host_training import (
    DONE,
    FAILED,
    ORDER,
    QUEUED,
    SENDING,
    STOPPED,
    HostTraining,
    check_order,
    kept_training,
)
from bridge_server.studio.training_messages import LinkedTraining, TrainingOffer
from bridge_server.training.trainable import Trainable, refuse_checkpoint, trainable
from bridge_server.training.training_runner import RunningTraining, TrainingRunner
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

MAX_TRAININGS = 64
KEEP_SECONDS = 30 * 24 * 3600.0
LOOK_SECONDS = 3600.0
ROOM = 2**30
"""Bytes that a training needs besides its songs: what is prepared of them, and its state."""


class HostTrainings:
    """folder: of all of them. name: the host's, for producers. models: None where no engine uses any. device: what
    trains where the laptop names none. kernels: see TrainingWish. `run` is its task."""

    def __init__(
        self, folder: Path, name: str, models: Path | None, device: str = "", kernels: str = ""
    ) -> None:
        self._folder = folder
        self.name = name
        self._models = models
        self._device, self._kernels = device, kernels
        self._able = Trainable()
        self._trainings: dict[str, HostTraining] = {}
        self._queue: deque[HostTraining] = deque()
        self._current: HostTraining | None = None
        self._runner = TrainingRunner(self._moved)
        self._turn = asyncio.Lock()  # nothing is begun where something is being removed
        self._ends: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def offer(self) -> TrainingOffer:
        """What laptops are told first."""
        able = self._able
        return TrainingOffer(able.models, able.planner, able.reason, able.remedy)

    @property
    def busy(self) -> bool:
        """Whether one is under way."""
        return self._current is not None

    def load(self) -> None:
        """What there was before a restart. Blocks; before `run`."""
        self._able = trainable(self._models)
        if not self._folder.is_dir():
            return
        for folder in sorted(self._folder.iterdir(), key=_asked_for):
            training = None
            try:
                training = kept_training(folder)
            except FileNotFoundError:
                log.info("%s has no training's order: it goes after thirty days", folder)
            except (OSError, ValueError) as error:  # a passing fault, or of another version
                log.warning("the training in %s cannot be read and stays as it is: %s", folder, error)
                continue
            if time.time() - _asked_for(folder) > KEEP_SECONDS:
                _remove_old(folder)
                continue
            if training is None:
                continue
            self._trainings[training.order.id] = training
            if training.state == SENDING and not training.missing():
                self._queue.append(training)
        for training in self._trainings.values():
            if training.state == DONE:
                _remove_songs(training)
        self._queue = deque(sorted(self._queue, key=lambda one: one.ordered))

    async def run(self) -> None:
        """Goes on with what was under way, until it is cancelled."""
        try:
            self._next()
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._expire()
        finally:
            self._closed = True
            await self._runner.close()
            await asyncio.gather(*self._ends, return_exceptions=True)

    def yield_to_renders(self, renders: bool) -> None:
        """Whether the host renders at this moment."""
        self._runner.yield_to_renders(renders)

    async def accept(self, order: LinkedTraining, resume: bool) -> HostTraining:
        """The training, new or one that is here already; resume: it goes on if it was stopped or failed.

        Raises ProtocolError where it cannot be trained here.
        """
        check_order(order)
        async with self._turn:
            training = self._trainings.get(order.id)
            if training is None:
                self._able = await asyncio.to_thread(trainable, self._models)
                await self._refuse(order)
                training = HostTraining(self._folder / order.id, order, ordered=time.time())
                await self._keep(training)
                self._trainings[order.id] = training
                log.info("training %s of %d songs was ordered", order.id[:8], len(order.songs))
            elif {one.digest for one in training.order.songs} != {one.digest for one in order.songs}:
                raise ProtocolError(ErrorCode.BAD_MESSAGE, "A training was ordered again with other songs.")
            elif resume and training.state in (SENDING, STOPPED, FAILED):
                training.order, training.wanted, training.error = order, True, None
                training.state, training.ordered = SENDING, time.time()
                await self._keep(training)
            else:
                await self._keep(training)  # so long it is not forgotten
            await self._enqueue(training)
        return training

    async def arrived(self, training: HostTraining, digest: str, path: Path) -> None:
        """A song came whole; once all have, the training begins or waits for its turn. Raises ProtocolError."""
        try:
            await asyncio.to_thread(training.take, digest, path)
        except OSError as error:
            raise _full(self.name, error) from error
        await self._enqueue(training)

    async def stop(self, training: HostTraining) -> None:
        """Stops it within a moment, with its place kept."""
        if training is self._current:
            if self._runner.current is not None and self._runner.current.under_way:
                self._runner.stop()
        elif not training.ended:
            self._drop(training)
            training.state = STOPPED
            training.touch()
            await self._ended(training)

    async def forget(self, key: str) -> None:
        """Removes everything of a training; stops it first. One that is not here is forgotten already.

        Raises ProtocolError where the disk refuses.
        """
        training = self._trainings.get(key)
        if training is None:
            return
        while training is self._current:
            changed = training.changed
            await self.stop(training)
            await changed.wait()
        async with self._turn:
            self._drop(training)
            self._trainings.pop(key, None)
            try:
                if training.folder.is_dir():
                    await asyncio.to_thread(shutil.rmtree, training.folder)
            except OSError as error:
                self._trainings[key] = training
                raise ProtocolError(
                    ErrorCode.STORE_FAILED,
                    f"The render host {self.name} could not remove a training: {error.strerror}.",
                    "Remove it again once no program on that machine has its files open.",
                ) from error
        log.info("training %s is removed", key[:8])
        training.touch()
        self._next()  # those behind it have moved up

    async def _refuse(self, order: LinkedTraining) -> None:
        """Raises ProtocolError before anything is sent for nothing."""
        refuse_checkpoint(self._able, self.name, order.checkpoint)
        if len(self._trainings) >= MAX_TRAININGS:
            raise ProtocolError(
                ErrorCode.QUEUE_FULL,
                f"The render host {self.name} has {MAX_TRAININGS} trainings already.",
                "Remove one that is not wanted any more.",
            )
        needed = sum(one.size for one in order.songs) + ROOM
        free = await asyncio.to_thread(_free_bytes, self._folder)
        if free < needed:
            raise ProtocolError(
                ErrorCode.STORE_FAILED,
                f"The render host {self.name} has {free / 2**30:.1f} GB of disk left; this training needs "
                f"{needed / 2**30:.1f} GB.",
                "Free some space on that machine, then try again.",
            )

    async def _enqueue(self, training: HostTraining) -> None:
        if training.state == SENDING and not await asyncio.to_thread(training.missing):
            training.state = QUEUED
            self._queue.append(training)
            self._next()

    def _next(self) -> None:
        """Begins the next one, if none is under way; tells the others how many are before them."""
        if not self._closed and self._current is None and self._queue:
            training = self._current = self._queue.popleft()
            wish = training.wish(self._models or Path(), self._device, self._kernels)
            self._moved(self._runner.begin(wish, training.songs(), training.consent()))
            log.info("training %s begins", training.order.id[:8])
        for before, training in enumerate(self._queue):
            training.state, training.phase = QUEUED, queued_phase(self.name, before)
            training.touch()

    def _moved(self, now: RunningTraining) -> None:
        training = self._current
        if training is None:
            return
        standing, measured = now.standing, self._runner.measured
        training.described = {**training.described, **standing.described}
        training.share, training.skipped = standing.share, standing.skipped
        training.seconds_left = standing.seconds_left
        training.phase = f"waiting while {self.name} renders" if now.state == "waiting" else standing.phase
        if measured.losses or standing.step:
            training.measured = measured
        if now.under_way:
            training.state = now.state
            training.touch()
            return
        self._current = None
        if self._closed and now.state == STOPPED:
            training.touch()
            return  # with the host, whose next start goes on
        training.state, training.error, training.stopped_early = now.state, now.error, now.stopped_early
        training.touch()  # at once: whoever tells of it takes an end without a touch for one that was told
        ending = asyncio.create_task(self._ended(training))
        self._ends.add(ending)
        ending.add_done_callback(self._ends.discard)

    async def _ended(self, training: HostTraining) -> None:
        """Writes down that it does not go on by itself; one that is trained needs its songs no more."""
        training.wanted = False
        if training.error is not None:
            log.info("training %s failed: %s", training.order.id[:8], training.error.code.value)
        async with self._turn:
            if self._trainings.get(training.order.id) is training:  # not forgotten meanwhile
                await self._write_end(training)
        training.touch()
        self._next()

    async def _write_end(self, training: HostTraining) -> None:
        try:
            await self._keep(training)
        except ProtocolError as error:
            log.warning(
                "training %s: its end could not be written: %s", training.order.id[:8], error.code.value
            )
        if training.state == DONE:
            await asyncio.to_thread(_remove_songs, training)

    async def _keep(self, training: HostTraining) -> None:
        await asyncio.to_thread(training.keep)

    def _drop(self, training: HostTraining) -> None:
        if training in self._queue:
            self._queue.remove(training)

    async def _expire(self) -> None:
        """Forgets those that nobody has asked for in a long time, and removes songs that could not be removed."""
        for key, training in tuple(self._trainings.items()):
            if training.state == DONE:
                await asyncio.to_thread(_remove_songs, training)
            asked = await asyncio.to_thread(_asked_for, training.folder)
            if (training.ended or training.state == SENDING) and time.time() - asked > KEEP_SECONDS:
                try:
                    await self.forget(key)
                except ProtocolError as error:  # tried again in an hour
                    log.warning("training %s is old and cannot be removed: %s", key[:8], error.code.value)


def queued_phase(name: str, before: int) -> str:
    """What a producer reads while another training is under way there; before: how many wait besides that."""
    if before == 0:
        return f"waiting for another training on {name}, next in line"
    return f"waiting for another training on {name}, {before} more before you"


def _asked_for(folder: Path) -> float:
    """When a laptop last asked for it, in seconds of the system's clock; without an order, when the folder changed."""
    try:
        for place in (folder / ORDER, folder):
            with contextlib.suppress(FileNotFoundError):
                return place.stat().st_mtime
    except OSError:
        pass
    return time.time()  # nobody knows, so it is not old


def _remove_old(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:  # tried again at the next start
        log.warning("the training in %s is old and cannot be removed: %s", folder, error)


def _remove_songs(training: HostTraining) -> None:
    """Those of a training that needs them no more; what the disk refuses is tried again within the hour."""
    try:
        training.remove_songs()
    except OSError as error:
        log.warning("training %s: its songs could not be removed: %s", training.order.id[:8], error.strerror)


def _free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _full(name: str, error: OSError) -> ProtocolError:
    return ProtocolError(
        ErrorCode.STORE_FAILED,
        f"The disk of the render host {name} cannot be written: {error.strerror}.",
        "Free some space on that machine, then resume the training.",
    )

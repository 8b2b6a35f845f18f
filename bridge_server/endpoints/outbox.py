"""Frames that wait for a client to read them: bounded, and with a mark at which its requests have to wait."""

from __future__ import annotations

import asyncio
from collections import deque

MAX_FRAMES = 2000
MAX_BYTES = 32 << 20


class Outbox:
    """Frames in order, for one sender. Lives on the event loop.

    It fills up with the answers to what the client asks and with what happens anyway (progress, takes, changes).
    Answers stop at half: `room` makes the client's requests wait until it has read. So only what nobody asked for can
    fill the rest, and only then does `put` refuse a frame.
    """

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[str | bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: str | bytes) -> bool:
        """Adds a frame; False when it is full. A frame alone may be larger than MAX_BYTES: an answer is whole."""
        if self._frames and (
            len(self._frames) >= self._max_frames or self._bytes + len(frame) > self._max_bytes
        ):
            return False
        self._frames.append(frame)
        self._bytes += len(frame)
        self._filled.set()
        if self._is_half_full():
            self._roomy.clear()
        return True

    async def get(self) -> str | bytes:
        """The next frame, when there is one."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        if not self._is_half_full():
            self._roomy.set()
        return frame

    async def room(self) -> None:
        """Waits until it is less than half full, or closed."""
        await self._roomy.wait()

    def close(self) -> None:
        """Nobody reads any more: drops what waits and lets everyone go on."""
        self._frames.clear()
        self._bytes = 0
        self._roomy.set()

    def _is_half_full(self) -> bool:
        return 2 * len(self._frames) >= self._max_frames or 2 * self._bytes >= self._max_bytes

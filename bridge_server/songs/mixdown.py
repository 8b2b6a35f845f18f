"""A take in its song as one WAV file: a repaint in the region's place, a backing playing along, a stem alone.

The file is never made: whatever part of it is asked for is put together from the stored audio at that moment. So a
song of half an hour takes no memory and no disk, however many listen to it, and seeking costs nothing.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np

from clip_store.audio.audio import Encoding, Samples, decode_samples, encode_samples
from clip_store.audio.broadcast_wav import metadata_chunks
from clip_store.audio.riff import WaveForm, wave_head
from clip_store.audio.stored_wave import StoredWave
from clip_store.splice import check_alike, frames_with_clip
from clip_store.store import ClipStore
from clip_store.take import Take
from daw_protocol.tasks import TASKS, Placement


def placement_of(take: Take) -> Placement:
    """How the take and its song are played together."""
    return Placement.NEW if take.parent is None else TASKS[take.task].placement


@dataclass(frozen=True)
class Layer:
    """Stored audio in the mixdown, and where it begins, in samples. adds: on top of what lies below, not instead."""

    wave: StoredWave
    position: int = 0
    adds: bool = False


class Mixdown:
    """Layers, the lowest first, as a WAV file. form: of the file; silence where no layer is.

    Where nothing has to be added and every layer has the file's encoding, its bytes are copied as they are.
    """

    def __init__(self, form: WaveForm, layers: tuple[Layer, ...], xmp: bytes = b"") -> None:
        """xmp: the packet the file gets. Raises StoreError when the file would pass 4 GiB."""
        self.form = form
        self._layers = layers
        self._copied = all(
            layer.wave.form.encoding is form.encoding
            and layer.wave.form.channels == form.channels
            and not layer.adds
            for layer in layers
        )
        chunks = metadata_chunks(None, None, "", form.rate, xmp)
        self._head = wave_head(form, chunks) + struct.pack("<4sI", b"data", form.sound_bytes)

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return len(self._head) + self.form.sound_bytes + (self.form.sound_bytes & 1)

    def read(self, first: int, end: int) -> bytes:
        """Bytes [first, end) of the file; fewer behind its end. For a thread. Raises OSError when audio has gone."""
        head, sound = len(self._head), self.form.sound_bytes
        begin, stop = max(0, first - head), min(sound, end - head)
        parts = [self._head[first:end]]
        if begin < stop:
            frame = self.form.frame_bytes
            whole = self._frames(begin // frame, -(-stop // frame))
            parts.append(whole[begin % frame :][: stop - begin])
        if self.size - 1 == head + sound and first < self.size <= end:
            parts.append(b"\0")  # chunks have an even number of bytes
        return b"".join(parts)

    def samples(self, first: int, end: int) -> Samples:
        """The frames [first, end) as the file's encoding has them, [frames, channels]."""
        return decode_samples(self._frames(first, end), self.form.channels, self.form.encoding)

    def _frames(self, first: int, end: int) -> bytes:
        """The frames [first, end), encoded."""
        if not self._copied:
            return encode_samples(self._mixed(first, end), self.form.encoding)
        size = self.form.frame_bytes
        found = bytearray((end - first) * size)
        for layer, begin, stop in self._within(first, end):
            data = layer.wave.read(begin - layer.position, stop - layer.position)
            found[(begin - first) * size : (stop - first) * size] = data
        return bytes(found)

    def _mixed(self, first: int, end: int) -> Samples:
        mixed = np.zeros((end - first, self.form.channels), np.float64)
        for layer, begin, stop in self._within(first, end):
            form = layer.wave.form
            data = layer.wave.read(begin - layer.position, stop - layer.position)
            sound = decode_samples(data, form.channels, form.encoding).astype(np.float64)
            mixed[begin - first : stop - first] = (
                sound + mixed[begin - first : stop - first] if layer.adds else sound
            )
        return mixed.astype(self.form.encoding.dtype)

    def _within(self, first: int, end: int) -> list[tuple[Layer, int, int]]:
        """The layers with something between two frames, and between which."""
        spans = [
            (
                layer,
                max(first, layer.position),
                min(end, layer.position + layer.wave.form.frames),
            )
            for layer in self._layers
        ]
        return [span for span in spans if span[1] < span[2]]


def mixdown(store: ClipStore, take: Take, xmp: bytes = b"") -> Mixdown:
    """The whole song with the take. xmp: its packet. Checks the audio the first time; for a thread.

    Raises StoreError when audio is missing or damaged, SpliceError when song and clip do not fit.
    """
    clip = store.blobs.wave(take.audio)
    if take.base is None:
        return Mixdown(clip.form, (Layer(clip),), xmp)
    return laid_over(store.blobs.wave(take.base), clip, take.start_in_base, take.task, xmp)


def laid_over(song: StoredWave, clip: StoredWave, start: int, task: str, xmp: bytes = b"") -> Mixdown:
    """Song and clip as the task wants them, longer than the song where the clip goes on or begins before it.

    start: of the clip, in samples from the song's first; negative where it begins earlier. A spliced clip leaves the
    song's other bits alone; anything else is float, so that nothing clips.
    """
    if TASKS[task].spliced:
        check_alike(song.form, clip.form)
    placement = TASKS[task].placement
    lead = max(0, -start)
    form = WaveForm(
        frames_with_clip(song.form.frames, clip.form.frames, start),
        song.form.rate,
        song.form.channels,
        clip.form.encoding if TASKS[task].spliced else Encoding.FLOAT,
    )
    below = () if placement is Placement.ALONE else (Layer(song, lead),)
    return Mixdown(form, (*below, Layer(clip, lead + start, adds=placement is Placement.BESIDE)), xmp)


def tag_of(take: Take, xmp: bytes = b"") -> str:
    """Differs whenever the mixdown of a take does."""
    parts = (
        take.base,
        take.audio,
        take.start_in_base,
        placement_of(take).value,
        TASKS[take.task].spliced,
        xmp,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()

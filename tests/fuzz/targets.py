"""Everything that reads foreign bytes or texts, one row each: its valid inputs, its words, and how it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz import doors, readers, seeds, words
from tests.fuzz.changes import Material
from tests.fuzz.law import Law, Read, law_for

CORPUS = Path(__file__).parents[1] / "corpus"
"""A folder for each target, a file for each input that was once met unlawfully; its name says how."""

DATAGRAM = 65_507


@dataclass(frozen=True)
class Target:
    """most: bytes of an input. count: inputs in the suite; the long run has LONG_RUN as many, or what `long` says."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    words: Sequence[bytes]
    open: Callable[[], AbstractContextManager[Read]]
    count: int
    long: int = 200_000
    most: int = 1 << 16

    def material(self) -> Material:
        return Material(self.seeds(), self.words)

    @contextmanager
    def law(self) -> Iterator[Law]:
        with self.open() as read, law_for(read) as law:
            yield law

    def kept(self) -> list[Path]:
        """What was found before."""
        return sorted((CORPUS / self.name).glob("*"))


TARGETS = (
    Target("osc", seeds.osc, words.OSC_WORDS, doors.osc_reader, 800, 1_000_000, DATAGRAM),
    Target("websocket", seeds.frames, (*words.JSON_WORDS, *words.OSC_WORDS), doors.websocket_reader, 500),
    Target("http", seeds.http, words.HTTP_WORDS, doors.http_reader, 400),
    Target("mailbox", seeds.mailbox, words.JSON_WORDS, doors.mailbox_reader, 300),
    Target("watched_names", seeds.watched, words.WATCHED_WORDS, readers.watched_reader, 500, most=20_000),
    Target("waves", seeds.waves, words.RIFF_WORDS, readers.audio_reader, 400),
    Target("apple_audio", seeds.apple, words.APPLE_WORDS, readers.audio_reader, 300),
    Target("compressed_audio", seeds.compressed, words.COMPRESSED_WORDS, readers.audio_reader, 250),
    Target("midi", seeds.midi_files, words.MIDI_WORDS, readers.midi_reader, 400),
    Target("weights", seeds.weights, words.WEIGHT_WORDS, readers.weights_reader, 300),
    Target("configs", seeds.configs, (*words.CONFIG_WORDS, *words.JSON_WORDS), readers.config_reader, 200),
    Target("clips", seeds.clips, (*words.CLIP_WORDS, *words.RIFF_WORDS), readers.clip_reader, 400),
)

BY_NAME = {target.name: target for target in TARGETS}

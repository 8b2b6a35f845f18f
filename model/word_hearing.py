"""Which words are sung in a sound, as a speech recogniser hears them: Whisper (A. Radford et al., ICML 2023).

The package and the weights are optional; nothing is fetched here. What only this module knows: how the library is
called, and how the words it hears are compared with lyrics. Loading is meant for a process of its own.
"""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.dsp.resample import ANALYSIS, resample
from model.errors import NotLoaded, first_line
from model.lyric_tags import is_sung
from model.packages import require_packages
from model.published import Kind, Published, PublishedFile

LABEL = "Whisper tiny"
INSTALL = "pip install 'takebridge[ears]'"
FETCH = "Run `takebridge models pull words` (about 78 MB), or start the server with --models and your models folder."
PACKAGES = ("faster_whisper",)
RATE = 16_000
UNKNOWN = "unknown"
_WEIGHTS = "model.bin"
_PEAK = 0.9

WORD_MODELS = (
    Published(
        "words", Kind.WORDS, "faster-whisper-tiny", "Systran/faster-whisper-tiny",
        (
            PublishedFile("config.json"), PublishedFile(_WEIGHTS), PublishedFile("tokenizer.json"),
            PublishedFile("vocabulary.txt"),
        ), 78_000_000,
        "Hears how many of the words of their lyrics takes sing; a speech recogniser, not made for singing.",
        whole=False, licence="MIT, by its page",
    ),
)  # fmt: skip

Samples = NDArray[Any]


@dataclass(frozen=True)
class SungClip:
    """A sound and what it should sing. samples: (frames,) or (frames, channels) at `rate`. language: as in requests."""

    samples: Samples
    rate: int
    lyrics: str
    language: str = UNKNOWN


@dataclass(frozen=True)
class HeardWords:
    """What was heard.

    match:    share of the lyrics' words that were heard, in their order, 0 to 1.
    words:    how many words the lyrics have.
    text:     what was heard.
    confidence: of the recogniser in it, 0 to 1; 0 where it heard nothing.
    language: it listened for; language_confidence: 1 where it was told.
    """

    match: float
    words: int
    text: str
    confidence: float
    language: str
    language_confidence: float


def word_folder(models: Path | None) -> Path:
    """The folder of the weights in a folder of models. Raises NotLoaded where package or weights are missing."""
    require_packages(PACKAGES, LABEL, INSTALL)
    folder = None if models is None else models / WORD_MODELS[0].folder
    if folder is None or not (folder / _WEIGHTS).is_file():
        raise NotLoaded(f"The weights of {LABEL} are not here.", FETCH)
    return folder


class WordListener:
    """The recogniser, loaded. One clip at a time, so that no answer depends on another clip."""

    def __init__(self, folder: Path) -> None:
        """Raises NotLoaded for weights that cannot be read."""
        import faster_whisper

        try:
            self._network: Any = faster_whisper.WhisperModel(str(folder), device="cpu", local_files_only=True)
        except Exception as error:  # a damaged file fails in as many ways as there are readers in the library
            raise NotLoaded(
                f"The weights of {LABEL} in {folder.name} cannot be read ({first_line(error)}).",
                "Delete that folder and fetch it again: takebridge models pull words",
            ) from error

    def hear(self, clip: SungClip, tell: Callable[[float], None] = lambda _: None) -> HeardWords:
        """What a clip sings. The same each time: only the likeliest words are taken, and none by chance.

        tell: the share of the clip that was listened to.
        """
        known = clip.language in self._network.supported_languages
        wanted = words_of(sung_text(clip.lyrics))
        sound = _as_it_listens(clip)
        if not sound.any():
            return HeardWords(0.0, len(wanted), "", 0.0, clip.language if known else "", float(known))
        segments, about = self._network.transcribe(
            sound,
            language=clip.language if known else None,
            temperature=0.0,
            # What it misheard once would lead it astray for the rest of the song.
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        found = []
        for segment in segments:  # it listens while it is asked for them
            found.append(segment)
            tell(min(1.0, segment.end * RATE / len(sound)))
        tell(1.0)
        text = " ".join(filter(None, (segment.text.strip() for segment in found)))
        return HeardWords(
            in_order(wanted, words_of(text)) / max(1, len(wanted)),
            len(wanted),
            text,
            _confidence(found) if text else 0.0,
            str(about.language),
            float(about.language_probability),
        )


def sung_text(lyrics: str) -> str:
    """Lyrics without their section tags."""
    return "\n".join(line for line in lyrics.split("\n") if is_sung(line))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case and without punctuation; of scripts without blanks, its letters."""
    found: list[str] = []
    word = ""
    for letter in unicodedata.normalize("NFKC", text).casefold():
        alone = _stands_alone(letter)
        if letter in "'’" or (unicodedata.category(letter)[0] in "LMN" and not alone):
            word += "" if letter in "'’" else letter
            continue
        found += [part for part in (word, letter if alone else "") if part]
        word = ""
    return [*found, word] if word else found


def _stands_alone(letter: str) -> bool:
    """Letters of scripts that put no blanks between words: Han, kana, Thai, Lao, Khmer, Burmese."""
    return any(first <= letter <= last for first, last in _WITHOUT_BLANKS) and letter.isalpha()


_WITHOUT_BLANKS = (
    ("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"), ("\u3040", "\u30ff"), ("\u3400", "\u9fff"),
    ("\U00020000", "\U0003ffff"),
)  # fmt: skip


def in_order(wanted: Sequence[str], heard: Sequence[str]) -> int:
    """How many of the wanted words were heard in their order: the length of the longest common subsequence (J. Hunt and
    T. Szymanski, 1977)."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(heard):
        places[word].insert(0, place)
    ends: list[int] = []  # of the common subsequences of each length, the earliest end
    for word in wanted:
        for place in places.get(word, ()):
            at = bisect_left(ends, place)
            ends[at : at + 1] = [place]
    return len(ends)


def _as_it_listens(clip: SungClip) -> NDArray[np.float32]:
    """Mono at RATE, as loud as the speech it learnt from."""
    mono = np.asarray(clip.samples if clip.samples.ndim == 1 else clip.samples.mean(axis=1), np.float32)
    found = np.asarray(resample(mono, clip.rate, RATE, quality=ANALYSIS), np.float32)
    peak = float(np.abs(found).max(initial=0.0))
    return found * np.float32(_PEAK / peak) if peak > 0 else found


def _confidence(segments: Sequence[Any]) -> float:
    """The mean likelihood of the tokens that were heard: the library gives its logarithm for each segment."""
    counts = [max(1, len(segment.tokens)) for segment in segments]
    total = sum(count * segment.avg_logprob for count, segment in zip(counts, segments, strict=True))
    return min(1.0, math.exp(total / sum(counts)))

"""What was rendered during a training, as WAV files in its folder: marked as machine-made, like every other render."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_server.training.kept_trainings import PREVIEWS
from clip_store.audio.audio import Encoding, quantise
from clip_store.audio.audio_file import write_wav
from clip_store.audio.broadcast_wav import Bext
from clip_store.audio.xmp import SourceMark, encode_xmp
from clip_store.errors import StoreError
from clip_store.source_type import SourceType
from clip_store.store import ORIGINATOR
from model.errors import CannotRender


class PreviewFolder:
    """The previews of the training in the folder `run`."""

    def __init__(self, run: Path) -> None:
        self._folder = run / PREVIEWS

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def keep(self, name: str, samples: NDArray[np.floating[Any]], rate: int) -> None:
        """samples: [frames, channels]. Raises CannotRender if the disk refuses."""
        about = f"Machine-generated audio: a preview of an adapter in training, by {ORIGINATOR}."
        mark = SourceMark(SourceType.TRAINED.address, "ACE-Step", ORIGINATOR)
        bext = Bext(description=about, originator=ORIGINATOR)
        audio = quantise(samples, rate, Encoding.PCM_24).audio
        try:
            write_wav(self._path(name), audio, bext, note=about, xmp=encode_xmp(mark))
        except StoreError as error:  # the trainer knows no store
            raise CannotRender(error.sentence, error.remedy) from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.wav"

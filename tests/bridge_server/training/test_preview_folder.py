"""Previews as files: exact, marked as machine-made, and there or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge_server.training.preview_folder import PreviewFolder
from clip_store.audio.audio_file import probe_audio
from clip_store.audio.broadcast_wav import read_bext
from clip_store.source_type import SourceType
from model.errors import CannotRender


def test_a_preview_says_that_a_machine_made_it(tmp_path: Path) -> None:
    folder = PreviewFolder(tmp_path)
    assert not folder.has("0")
    folder.keep("0", np.full((480, 2), 0.5), 48_000)
    assert folder.has("0")
    path = tmp_path / "previews" / "0.wav"
    samples, rate = soundfile.read(path)
    assert (rate, samples.min(), samples.max()) == (48_000, 0.5, 0.5)
    bext = read_bext(path)
    assert bext is not None
    assert bext.description.startswith("Machine-generated audio")
    assert SourceType.TRAINED.address in probe_audio(path).tags.xmp


def test_a_disk_that_refuses_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "previews").write_text("a file")
    with pytest.raises(CannotRender):
        PreviewFolder(tmp_path).keep("0", np.zeros((1, 2)), 48_000)

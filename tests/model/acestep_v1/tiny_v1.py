"""A folder with the tiny checkpoint, marked as untrained, for tests of the engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from model.acestep_v1.weights.published_v1 import FOLDER, LYRICS, TRANSFORMER, VOCABULARY
from tests.model.acestep_v1.conditioning.test_lyric_tokens import small_vocabulary
from tests.model.acestep_v1.golden_v1 import TINY_V1


def write_v1(models: Path, *, vocabulary: bool = True) -> Path:
    """The folder of models with the checkpoint, whose weights are links to the stored ones."""
    folder = models / FOLDER
    shutil.copytree(TINY_V1, folder, copy_function=_linked)
    config = folder / TRANSFORMER / "config.json"
    fields = json.loads(config.read_text()) | {"untrained": True}
    config.unlink()
    config.write_text(json.dumps(fields))
    if vocabulary:
        (folder / LYRICS).mkdir()
        (folder / LYRICS / VOCABULARY).write_text(json.dumps(small_vocabulary()))
    return models


def _linked(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())

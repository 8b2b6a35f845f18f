"""What the renderer keeps: words, song and conditions are made once for all takes of a region."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="prompts need transformers: pip install takebridge[acestep]")

from model.acestep_v1.conditioning.prompt_encoder import PromptEncoder
from model.acestep_v1.loaded_v1 import LoadedV1
from model.acestep_v1.networks.audio_codec import AudioCodec
from model.acestep_v1.networks.condition_network import ConditionNetwork
from model.acestep_v1.weights.v1_folders import find_v1
from model.engine import Piece, Progress
from tests.model.acestep_v1.test_loaded_v1 import CPU
from tests.model.acestep_v1.v1_requests import RATE, request


def test_another_take_reads_nothing_again(v1_models: Path, monkeypatch: pytest.MonkeyPatch):
    done: list[str] = []
    for owner, name in ((AudioCodec, "encode"), (ConditionNetwork, "lyrics"), (PromptEncoder, "states")):
        before = getattr(owner, name)

        def counted(self, *given, before=before, name=name, **more):  # type: ignore[no-untyped-def]
            done.append(name)
            return before(self, *given, **more)

        monkeypatch.setattr(owner, name, counted)
    loaded = LoadedV1(find_v1(v1_models)[0], CPU, None)
    progress: list[Progress] = []
    for take in (0, 1):
        found = list(loaded.render(request(takes=(take,), handle=RATE // 10), progress.append, lambda: False))
        handles = [each for each in found if isinstance(each, Piece) and each.stem == "handles"]
        assert sum(len(piece.samples) for piece in handles) == RATE + 2 * (RATE // 10)
    assert done == ["states", "encode", "lyrics", "lyrics"]
    assert {"reading the prompt", "encoding the song", "generating, step 1 of 1", "decoding audio"} <= {
        update.stage for update in progress
    }
    loaded.unload()
    list(loaded.render(request(), lambda _: None, lambda: False))
    assert len(done) == 8

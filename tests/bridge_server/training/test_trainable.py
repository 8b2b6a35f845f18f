"""What can be trained for on a machine, by the names that requests have for it; and what is said where nothing can."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge_server.training import trainable as trainable_module
from bridge_server.training.trainable import Trainable, no_models, refuse_checkpoint, trainable
from daw_protocol.errors import ProtocolError
from tests.model.acestep.tiny_folder import write_models


def test_a_complete_model_can_be_trained_for(tmp_path: Path) -> None:
    write_models(tmp_path, "acestep-v15-turbo")
    able = trainable(tmp_path)
    assert (able.models, able.reason) == (("acestep-v15-turbo",), "")
    assert [able.has(name) for name in ("", "turbo", "acestep-v15-turbo", "base")] == [
        True,
        True,
        True,
        False,
    ]


def test_what_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trainable(tmp_path / "none").reason == "There is no complete ACE-Step checkpoint in none."
    assert trainable(None).reason == no_models().sentence
    monkeypatch.setattr(trainable_module, "PACKAGES", ("torch_that_nobody_has",))
    able = trainable(tmp_path)
    assert (able.models, able.remedy) == ((), "pip install 'takebridge[acestep]'")
    assert not able.has("")


def test_a_host_is_named_with_what_it_lacks() -> None:
    refuse_checkpoint(Trainable(("acestep-v15-turbo",)), "studio", "turbo")
    with pytest.raises(ProtocolError, match="The render host studio has no checkpoint called base"):
        refuse_checkpoint(Trainable(("acestep-v15-turbo",)), "studio", "base")
    with pytest.raises(ProtocolError, match=r"The render host studio cannot train. No torch.") as refused:
        refuse_checkpoint(Trainable(reason="No torch.", remedy="Install it."), "studio", "")
    assert refused.value.remedy.endswith("Install it.")

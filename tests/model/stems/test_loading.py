"""One network stays loaded, and loading says so."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")

from model.stems.loading import Networks
from model.stems.published_stems import stem_models
from tests.model.stems.networks import write_weights


def test_a_network_is_loaded_once_and_another_takes_its_place(tmp_path: Path) -> None:
    write_weights(tmp_path, 0)
    write_weights(tmp_path, 1)
    four, six = stem_models(tmp_path)
    stages: list[str] = []
    networks = Networks("cpu")
    first = networks.get(four, lambda update: stages.append(update.stage))
    assert networks.get(four, lambda update: stages.append(update.stage)) is first
    digest = networks.digest_of(four)
    assert set(networks.get(six, lambda update: stages.append(update.stage)).sources) == set(six.stems)
    assert networks.digest_of(six) != digest
    assert stages == ["loading the separation network"] * 2


def test_nothing_is_missing_here() -> None:
    assert Networks.missing_packages() == []

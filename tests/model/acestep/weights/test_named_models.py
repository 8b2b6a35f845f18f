"""A checkpoint that is named: found with or without its prefix, and told where it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.acestep.weights.named_models import is_called, refuse_unusable
from model.errors import NotLoaded
from tests.places import TINY


def test_a_name_may_lack_the_family() -> None:
    assert is_called("acestep-v15-turbo", "turbo")
    assert is_called("acestep-v15-turbo", "acestep-v15-turbo")
    assert not is_called("acestep-v15-turbo", "xl-turbo")


def test_what_is_damaged_or_incomplete_is_told_by_its_name_alone(tmp_path: Path) -> None:
    for name in ("acestep-v15-turbo", "acestep-v15-base"):
        (tmp_path / name).mkdir()
        config = (TINY / "acestep-v15-turbo" / "config.json").read_text(encoding="utf-8")
        (tmp_path / name / "config.json").write_text(config if "turbo" in name else "{", encoding="utf-8")
    refuse_unusable(tmp_path, "sft")
    with pytest.raises(NotLoaded, match="cannot be read"):
        refuse_unusable(tmp_path, "base")
    with pytest.raises(NotLoaded, match="acestep-v15-turbo is missing its VAE"):
        refuse_unusable(tmp_path, "turbo")

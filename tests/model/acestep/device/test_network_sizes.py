"""How large a checkpoint's networks are, counted without their weights."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)
from model.acestep.device.memory_plan import NetworkSizes
from model.acestep.device.network_sizes import sizes_of
from model.acestep.networks.network_config import PUBLISHED
from model.acestep.weights.model_folders import recognise
from tests.model.acestep.device.published_sizes import SIZES_2B, SIZES_XL
from tests.model.acestep.tiny_folder import TEXT


def test_sizes_of_a_small_folder(tiny_models: Path) -> None:
    found = recognise(tiny_models / "acestep-v15-turbo")
    assert found.vae is not None
    assert found.text_encoder is not None
    sizes = sizes_of(found.config, found.vae, found.text_encoder)
    stored = 687_334  # the whole checkpoint's parameters
    assert sizes.decoder + sizes.encoders == stored
    assert sizes.linear < sizes.decoder
    assert (sizes.width, sizes.inner_width, sizes.query_width, sizes.key_width, sizes.layers) == (
        64,
        128,
        64,
        32,
        4,
    )


@pytest.mark.parametrize(("size", "expected"), [("2B", SIZES_2B), ("XL", SIZES_XL)])
def test_published_sizes_are_those_of_the_table(tiny_models: Path, size: str, expected: NetworkSizes) -> None:
    sizes = sizes_of(PUBLISHED[size], tiny_models / "vae", tiny_models / TEXT)
    for name in ("decoder", "linear", "biggest_linear", "encoders", "width", "query_width", "layers"):
        assert getattr(sizes, name) == getattr(expected, name), name

"""The library's own network from a weights file, and files that are something else."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("demucs", reason="separation by network needs demucs: pip install takebridge[stems]")

import torch
from demucs.apply import apply_model
from safetensors.torch import save_file

from model.checkpoints import check_networks
from model.engine import Song
from model.errors import NotLoaded, RenderStopped
from model.pace import Pace
from model.published import Kind
from model.stems.network import build, described_network, load
from model.stems.span import span_stems
from tests.model.stems.networks import SOURCES, TINY, about, write_weights

SONG = Song(np.random.default_rng(2).normal(0.0, 0.1, (30_011, 2)).astype(np.float32), 44_100, "noise")
QUIET = Pace(lambda _: None, lambda: False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("models"))


def test_it_says_what_it_separates(weights: Path) -> None:
    network = load(weights, "cpu")
    assert (network.sources, network.rate, network.chunk) == (SOURCES, 44_100, 11_025)


def test_stems_are_those_of_the_librarys_own_loop(weights: Path) -> None:
    network = load(weights, "cpu")
    pieces = list(span_stems(network, SONG, 0, SONG.frames, SOURCES, QUIET))
    mix = torch.from_numpy(SONG.samples.T.copy())
    mono = mix.mean(0)
    level = mono.std(unbiased=False)
    theirs = apply_model(build(weights), ((mix - mono.mean()) / level)[None], shifts=0)[0] * level
    for number, stem in enumerate(SOURCES):
        ours = np.concatenate([piece[stem] for piece in pieces])
        assert np.abs(ours - theirs[number].numpy().T).max() < 1e-6
        assert np.abs(ours).max() > 1e-3


def test_weights_are_as_in_the_file_and_torchs_random_state_stays(weights: Path) -> None:
    before = torch.random.get_rng_state()
    first, second = build(weights).state_dict(), build(weights).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_chunk_can_be_cancelled_half_way(weights: Path) -> None:
    network = load(weights, "cpu")
    began = time.monotonic()

    def check() -> None:
        if time.monotonic() > began + 0.03:
            raise RenderStopped

    mix = np.ones((2, network.chunk), np.float32)
    with pytest.raises(RenderStopped):
        [network.run(mix, check) for _ in range(1000)]


def test_a_file_of_another_class_is_not_followed(tmp_path: Path) -> None:
    """The library would import and call whatever the file names."""
    path = tmp_path / "955717e8.safetensors"
    save_file({"a": torch.ones(1)}, str(path), about({"command": "echo"}, klass="os.system"))
    with pytest.raises(NotLoaded, match=r"os\.system"):
        build(path)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {**about(TINY), "kwargs": "{"},
        {**about(TINY), "kwargs": "[]"},
        {**about(TINY), "args": "{}"},
        {**about(TINY), "kwargs": '{"segment": {"_type": "fraction", "numerator": 1, "denominator": 0}}'},
    ],
)
def test_a_description_that_cannot_be_read(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "955717e8.safetensors"
    save_file({"a": torch.ones(1)}, str(path), metadata)
    with pytest.raises(NotLoaded) as refused:
        described_network(path)
    assert "models pull stems" in refused.value.remedy


@pytest.mark.parametrize("fields", [TINY, {**TINY, "no_such": 1}, {**TINY, "depth": "three"}])
def test_tensors_of_another_network(tmp_path: Path, fields: dict[str, object]) -> None:
    path = tmp_path / "955717e8.safetensors"
    save_file({"a": torch.ones(1)}, str(path), about(fields))
    with pytest.raises(NotLoaded, match="does not hold the network"):
        build(path)


def test_a_cut_file_and_none(weights: Path, tmp_path: Path) -> None:
    cut = tmp_path / weights.name
    cut.write_bytes(weights.read_bytes()[:-100])
    for path in (cut, tmp_path / "missing.safetensors"):
        with pytest.raises(NotLoaded):
            build(path)


def test_verify_builds_it(weights: Path, tmp_path: Path) -> None:
    assert check_networks(weights.parent, Kind.STEMS) == ""
    path = tmp_path / weights.name
    save_file({"a": torch.ones(1)}, str(path), about(TINY))
    assert "does not hold" in check_networks(tmp_path, Kind.STEMS)


def test_fractions_come_back() -> None:
    assert json.loads(about(TINY)["kwargs"])["segment"] == {
        "_type": "fraction",
        "numerator": 1,
        "denominator": 4,
    }

"""The text encoder against transformers' own network, from files small enough to make here."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import NoReturn

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "transformers", reason="the text encoder needs transformers: pip install takebridge[acestep]"
)

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS, Metas, text_prompt
from model.acestep.conditioning.qwen_text_encoder import (
    QwenTextEncoder,
    load_network,
    load_tokenizer,
    text_parameters,
)
from model.errors import NotLoaded
from tests.model.acestep.tiny_folder import TEXT, WORDS, text_network, tokenizer, write_text_encoder

TOLERANCE = 1e-6
END = WORDS - 1
PROMPT = text_prompt("Fill the audio semantic mask:", "warm tape, späte 80er", Metas(120, "4", "C major", 30))


def loaded(folder: Path) -> QwenTextEncoder:
    return QwenTextEncoder(load_network(folder, torch.float32, "cpu"), load_tokenizer(folder))


@pytest.fixture(scope="module")
def encoder(tiny_models: Path) -> QwenTextEncoder:
    return loaded(tiny_models / TEXT)


def ids(prompt: str) -> list[int]:
    return list(tokenizer().encode(prompt).ids)


def test_states_are_the_last_hidden_states(encoder: QwenTextEncoder) -> None:
    expected = text_network()(input_ids=torch.tensor([ids(PROMPT)])).last_hidden_state
    assert ids(PROMPT)[-1] == END
    assert (encoder.states(PROMPT) - expected).abs().max() < TOLERANCE


def test_embeddings_are_rows_of_the_table(encoder: QwenTextEncoder) -> None:
    lyrics = "# Languages\nde\n\n# Lyric\n[Verse]\nÜber allen Gipfeln<|endoftext|>"
    assert ids(lyrics)[-2:] == [END, END], "the marker in the text, and the tokenizer's own"
    assert torch.equal(encoder.embeddings(lyrics)[0], text_network().embed_tokens.weight[ids(lyrics)])


def test_padding_on_the_right_would_change_no_state(encoder: QwenTextEncoder) -> None:
    """Why prompts may be read alone: the reference pads a batch, without a mask."""
    padded = torch.tensor([ids(PROMPT) + [END] * 9])
    states = text_network()(input_ids=padded).last_hidden_state[:, :-9]
    assert (encoder.states(PROMPT) - states).abs().max() < TOLERANCE


@pytest.mark.parametrize(("most", "lyrics"), [(MAX_TEXT_TOKENS, False), (MAX_LYRIC_TOKENS, True)])
def test_what_is_too_long_loses_its_end_but_not_the_marker(
    encoder: QwenTextEncoder, most: int, lyrics: bool
) -> None:
    read = encoder.embeddings if lyrics else encoder.states
    long = "la " * most
    short = "la " * (most // 3) + "la "[: most % 3 - 1]
    assert len(ids(short)) == most
    assert read(long).shape == (1, most, 32)
    assert (read(long) - read(short)).abs().max() < TOLERANCE
    assert read("la").shape == (1, 3, 32), "nothing is padded after a long prompt either"


def test_keys_with_a_prefix_and_an_output_head(tmp_path: Path, encoder: QwenTextEncoder) -> None:
    folder = write_text_encoder(tmp_path / "prefixed", prefix="model.")
    file = folder / "model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}, file)
    assert torch.equal(loaded(folder).states(PROMPT), encoder.states(PROMPT))


def test_parameters_are_counted_without_reading_weights(tmp_path: Path) -> None:
    folder = write_text_encoder(tmp_path / "text")
    (folder / "model.safetensors").unlink()
    assert text_parameters(folder) == sum(value.numel() for value in text_network().parameters())


def test_the_published_size(tmp_path: Path) -> None:
    published = {
        "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151_669,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(published))
    assert text_parameters(tmp_path) == 595_776_512


def without(folder: Path, name: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors[name]
    save_file(tensors, folder / "model.safetensors")


def test_broken_folders_are_refused_by_name(tmp_path: Path) -> None:
    def complaint(folder: Path) -> str:
        with pytest.raises(NotLoaded) as error:
            loaded(folder)
        assert error.value.remedy
        return error.value.sentence

    folder = write_text_encoder(tmp_path / "text")
    without(folder, "layers.1.mlp.up_proj.weight")
    assert "text encoder's weights are missing layers.1.mlp.up_proj.weight" in complaint(folder)
    (folder / "tokenizer.json").write_text("{")
    (folder / "model.safetensors").unlink()
    assert "There is no model.safetensors" in complaint(folder)
    other = write_text_encoder(tmp_path / "other")
    (other / "tokenizer.json").write_text("{}")
    assert "tokenizer.json cannot be read" in complaint(other)
    (other / "tokenizer.json").unlink()
    assert "tokenizer.json is missing" in complaint(other)
    (other / "config.json").write_text('{"model_type": "llama"}')
    assert "its type is 'llama'" in complaint(other)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = write_text_encoder(tmp_path / "text")
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words.add_tokens([f"word {index}" for index in range(9)])
    words.save(str(folder / "tokenizer.json"))
    with pytest.raises(NotLoaded, match="has 266 tokens, the text encoder 260"):
        loaded(folder)


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    folder = write_text_encoder(tmp_path / "text")
    (folder / "model.safetensors").unlink()
    with pytest.raises(NotLoaded):
        loaded(folder)
    assert loaded(write_text_encoder(tmp_path / "whole")).states("la").shape == (1, 3, 32)

"""The language model that reads the words: Qwen3-Embedding from a local folder, in transformers' network class.

The network is built from its config and filled from its safetensors files like every other one, so no file is ever
fetched, no code from the folder is run and a missing tensor is an error. The tokenizer is the stored
tokenizer.json itself: only that keeps the end marker its post-processor appends.

Each prompt is read alone and so never padded. Prompts that must share one length would be padded on the right:
the network is causal and gets no mask, so what follows a token does not change its state.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS
from model.acestep.weights.checkpoint import fill
from model.acestep.weights.model_folders import read_fields
from model.acestep.weights.single_files import Held, text_fields
from model.acestep.weights.stored_names import CheckpointPart, Recipe
from model.acestep.weights.tensor_files import DOWNLOAD_AGAIN, network_files
from model.errors import NotLoaded

if TYPE_CHECKING:
    from transformers import Qwen3Config, Qwen3Model

_HEAD = "lm_head.weight"  # some files of this family hold it; it equals the input embeddings
_PREFIX = "model."  # and some name everything so
END_MARKER = "<|endoftext|>"
GET_TOKENIZER = (
    "Run `takebridge models pull tokenizer --models FOLDER`, where FOLDER is the one with the models."
)


class QwenTextEncoder:
    """Implements pipeline.TextEncoder. Raises NotLoaded when tokenizer and network do not belong together."""

    def __init__(self, network: Qwen3Model, tokenizer: Tokenizer) -> None:
        words, rows = tokenizer.get_vocab_size(with_added_tokens=True), int(network.config.vocab_size)
        if words > rows:
            raise NotLoaded(
                f"The tokenizer knows {words} words, the text encoder {rows}: they belong to different models.",
                "Download the text encoder again.",
            )
        self._network = network
        self._tokenizer = tokenizer
        self._tokenizer.no_padding()

    def states(self, prompt: str) -> Tensor:
        """Last hidden states [1, S, text width], S <= 256."""
        with torch.no_grad():
            states: Tensor = self._network(
                input_ids=self._ids(prompt, MAX_TEXT_TOKENS), use_cache=False
            ).last_hidden_state
        return states

    def embeddings(self, prompt: str) -> Tensor:
        """Rows of the input embedding [1, S, text width], S <= 2048; no layer sees them."""
        with torch.no_grad():
            rows: Tensor = self._embedding(self._ids(prompt, MAX_LYRIC_TOKENS))
        return rows

    def unread(self, prompt: str, most: int) -> str:
        """The end of a prompt that is lost when only `most` tokens are read; "" when all of it is read."""
        self._tokenizer.no_truncation()
        read = self._tokenizer.encode(prompt)
        if len(read.ids) <= most:
            return ""
        # The end marker that the tokenizer appends is read in any case.
        return prompt[read.offsets[most - 1][0] :]

    @property
    def _embedding(self) -> nn.Embedding:
        found = self._network.get_submodule("embed_tokens")
        assert isinstance(found, nn.Embedding)
        return found

    def _ids(self, prompt: str, most: int) -> Tensor:
        """Token ids [1, S]; what is too long loses its end, but not the end marker."""
        self._tokenizer.enable_truncation(most, direction="right")
        return torch.tensor([self._tokenizer.encode(prompt).ids], device=self._embedding.weight.device)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer.json in `folder`, or what its vocabulary and merges make. Raises NotLoaded."""
    path = folder / "tokenizer.json"
    if not path.is_file() and (folder / "merges.txt").is_file():
        return _tokenizer_of_merges(folder)
    if not path.is_file():
        raise NotLoaded(f"{path} is missing.", DOWNLOAD_AGAIN)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as broken:  # the library raises nothing narrower
        raise NotLoaded(f"{path} cannot be read: {broken}.", "Download that file again.") from broken


def _tokenizer_of_merges(folder: Path) -> Tokenizer:
    """The tokenizer as ComfyUI ships it, with the end marker appended as the published one does. Raises NotLoaded."""
    from transformers import Qwen2Tokenizer

    try:
        words: Tokenizer = Qwen2Tokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    except Exception as broken:  # a dozen kinds
        raise NotLoaded(f"The tokenizer in {folder} cannot be read: {broken}.", GET_TOKENIZER) from broken
    end = words.token_to_id(END_MARKER)
    if end is None:
        raise NotLoaded(f"The tokenizer in {folder} has no {END_MARKER}.", GET_TOKENIZER)
    words.post_processor = TemplateProcessing(single=f"$A {END_MARKER}", special_tokens=[(END_MARKER, end)])
    return words


def load_network(place: Path, dtype: torch.dtype, device: torch.device | str) -> Qwen3Model:
    """The network in a folder or single file, strictly. Raises NotLoaded."""
    config = text_config(place)
    files = network_files(place, "model", Held.TEXT)
    network = fill(
        lambda: _built(config), text_recipes(files.names()), files.read, CheckpointPart.TEXT, dtype, device
    )
    # The rotary frequencies are not stored and were built without memory; in float32 whatever the weights are.
    network.rotary_emb = type(network.rotary_emb)(config=config).to(device)
    return network


def text_config(place: Path) -> Qwen3Config:
    """What config.json says of the network, or a single file's shapes. Raises NotLoaded when that is no Qwen3."""
    from transformers import Qwen3Config

    if place.is_file():
        return Qwen3Config.from_dict(dict(text_fields(place)))
    fields: dict[str, Any] = dict(read_fields(place / "config.json"))
    if fields.get("model_type") != "qwen3":
        raise NotLoaded(
            f"{place} holds no text encoder for ACE-Step 1.5: it is {fields.get('model_type')!r}, not 'qwen3'.",
            DOWNLOAD_AGAIN,
        )
    return Qwen3Config.from_dict(fields)


def text_parameters(place: Path) -> int:
    """How many parameters the network in a folder or single file has; no weights are read."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in _built(text_config(place)).parameters())


def _built(config: Qwen3Config) -> Qwen3Model:
    from transformers import Qwen3Model

    return Qwen3Model(config)


def text_recipes(stored: list[str]) -> dict[str, Recipe]:
    """Which stored tensor each parameter is, with and without the prefix. Raises NotLoaded for both at once."""
    recipes: dict[str, Recipe] = {}
    for key in stored:
        name = key.removeprefix(_PREFIX)
        if name == _HEAD:
            continue
        if name in recipes:
            raise NotLoaded(f"The tensors {recipes[name].sources[0]} and {key} are the same.", DOWNLOAD_AGAIN)
        recipes[name] = Recipe((key,))
    return recipes

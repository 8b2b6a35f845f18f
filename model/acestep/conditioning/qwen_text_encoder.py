"""The text encoder: Qwen3-Embedding from a local folder, in transformers' network class.

The network is built from its config and filled from its safetensors files like every other one, so nothing is
downloaded, no code from the folder runs and a missing tensor is an error. The tokenizer is the stored tokenizer.json
itself, which keeps the end marker its post-processor appends.

Each prompt is encoded alone and therefore never padded. Prompts of equal length would be padded on the right: the
network is causal and gets no mask, so later tokens do not change a token's state.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from model.acestep.conditioning.prompts import MAX_LYRIC_TOKENS, MAX_TEXT_TOKENS
from model.acestep.networks.network_config import MAX_FACTOR, MAX_LAYERS, MAX_WIDTH, whole
from model.acestep.weights.checkpoint import fill
from model.acestep.weights.model_folders import read_fields
from model.acestep.weights.single_files import Held, text_fields
from model.acestep.weights.stored_names import CheckpointPart, Recipe
from model.acestep.weights.tensor_files import DOWNLOAD_AGAIN, network_files
from model.errors import NotLoaded

if TYPE_CHECKING:
    from transformers import Qwen3Config, Qwen3Model

_HEAD = "lm_head.weight"  # in some files of this family; equals the input embeddings
_PREFIX = "model."  # of all names in some files
END_MARKER = "<|endoftext|>"
GET_TOKENIZER = "Run `takebridge models pull tokenizer --models FOLDER`, where FOLDER is your models folder."


class QwenTextEncoder:
    """Implements conditioning.text_encoder.TextEncoder. Raises NotLoaded if tokenizer and network do not match."""

    def __init__(self, network: Qwen3Model, tokenizer: Tokenizer) -> None:
        words, rows = tokenizer.get_vocab_size(with_added_tokens=True), int(network.config.vocab_size)
        if words > rows:
            raise NotLoaded(
                f"The tokenizer has {words} tokens, the text encoder {rows}: they belong to different models.",
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
        """Input embeddings [1, S, text width], S <= 2048; they pass through no layer."""
        with torch.no_grad():
            rows: Tensor = self._embedding(self._ids(prompt, MAX_LYRIC_TOKENS))
        return rows

    def unread(self, prompt: str, most: int) -> str:
        """The end of a prompt that is cut if only `most` tokens are read; "" if all of it is read."""
        self._tokenizer.no_truncation()
        read = self._tokenizer.encode(prompt)
        if len(read.ids) <= most:
            return ""
        # The end marker appended by the tokenizer always counts as one of them.
        return prompt[read.offsets[most - 1][0] :]

    def tokens(self, prompt: str, most: int) -> list[tuple[int, int]]:
        """See TextEncoder."""
        self._tokenizer.enable_truncation(most, direction="right")
        read = self._tokenizer.encode(prompt)
        end = self._tokenizer.token_to_id(END_MARKER)
        return list(read.offsets[: read.ids.index(end) if end in read.ids else len(read.ids)])

    @property
    def _embedding(self) -> nn.Embedding:
        found = self._network.get_submodule("embed_tokens")
        assert isinstance(found, nn.Embedding)
        return found

    def _ids(self, prompt: str, most: int) -> Tensor:
        """Token ids [1, S]; truncation keeps the end marker."""
        self._tokenizer.enable_truncation(most, direction="right")
        return torch.tensor([self._tokenizer.encode(prompt).ids], device=self._embedding.weight.device)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer in `folder`, from tokenizer.json or from vocabulary and merges. Raises NotLoaded."""
    path = folder / "tokenizer.json"
    if not path.is_file() and (folder / "merges.txt").is_file():
        return _tokenizer_of_merges(folder)
    if not path.is_file():
        raise NotLoaded(f"{path} is missing.", DOWNLOAD_AGAIN)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as broken:  # the library raises no narrower type
        raise NotLoaded(f"{path} cannot be read: {broken}.", "Download that file again.") from broken


def _tokenizer_of_merges(folder: Path) -> Tokenizer:
    """The tokenizer as shipped by ComfyUI, plus the end marker that the published one appends. Raises NotLoaded."""
    from transformers import Qwen2Tokenizer

    try:
        words: Tokenizer = Qwen2Tokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
    except Exception as broken:  # the library raises many types
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
    # The rotary frequencies are not stored, so the meta device left them empty; float32 whatever the weights' dtype.
    network.rotary_emb = type(network.rotary_emb)(config=config).to(device)
    return network


def text_config(place: Path) -> Qwen3Config:
    """The network's config, from config.json or a single file's shapes. Raises NotLoaded if it is not a Qwen3."""
    if place.is_file():
        return _config(dict(text_fields(place)), place)
    fields: dict[str, Any] = dict(read_fields(place / "config.json"))
    if fields.get("model_type") != "qwen3":
        raise NotLoaded(
            f"{place} is not a text encoder for ACE-Step 1.5: its type is {fields.get('model_type')!r}, not 'qwen3'.",
            DOWNLOAD_AGAIN,
        )
    return _config(fields, place / "config.json")


def _config(fields: dict[str, Any], where: Path) -> Qwen3Config:
    """A config whose network can be built. Raises NotLoaded, naming `where`."""
    from transformers import Qwen3Config

    try:
        for name, most in SIZES.items():
            if fields.get(name) is not None:
                whole(fields, name, most)
        config = Qwen3Config.from_dict(fields)
        with torch.device("meta"):
            _built(config)
    except Exception as wrong:  # the library checks some fields with errors of its own, and trips over others
        reason = str(wrong).strip().splitlines()[-1].strip() if str(wrong).strip() else type(wrong).__name__
        raise NotLoaded(f"{where} describes a network that cannot exist: {reason}", DOWNLOAD_AGAIN) from wrong
    return config


SIZES = {
    "hidden_size": MAX_WIDTH,
    "intermediate_size": MAX_WIDTH,
    "num_hidden_layers": MAX_LAYERS,
    "num_attention_heads": MAX_FACTOR,
    "num_key_value_heads": MAX_FACTOR,
    "head_dim": MAX_WIDTH,
    "vocab_size": 1 << 24,
    "max_position_embeddings": 1 << 31,
}


def text_parameters(place: Path) -> int:
    """Number of parameters of the network in a folder or single file; reads no weights."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in _built(text_config(place)).parameters())


def _built(config: Qwen3Config) -> Qwen3Model:
    from transformers import Qwen3Model

    return Qwen3Model(config)


def text_recipes(stored: list[str]) -> dict[str, Recipe]:
    """The stored tensor of each parameter, with or without the prefix. Raises NotLoaded for both at once."""
    recipes: dict[str, Recipe] = {}
    for key in stored:
        name = key.removeprefix(_PREFIX)
        if name == _HEAD:
            continue
        if name in recipes:
            raise NotLoaded(f"The tensors {recipes[name].sources[0]} and {key} are the same.", DOWNLOAD_AGAIN)
        recipes[name] = Recipe((key,))
    return recipes

"""A CLAP of a few thousand random weights, in a folder as the published one is laid out."""

from __future__ import annotations

import json
from pathlib import Path


def tiny_clap(folder: Path, seed: int = 0) -> Path:
    """Makes the folder; needs torch and transformers."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + ["\u0120"]
    vocabulary = {word: n for n, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    tokenizer = transformers.RobertaTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=60
    )
    processor = transformers.ClapProcessor(
        transformers.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad"), tokenizer
    )
    processor.save_pretrained(folder)
    config = transformers.ClapConfig(
        text_config={
            "vocab_size": len(vocabulary), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 16, "max_position_embeddings": 66,
        },
        audio_config={
            "patch_embeds_hidden_size": 8, "depths": [1, 1], "num_attention_heads": [1, 2], "hidden_size": 16,
            "num_hidden_layers": 2, "enable_fusion": False,
        },
        projection_dim=8,
    )  # fmt: skip
    torch.manual_seed(seed)
    network = transformers.ClapModel(config)
    network.save_pretrained(folder)
    return folder

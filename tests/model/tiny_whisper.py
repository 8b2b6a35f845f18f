"""A speech recogniser of a few thousand random weights, in a folder as the published one is laid out: its real
library reads it as one for English, and what it hears is noise."""

from __future__ import annotations

import json
from pathlib import Path

LANGUAGES = ("en", "de", "ko")


def tiny_whisper(folder: Path, scratch: Path, seed: int = 0) -> Path:
    """Makes the folder; needs torch, transformers and ctranslate2."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from tokenizers import Tokenizer
    from tokenizers.decoders import ByteLevel as Letters
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    letters = sorted(ByteLevel.alphabet())
    named = {letter: index for index, letter in enumerate(letters)}
    tokenizer = Tokenizer(BPE(dict(named), []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = Letters()
    special = [
        "<|endoftext|>", "<|startoftranscript|>", *(f"<|{one}|>" for one in LANGUAGES), "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
        *(f"<|{step * 0.02:.2f}|>" for step in range(1501)),
    ]  # fmt: skip
    tokenizer.add_special_tokens(special)
    rows = tokenizer.get_vocab_size()
    ids = {name: tokenizer.token_to_id(name) for name in special}
    torch.manual_seed(seed)
    config = WhisperConfig(
        vocab_size=rows, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, num_mel_bins=80, max_source_positions=1500,
        max_target_positions=448, pad_token_id=ids["<|endoftext|>"], bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"], decoder_start_token_id=ids["<|startoftranscript|>"],
        # By default one of them is 50256: ctranslate2 writes there, far beyond this vocabulary, into other memory.
        begin_suppress_tokens=[named["!"], ids["<|endoftext|>"]],
    )  # fmt: skip
    network = WhisperForConditionalGeneration(config)
    network.generation_config.lang_to_id = {f"<|{one}|>": ids[f"<|{one}|>"] for one in LANGUAGES}
    network.generation_config.no_timestamps_token_id = ids["<|notimestamps|>"]
    network.save_pretrained(scratch)
    tokenizer.save(str(scratch / "tokenizer.json"))
    (scratch / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "eos_token": "<|endoftext|>",
                "unk_token": "<|endoftext|>",
            }
        )
    )
    (scratch / "preprocessor_config.json").write_text(
        json.dumps({"feature_size": 80, "sampling_rate": 16000})
    )
    TransformersConverter(str(scratch), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(
        str(folder)
    )
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert max(told["suppress_ids_begin"]) < rows, "it writes beyond its memory otherwise"
    return folder

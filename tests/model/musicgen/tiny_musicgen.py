"""A MusicGen Melody of some ten thousand random weights, saved by its own library as the published ones are."""

from __future__ import annotations

from pathlib import Path


def write_musicgen(folder: Path, *, stereo: bool = False, seed: int = 0) -> Path:
    """Makes the folder, of two-second windows. Needs torch and transformers."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import (
        EncodecConfig,
        MusicgenMelodyConfig,
        MusicgenMelodyDecoderConfig,
        MusicgenMelodyForConditionalGeneration,
        PreTrainedTokenizerFast,
        T5Config,
    )

    words = Tokenizer(
        WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2, "funk": 3, "brushes": 4}, unk_token="<unk>")
    )
    words.pre_tokenizer = Whitespace()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = MusicgenMelodyConfig(
            text_encoder=T5Config(
                vocab_size=8, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0,
                eos_token_id=1,
            ),
            # Forty-millisecond frames, where the published ones are of twenty: half the steps.
            audio_encoder=EncodecConfig(
                sampling_rate=32_000, audio_channels=1, normalize=False, target_bandwidths=[0.6], hidden_size=8,
                num_filters=2, num_residual_layers=1, upsampling_ratios=[8, 8, 5, 4], kernel_size=3, last_kernel_size=3,
                num_lstm_layers=1, codebook_size=64, codebook_dim=8, use_causal_conv=False, norm_type="weight_norm",
                pad_mode="reflect",
            ),
            decoder=MusicgenMelodyDecoderConfig(
                vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, ffn_dim=16,
                num_codebooks=8 if stereo else 4, audio_channels=2 if stereo else 1, pad_token_id=64,
                bos_token_id=64, dropout=0.0, initializer_factor=0.5,
            ),
            chroma_length=16, initializer_factor=0.5, untrained=True,
        )  # fmt: skip
        network = MusicgenMelodyForConditionalGeneration(config)
        _make_audible(network.audio_encoder)
    network.generation_config.update(
        decoder_start_token_id=64, pad_token_id=64, bos_token_id=64, max_length=1500
    )
    network.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    return folder


def _make_audible(codec) -> None:  # type: ignore[no-untyped-def]
    """Fresh weights say the same whatever they hear: louder ones tell sounds and codes apart, at a song's level."""
    import torch

    with torch.no_grad():
        for name, weight in codec.named_parameters():
            if name.endswith("weight.original0"):
                weight.mul_(2)
            elif name.endswith("bias"):
                weight.zero_()
        codec.decoder.layers[-1].conv.parametrizations.weight.original0.mul_(0.1)
        for layer in codec.quantizer.layers:
            layer.codebook.embed.copy_(torch.randn_like(layer.codebook.embed))

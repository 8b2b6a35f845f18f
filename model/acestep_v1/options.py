"""The engine's options with a line of help each. Text only, so that the engine can be described without torch."""

from __future__ import annotations

from collections.abc import Mapping

CHECKPOINT = "checkpoint"
ADAPTER = "adapter"
ADAPTER_STRENGTH = "adapter_strength"

SAMPLING_HELP: Mapping[str, str] = {
    "steps": "denoising steps, 1 to 200 (default 60; 27 are a fast preset); more is slower and cleaner",
    "chosen_steps": "for a new song: which of so many steps to take, such as 1,3,5,8; replaces steps",
    "solver": "euler, heun (twice the work) or pingpong (fresh noise at every step); the last two for new songs only",
    "omega": "how far each step may leave its mean, -100 to 100 (default 10)",
    "guidance": "how closely to follow the prompt, 1 to 30 (default 15; 1 = off)",
    "guidance_kind": "apg, cfg or cfg_star: the guidance formula",
    "guidance_interval": "the middle share of the steps that has guidance, 0 to 1 (default 0.5)",
    "guidance_decay": "how far guidance falls over those steps, 0 to 1 (default 0)",
    "guidance_least": "the guidance it falls to (default 3)",
    "prompt_guidance": "guidance of the prompt by itself, above 1 together with lyric_guidance; replaces guidance",
    "lyric_guidance": "guidance of the lyrics by themselves; 5 and 1.5 are the authors' suggestion",
    "weaken_prompt": "on: with weaken_lyrics, guidance leads away from a vague reading of the prompt (default on)",
    "weaken_lyrics": "on: guidance leads away from a vague reading of the lyrics instead of from none (default off)",
    "weaken_network": "on: guidance leads away from a network that sees less of the words (default on)",
    "variation": "0 to 1: how far to turn a new song's noise towards another (default 0)",
    "edit": "for a cover: off, lyrics (only the words change) or remix (the style changes too)",
    "old_prompt": "for an edit: the prompt that describes the song as it is",
    "old_lyrics": "for an edit: the lyrics the song has now",
    "matched_start": "on: a cover starts with as much noise as its first step expects (default off, as published)",
}

ENGINE_HELP: Mapping[str, str] = {
    CHECKPOINT: "the checkpoint to use, by the name of its folder or file",
    ADAPTER: "a LoRA file (.safetensors) made for ACE-Step v1",
    ADAPTER_STRENGTH: "adapter strength, -3 to 3 (default 1; RapMachine was trained at what is 2 here)",
    **SAMPLING_HELP,
}

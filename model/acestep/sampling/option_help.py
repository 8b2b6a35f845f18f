"""The engine's options and a line of help for each.

Text only, so that the engine can be described without torch; render_settings.py has their values and needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping

CHECKPOINT = "checkpoint"
"""Read by the engine itself, not by the samplers, like the three below and the planner's."""
ADAPTER = "adapter"
ADAPTER_STRENGTH = "adapter_strength"
PLANNER = "planner"

SAMPLING_HELP: Mapping[str, str] = {
    "steps": "denoising steps; more is slower and cleaner",
    "shift": "timestep shift; above 1 moves steps towards the noisy end",
    "times": "explicit timesteps, falling from 1 to 0; replaces steps and shift",
    "guidance": "how closely to follow the prompt; base and sft checkpoints only",
    "guidance_kind": "the guidance formula",
    "guidance_start": "guidance is active from this time (0 = finished) ...",
    "guidance_end": "... up to this time (1 = noise)",
    "method": "ode: noise only at the start; sde: fresh noise at every step",
    "solver": "euler, or heun: more accurate, twice the work per step",
    "velocity_limit": "limits each step to this multiple of the latents' norm; 0 = off",
    "velocity_memory": "share of the previous step in each step (momentum); 0 = off",
    "wavelet": "wavelet correction after each step, or off",
    "wavelet_scale": "strength of the wavelet correction in the low band",
    "wavelet_high_scale": "strength of the wavelet correction in the high band (double only)",
    "wavelet_filter": "filter of the wavelet correction",
    "mask": "explicit: mask channels mark the region; auto: only silence in the source marks it",
    "repaint_mode": "how strictly to preserve the surroundings during denoising",
    "cover_strength": "fraction of the steps conditioned on the song; lower = freer",
    "cover_noise": "how much of the song's own sound a cover starts from",
    "variance": "how far to blend a take's noise towards a second noise",
    "variation": "number that selects the second noise",
    "encode": "mean: the song's most likely latents; sample: a seeded sample of them",
}

PLANNER_HELP: Mapping[str, str] = {
    "planner_temperature": "how freely the planner chooses its words and codes; 0 = always the likeliest",
    "planner_top_p": "the planner chooses among the likeliest that have this probability together",
    "planner_top_k": "the planner chooses among so many of the likeliest; 0 = all",
    "planner_repetition": "how strongly the planner avoids what it has written; 1 = not at all",
    "planner_guidance": "how closely the planner's codes follow its words; 1 = not guided",
}

ENGINE_HELP: Mapping[str, str] = {
    CHECKPOINT: "the checkpoint to use, by folder name; by default the first one that supports the task",
    ADAPTER: "a LoRA or LoKr file (.safetensors) to apply to the transformer",
    ADAPTER_STRENGTH: "adapter strength, 0 to 1 (default 1)",
    PLANNER: "on: a language model first plans a new song's tempo, key and audio codes; off (default)",
    **PLANNER_HELP,
    **SAMPLING_HELP,
}

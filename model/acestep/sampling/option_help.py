"""The engine's options and a line of help for each.

Text only, so that the engine can be described without torch; render_settings.py has their values and needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping

CHECKPOINT = "checkpoint"
"""Read by the engine itself, not by the samplers, like those below and the planner's."""
ADAPTERS = ("adapter", "adapter_2", "adapter_3", "adapter_4")
"""Each has a strength of its own, `adapter_2_strength`; all of them act at once."""
PLANNER = "planner"
VAE = "vae"


def strength_of(adapter: str) -> str:
    """The option with the strength of an adapter."""
    return f"{adapter}_strength"


SAMPLING_HELP: Mapping[str, str] = {
    "steps": "denoising steps; more is slower and cleaner",
    "shift": "timestep shift; above 1 moves steps towards the noisy end",
    "times": "explicit timesteps, falling from 1 to 0; replaces steps and shift",
    "guidance": "how closely to follow the prompt; base and sft checkpoints only",
    "guidance_kind": "the guidance formula",
    "guidance_start": "guidance is active from this time (0 = finished) ...",
    "guidance_end": "... up to this time (1 = noise)",
    "method": "ode: noise only at the start; sde: fresh noise at every step",
    "solver": "euler; heun: more accurate, twice the work per step; dpm3m and stork4: from earlier steps, no more work",
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
    "variance": "how far to blend a take's noise towards a second noise; several values blend one after the other",
    "variation": "number that selects the second noise, one for each variance",
    "retake_of": "number of the take whose noise is varied, with that of each variation since; vary sets it",
    "cover_from": "what a cover keeps: codes, or song (all of it, a faithful remix); an edit: song, codes or nothing",
    "edit_start": "an edit leaves the song's large form alone before this fraction of the steps",
    "edit_end": "an edit is free after this fraction of the steps: lower if new words are not sung",
    "edit_draws": "noises averaged in each step of an edit: more is steadier and slower",
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
    **dict.fromkeys(ADAPTERS[:1], "a LoRA or LoKr file (.safetensors) to apply to the transformer"),
    strength_of(
        ADAPTERS[0]
    ): "adapter strength, -2 to 2 (default 1); below 0 it takes the adapter's sound away",
    **dict.fromkeys(ADAPTERS[1:], "another adapter, applied with the others at the same time"),
    **{strength_of(name): f"strength of {name}, -2 to 2 (default 1)" for name in ADAPTERS[1:]},
    VAE: "the autoencoder to use, by folder name; by default the checkpoint's own (official)",
    PLANNER: "on: a language model first plans a new song's tempo, key and audio codes; off (default)",
    **PLANNER_HELP,
    **SAMPLING_HELP,
}

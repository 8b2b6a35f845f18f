"""What the engine's switches are called and what they do, a line each.

Words only, so that the engine can be described where there is no torch; which values each one takes stands in
render_settings.py, which needs the samplers and with them torch.
"""

from __future__ import annotations

from collections.abc import Mapping

CHECKPOINT = "checkpoint"
"""A switch that does not reach the samplers: the engine itself reads it, like the two below."""
ADAPTER = "adapter"
ADAPTER_STRENGTH = "adapter_strength"
PLANNER = "planner"

SAMPLING_HELP: Mapping[str, str] = {
    "steps": "denoising steps; more is slower and cleaner",
    "shift": "where the steps lie: above 1 more of them at the noisy end",
    "times": "the steps' times themselves, falling from 1 to 0; in place of steps and shift",
    "guidance": "how firmly the words are followed; base and sft checkpoints only",
    "guidance_kind": "the guidance formula",
    "guidance_start": "guidance is active from this time on (0 = finished) ...",
    "guidance_end": "... up to this time (1 = noise)",
    "method": "ode: one noise at the start; sde: fresh noise at every step",
    "solver": "euler, or heun: twice the work per step, more exact",
    "velocity_limit": "holds each step to this multiple of the latents' size; 0 = off",
    "velocity_memory": "share of the step before in each step; 0 = off",
    "wavelet": "the wavelet correction after each step, or off",
    "wavelet_scale": "its strength in the low band",
    "wavelet_high_scale": "its strength in the high band (double only)",
    "wavelet_filter": "its filter",
    "mask": "explicit: the network is told the region; auto: it sees silence there",
    "repaint_mode": "how firmly the surroundings are held while composing",
    "cover_strength": "part of the steps that listen to the song; less = freer",
    "cover_noise": "how much of the song's own sound a cover starts from",
    "variance": "how far the noise of a take is turned towards another's",
    "variation": "which other noise that is: a number of your choice",
    "encode": "the song's most likely latents, or a seeded sample of them",
}

ENGINE_HELP: Mapping[str, str] = {
    CHECKPOINT: "the checkpoint that renders, by the name of its folder; without it the first that does the task",
    ADAPTER: "a LoRA or LoKr file (.safetensors) laid over the transformer's weights",
    ADAPTER_STRENGTH: "how much of it, from 0 to 1 (default: all)",
    PLANNER: "on: a language model plans a new song first, its facts and its audio codes; off (default)",
    **SAMPLING_HELP,
}

"""Whole renders against diffusers' pipeline: the same words, noise and song in, the same latents and audio out.

For what that pipeline implements: words alone, codes, and a song to repaint (its form is our aggressive mode with an
explicit mask), to cover, to extract from and to add to; with guidance, intervals and times of one's own. Intervals
are mirrored there, and its level is normalised; both are undone here.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")
pytest.importorskip(
    "diffusers", reason="NOT COMPARED WITH THE PEER: diffusers is missing, pip install takebridge[parity]"
)

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from diffusers import AceStepPipeline, AutoencoderOobleck, FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from model.acestep import pipeline
from model.acestep.conditioning import prompts, sound_latents
from model.acestep.conditioning.qwen_text_encoder import QwenTextEncoder
from model.acestep.conditioning.request_plan import Prompts
from model.acestep.networks.vae import Vae
from model.acestep.pipeline import Noises
from model.acestep.sampling.guidance import GuidanceSettings
from model.acestep.sampling.render_settings import RenderSettings
from model.acestep.sampling.repaint_ops import RepaintMode, repaint_settings
from model.acestep.sampling.samplers import SamplerSettings, Sampling
from model.acestep.sampling.schedules import base_custom, base_times, step_count, turbo_times
from model.acestep.weights.capabilities import ModelTask
from tests.model.acestep.golden_data import worst
from tests.model.acestep.tiny_folder import END, text_network, tokenizer
from tests.parity.peer import SIZES, Ours, drawn, read_ours, read_vae, write_peer, write_vae

PLAIN = 1e-4
GUIDED = 5e-4  # guidance amplifies rounding
AUDIO = 1e-4
RATE = 4_800  # with a hop of 192 this gives the published 25 latent frames per second
CAPTION, LYRICS = "slow waltz, accordion", "[Verse]\nround and round"


@dataclass(frozen=True)
class Both:
    theirs: AceStepPipeline
    ours: Ours
    vae: Vae
    words: QwenTextEncoder


@pytest.fixture(name="both", scope="module", params=[("2B", 1), ("2B, five layers", 2), ("XL", 3)], ids=str)
def _both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    name, seed = request.param
    folder = tmp_path_factory.mktemp("pipeline")
    peer = write_peer(folder, SIZES[name], seed, is_turbo=False)
    vae: AutoencoderOobleck = write_vae(
        folder / "vae",
        seed,
        encoder_hidden_size=128,
        decoder_channels=8,
        channel_multiples=[1, 1],
        downsampling_ratios=[12, 16],
        sampling_rate=RATE,
    )
    theirs = AceStepPipeline(
        vae=vae,
        text_encoder=text_network(),
        tokenizer=PreTrainedTokenizerFast(tokenizer_object=tokenizer(), pad_token=END),
        transformer=peer.transformer,
        condition_encoder=peer.conditions,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
        audio_tokenizer=peer.tokenizer,
        audio_token_detokenizer=peer.detokenizer,
    )
    theirs.set_progress_bar_config(disable=True)
    ours = read_ours(folder)
    ours.conditions.timbre.takes_token = False  # of XL, where diffusers does not use it
    return Both(theirs, ours, read_vae(folder / "vae"), QwenTextEncoder(text_network(), tokenizer()))


@dataclass(frozen=True)
class Case:
    """One render in both vocabularies. theirs: arguments of the peer's call besides words and noise.

    region: latent frames. codes: audio codes instead of a source.
    """

    task: ModelTask
    settings: RenderSettings
    theirs: dict[str, Any]
    tracks: tuple[str, ...] = ()
    region: tuple[int, int] | None = None
    codes: tuple[int, ...] = ()
    frames: int = 33
    tolerance: float = PLAIN
    metas: dict[str, Any] = field(default_factory=dict)

    @property
    def has_song(self) -> bool:
        return self.task is not ModelTask.TEXT2MUSIC


def turbo(steps: int, shift: float) -> RenderSettings:
    return RenderSettings(turbo_times(steps, shift), SamplerSettings(Sampling.TURBO), GuidanceSettings())


def base(
    steps: int, shift: float, scale: float = 7.0, interval: tuple[float, float] = (0.0, 1.0)
) -> RenderSettings:
    guidance = GuidanceSettings(scale, interval_start=interval[0], interval_end=interval[1])
    return RenderSettings(base_times(steps, shift), SamplerSettings(Sampling.BASE), guidance)


OWN_TIMES = (1.0, 0.9, 0.55, 0.2)
REGION = (10, 21)
AGGRESSIVE = repaint_settings(RepaintMode.AGGRESSIVE)


def plain(steps: int, shift: float, **more: Any) -> dict[str, Any]:
    return {"num_inference_steps": steps, "shift": shift, "guidance_scale": 1.0, **more}


def guided(steps: int, shift: float, scale: float = 7.0, **more: Any) -> dict[str, Any]:
    return {**plain(steps, shift), "guidance_scale": scale, **more}


def repaint(settings: RenderSettings, theirs: dict[str, Any], **more: Any) -> Case:
    region = {"task_type": "repaint", "repainting_start": 10.5 / 25, "repainting_end": 21.5 / 25}
    kept = replace(settings, repaint=AGGRESSIVE)
    return Case(ModelTask.REPAINT, kept, {**theirs, **region}, region=REGION, **more)


def of_song(task: ModelTask, **more: Any) -> Case:
    theirs = guided(5, 1.0, task_type=task.value, **more.pop("theirs", {}))
    return Case(task, base(5, 1.0), theirs, tolerance=GUIDED, **more)


WORDS = ModelTask.TEXT2MUSIC
CASES = {
    "words, turbo": Case(WORDS, turbo(8, 3.0), plain(8, 3.0)),
    "words, turbo, shift 1": Case(WORDS, turbo(8, 1.0), plain(8, 1.0), frames=128),
    "words, 20 steps": Case(WORDS, turbo(20, 2.0), plain(20, 2.0), frames=7),
    "words with metas": Case(
        WORDS,
        turbo(4, 3.0),
        plain(4, 3.0, bpm=95, keyscale="F# minor", timesignature="3"),
        metas={"bpm": 95, "key": "F# minor", "meter": "3"},
    ),
    "words, guided": Case(WORDS, base(6, 3.0), guided(6, 3.0), tolerance=GUIDED),
    "words, guided in an interval": Case(
        WORDS,
        base(6, 1.0, 4.0, (0.4, 0.8)),
        guided(6, 1.0, 4.0, cfg_interval_start=1 - 0.8, cfg_interval_end=1 - 0.4),
        tolerance=GUIDED,
    ),
    "words, own times": Case(
        WORDS,
        RenderSettings(base_custom((*OWN_TIMES, 0.0)), SamplerSettings(Sampling.BASE), GuidanceSettings(3.0)),
        guided(8, 3.0, 3.0, timesteps=list(OWN_TIMES)),
        tolerance=GUIDED,
    ),
    "codes": Case(
        WORDS, turbo(8, 3.0), plain(8, 3.0), codes=(63_999, 0, 17_421, 5, 31_000, 64, 8), frames=35
    ),
    "repaint, turbo": repaint(turbo(8, 3.0), plain(8, 3.0)),
    "repaint, guided": repaint(base(6, 1.0), guided(6, 1.0), frames=34, tolerance=GUIDED),
    "cover": Case(ModelTask.COVER, turbo(8, 3.0), plain(8, 3.0, task_type="cover")),
    "extract": of_song(ModelTask.EXTRACT, tracks=("drums",), theirs={"track_name": "drums"}),
    "lego": of_song(ModelTask.LEGO, tracks=("strings",), theirs={"track_name": "strings"}),
    "complete": of_song(
        ModelTask.COMPLETE,
        tracks=("bass", "keyboard"),
        theirs={"complete_track_classes": ["bass", "keyboard"]},
    ),
}


def song(case: Case, vae: Vae) -> Tensor:
    return 0.3 * drawn(2, case.frames * vae.config.hop, seed=case.frames)


SONG_SEED = 77  # the peer draws the song's latents from torch's own generator


def their_render(both: Both, case: Case, noise: Tensor, output: str) -> Tensor:
    given = dict(case.theirs)
    takes = len(noise)
    if case.has_song:
        given |= {"src_audio": song(case, both.vae), "audio_duration": 0}
    elif case.codes:
        given |= {
            "audio_codes": "".join(f"<|audio_code_{code}|>" for code in case.codes),
            "audio_duration": 0,
        }
    else:
        given["audio_duration"] = (case.frames - 0.5) / 25  # it rounds up, and binary fractions with it
    torch.manual_seed(SONG_SEED)
    found = both.theirs(
        prompt=[CAPTION] * takes,
        lyrics=[LYRICS] * takes,
        vocal_language="de",
        latents=noise,
        output_type=output,
        **given,
    )
    audios = found.audios
    assert isinstance(audios, Tensor)
    return audios


def our_words(case: Case) -> Prompts:
    wording = prompts.instruction(case.task, case.tracks, has_codes=bool(case.codes))
    metas = prompts.Metas(**case.metas, seconds=case.frames / 25)
    return Prompts(
        "mix",
        prompts.text_prompt(wording, CAPTION, metas),
        prompts.lyric_prompt(LYRICS, "de"),
        unconditioned_text="",
    )


def our_source(both: Both, case: Case) -> tuple[Tensor, Tensor | None]:
    """Source latents [1, T, 64] and, where the task wants them, what is left of them as codes."""
    ours, silence = both.ours, both.ours.silence
    if case.codes:
        codes = torch.tensor([case.codes])
        quiet = silence[:, : case.frames]
        return quiet, pipeline.latents_of_codes(ours.tokenizer, ours.detokenizer, codes, silence, case.frames)
    if not case.has_song:
        return silence[:, : case.frames], None
    found = both.vae.encode(song(case, both.vae)[None])
    torch.manual_seed(SONG_SEED)
    latents = found.sample(torch.randn(found.mean.shape)).transpose(1, 2)
    if case.task is ModelTask.COVER:
        return latents, pipeline.code_latents(ours.tokenizer, ours.detokenizer, latents, silence)
    return latents, None


def our_render(both: Both, case: Case, noise: Tensor) -> Tensor:
    ours = both.ours
    read = pipeline.encode_prompts(both.words, our_words(case), case.settings)
    timbre = pipeline.encode_timbre(ours.conditions, ours.silence)
    conditions = pipeline.encode_conditions(ours.conditions, read, timbre)
    source, codes = our_source(both, case)
    scene = pipeline.set_scene(case.task, source, ours.silence, case.settings, case.region, codes)
    return pipeline.compose(ours.dit, scene, conditions, case.settings, Noises(noise))


@pytest.mark.parametrize("name", CASES)
def test_latents_of_two_takes(both: Both, name: str) -> None:
    case = CASES[name]
    noise = drawn(2, case.frames, 64, seed=3)
    theirs = their_render(both, case, noise, "latent")
    assert float(theirs.std()) > 0.1
    assert worst(our_render(both, case, noise), theirs) <= case.tolerance


@pytest.mark.parametrize("name", ["words, turbo", "repaint, turbo"])
def test_audio(both: Both, name: str) -> None:
    case = CASES[name]
    noise = drawn(1, case.frames, 64, seed=4)
    theirs = their_render(both, case, noise, "pt")
    pieces = sound_latents.decode_frames(both.vae, our_render(both, case, noise), (0, case.frames), 64)
    ours = torch.cat(list(pieces), dim=1)[None]
    assert worst(ours * (10 ** (-1 / 20) / ours.abs().max()), theirs) <= AUDIO


Schedule = Callable[[int, float], tuple[float, ...]]


@pytest.mark.parametrize("schedule", [turbo_times, base_times])
@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0, 3.0, 5.0])
def test_schedules(both: Both, schedule: Schedule, shift: float) -> None:
    for steps in (1, 2, 7, 8, 20):
        times = schedule(steps, shift)
        wanted = both.theirs._get_timestep_schedule(steps, shift, torch.device("cpu"), torch.float32)
        assert step_count(times) == steps
        assert times[-1] == 0
        assert worst(torch.tensor(times[:-1]), wanted) <= 1e-6

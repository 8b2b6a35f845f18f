"""Songs into what training needs of them, once: latents with the autoencoder, prompts with the two encoders.

One network is open at a time. Each song has a file in a folder, so a preparation that was killed goes on with the next
song, and a second training on the same songs needs none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from model.acestep.conditioning.audio_rate import whole_audio
from model.acestep.conditioning.prompts import (
    INSTRUMENTAL,
    UNKNOWN_LANGUAGE,
    Metas,
    instruction,
    lyric_prompt,
    text_prompt,
)
from model.acestep.conditioning.sound_latents import encode
from model.acestep.latent_grid import FRAMES_PER_SECOND, HOP, MIN_FRAMES, MODEL_RATE
from model.acestep.networks.vae import Vae
from model.acestep.pipeline import PromptStates, encode_conditions
from model.acestep.renderer import Parts
from model.acestep.training.prepared_song import TASKS, PreparedSong, read_prepared, write_prepared
from model.acestep.weights.capabilities import ModelTask
from model.engine import Samples, ShouldStop, stop_if_asked
from model.errors import CannotRender

MIN_SECONDS = MIN_FRAMES / FRAMES_PER_SECOND
"""The shortest song: what the network renders at least."""


@dataclass(frozen=True)
class TrainingSong:
    """A song to train on. digest: of its audio. meter: beats per bar; None = unknown, as for bpm and key."""

    name: str
    digest: str
    caption: str
    lyrics: str = INSTRUMENTAL
    language: str = UNKNOWN_LANGUAGE
    bpm: int | None = None
    meter: str | None = None
    key: str | None = None


ReadSong = Callable[[TrainingSong], tuple[Samples, int]]
"""The song's samples [n, channels] and their rate."""

OnPrepared = Callable[[str, float], None]
"""Called with what is being done and the share of the preparation that is done, 0 to 1."""


def prepare(
    parts: Parts,
    songs: Sequence[TrainingSong],
    read: ReadSong,
    crop_frames: int,
    checkpoint: str,
    folder: Path,
    on_prepared: OnPrepared,
    should_stop: ShouldStop,
) -> list[PreparedSong]:
    """All songs, from their files in `folder` where they are prepared already.

    checkpoint: fingerprint of the weights; latents and prompts of another are not used. Raises RenderStopped, and
    CannotRender for a song that is too short or a disk that refuses.
    """
    keys = {song: _key(song, crop_frames, checkpoint) for song in songs}
    found = {song: read_prepared(_path(folder, keys[song]), keys[song]) for song in songs}
    missing = [song for song in songs if found[song] is None]
    latents: dict[TrainingSong, tuple[Tensor, Tensor]] = {}
    if missing:
        with parts.vae() as vae:
            for number, song in enumerate(missing):
                on_prepared(f"listening to {song.name}", 0.8 * number / len(missing))
                latents[song] = _latents(vae, song, *read(song), should_stop)
    words = _words(parts, missing, {song: len(mean) for song, (mean, _) in latents.items()}, crop_frames)
    on_prepared("encoding the prompts", 0.9)
    states = _states(parts, words, should_stop)
    for song in missing:
        mean, deviation = latents[song]
        prepared = PreparedSong(song.name, song.digest, keys[song], mean, deviation, states[song])
        write_prepared(_path(folder, keys[song]), prepared)
        found[song] = prepared
    on_prepared("prepared", 1.0)
    # What a file calls the song is what it was called then.
    return [replace(one, name=song.name) for song, one in found.items() if one is not None]


def refuse_too_short(name: str, seconds: float) -> None:
    """Raises CannotRender for a song the network cannot take in."""
    if seconds < MIN_SECONDS:
        raise CannotRender(
            f"{name} lasts {seconds:.1f} s; a song to train on lasts {MIN_SECONDS:.1f} s or more.",
            "Take it out of the folder, or use a longer bounce.",
        )


def _key(song: TrainingSong, crop_frames: int, checkpoint: str) -> str:
    """Of all that the song's file depends on; its name is not part of it."""
    fields = {name: value for name, value in asdict(song).items() if name != "name"}
    return hashlib.sha256(json.dumps([fields, crop_frames, checkpoint], sort_keys=True).encode()).hexdigest()


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key[:32]}.safetensors"


def _latents(
    vae: Vae, song: TrainingSong, samples: Samples, rate: int, should_stop: ShouldStop
) -> tuple[Tensor, Tensor]:
    """Mean and deviation, each float32 [T, 64]; samples beyond the last whole frame are dropped."""
    audio = torch.from_numpy(whole_audio(samples, rate))[None]
    refuse_too_short(song.name, audio.shape[2] / MODEL_RATE)
    frames = audio.shape[2] // HOP
    with torch.no_grad():
        found = encode(vae, audio[:, :, : frames * HOP], should_stop=should_stop)
    return found.mean[0].T.float().cpu().contiguous(), found.deviation[0].T.float().cpu().contiguous()


def _words(
    parts: Parts, songs: Sequence[TrainingSong], frames: Mapping[TrainingSong, int], crop_frames: int
) -> dict[TrainingSong, dict[ModelTask, PromptStates]]:
    """The encoded prompts of each song and task, as renders write them; the duration is that of an example."""
    if not songs:
        return {}
    found: dict[TrainingSong, dict[ModelTask, PromptStates]] = {}
    with parts.text_encoder() as encoder:
        for song in songs:
            seconds = min(frames[song], crop_frames) / FRAMES_PER_SECOND
            metas = Metas(song.bpm, song.meter, song.key, seconds)
            lyrics = encoder.embeddings(lyric_prompt(song.lyrics or INSTRUMENTAL, song.language))
            found[song] = {
                task: PromptStates(
                    encoder.states(text_prompt(instruction(task), song.caption, metas)), lyrics
                )
                for task in TASKS
            }
    return found


def _states(
    parts: Parts, words: Mapping[TrainingSong, Mapping[ModelTask, PromptStates]], should_stop: ShouldStop
) -> dict[TrainingSong, dict[ModelTask, Tensor]]:
    """The condition of each song and task with silence for a reference, float32 [S, C]."""
    if not words:
        return {}
    found: dict[TrainingSong, dict[ModelTask, Tensor]] = {}
    silence = parts.silence
    with parts.condition_encoder() as encoder:
        for song, prompts in words.items():
            stop_if_asked(should_stop)
            found[song] = {
                task: encode_conditions(encoder, prompt, silence).prompt[0].float().cpu()
                for task, prompt in prompts.items()
            }
    return found

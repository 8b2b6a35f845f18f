"""Songs into what training needs of them, once: latents with the autoencoder, prompts with the two encoders.

One network is open at a time. A song's latents, which take by far the longest, are in a file as soon as they are there,
so that a preparation that was killed goes on with the next song, and listening holds one song at a time. With its
prompts a song has one file, which lasts as long as the folder: a training that goes on prepares nothing again.
"""

from __future__ import annotations

import contextlib
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
from model.acestep.pipeline import PromptStates, encode_conditions, encode_timbre
from model.acestep.renderer import Parts
from model.acestep.training.prepared_song import (
    TASKS,
    Latents,
    PreparedSong,
    read_latents,
    read_prepared,
    write_latents,
    write_prepared,
)
from model.acestep.weights.capabilities import ModelTask
from model.engine import Samples, ShouldStop, stop_if_asked
from model.errors import CannotRender

MIN_SECONDS = MIN_FRAMES / FRAMES_PER_SECOND
"""The shortest song: what the network renders at least."""


@dataclass(frozen=True)
class TrainingSong:
    """A song to train on. digest: of its audio. meter: beats per bar; None = unknown, as for bpm and key.

    describe: nothing is written about it; a planner's words are better than its name.
    """

    name: str
    digest: str
    caption: str
    lyrics: str = INSTRUMENTAL
    language: str = UNKNOWN_LANGUAGE
    bpm: int | None = None
    meter: str | None = None
    key: str | None = None
    describe: bool = False


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
    missing = {song: keys[song] for song in songs if found[song] is None}
    frames = _listened(parts, missing, read, folder, on_prepared, should_stop)
    words = _words(parts, list(missing), frames, crop_frames)
    on_prepared("encoding the prompts", 0.9)
    states = _states(parts, words, should_stop)
    for song, key in missing.items():
        found[song] = _put_together(folder, song, key, states[song])
    for key in keys.values():  # also of a run that was killed between writing the whole and removing a part
        with contextlib.suppress(OSError):
            _latents_path(folder, key).unlink()
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
    fields = {name: value for name, value in asdict(song).items() if name not in ("name", "describe")}
    return hashlib.sha256(json.dumps([fields, crop_frames, checkpoint], sort_keys=True).encode()).hexdigest()


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key[:32]}.safetensors"


def _latents_path(folder: Path, key: str) -> Path:
    return folder / f"{key[:32]}.latents.safetensors"


def _listened(
    parts: Parts,
    missing: Mapping[TrainingSong, str],
    read: ReadSong,
    folder: Path,
    on_prepared: OnPrepared,
    should_stop: ShouldStop,
) -> dict[TrainingSong, int]:
    """Each song's frames; afterwards the latents of all are in their files. missing: songs with their keys."""
    frames: dict[TrainingSong, int] = {}
    for song, key in missing.items():
        kept = read_latents(_latents_path(folder, key), key)
        if kept is not None:
            frames[song] = len(kept[0])
    if len(frames) == len(missing):
        return frames
    with parts.vae() as vae:
        for number, (song, key) in enumerate(missing.items()):
            if song in frames:
                continue
            on_prepared(f"listening to {song.name}", 0.8 * number / len(missing))
            latents = _latents(vae, song, *read(song), should_stop)
            write_latents(_latents_path(folder, key), key, latents)
            frames[song] = len(latents[0])
    return frames


def _put_together(
    folder: Path, song: TrainingSong, key: str, states: Mapping[ModelTask, Tensor]
) -> PreparedSong:
    """The song's file, from its latents and prompts. Raises CannotRender."""
    latents = read_latents(_latents_path(folder, key), key)
    if latents is not None:
        write_prepared(_path(folder, key), PreparedSong(song.name, song.digest, key, *latents, states))
    # Read back, since tensors from a file keep it open: the latents' own is to be removed.
    prepared = read_prepared(_path(folder, key), key)
    if prepared is None:
        raise CannotRender(
            f"What was prepared of {song.name} can no longer be read from {folder}.",
            "Check the disk and start the same training again: it goes on where it was.",
        )
    return prepared


def _latents(vae: Vae, song: TrainingSong, samples: Samples, rate: int, should_stop: ShouldStop) -> Latents:
    """Samples beyond the last whole frame are dropped. Raises CannotRender for a song that is too short."""
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
    with parts.condition_encoder() as encoder:
        timbre = encode_timbre(encoder, parts.silence)
        for song, prompts in words.items():
            stop_if_asked(should_stop)
            found[song] = {
                task: encode_conditions(encoder, prompt, timbre).prompt[0].float().cpu()
                for task, prompt in prompts.items()
            }
    return found

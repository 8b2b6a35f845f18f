"""A whole training of one adapter, from songs to the adapter's files: what a process of its own carries out.

Everything unfinished lies in the run's own folder; the adapter's folder appears when the adapter is whole. Started
again with the same songs and settings, a run that was stopped or killed goes on where its last state is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.acestep.device.devices import Device, choose_device, free_bytes, give_back_unused
from model.acestep.device.memory_plan import GIGABYTE, Placement
from model.acestep.device.parts import neighbours
from model.acestep.training.adapter_export import write_adapter
from model.acestep.training.preparation import TrainingSong, prepare
from model.acestep.training.preview import FINISHED, Previews, PreviewShelf, TrainedParts
from model.acestep.training.song_descriptions import described
from model.acestep.training.trainer import STATE, StepDone, Trainer, TrainingMaterial
from model.acestep.training.training_order import (
    ReadDigest,
    TrainingOrder,
    changed_settings,
    order_from_fields,
)
from model.acestep.training.training_settings import (
    PRESETS,
    TrainingSettings,
    preset_for,
    settings_from_json,
)
from model.acestep.training.training_state import Curve
from model.acestep.training.whole_file import write_whole_file
from model.acestep.weights.checkpoint import Weights, open_weights
from model.acestep.weights.model_folders import ModelFolder, find_models
from model.acestep.weights.named_models import is_called, refuse_unusable
from model.acestep.weights.tensor_files import weight_files
from model.engine import Samples, ShouldStop
from model.errors import CannotRender, NotLoaded, RanOutOfMemory, RenderStopped
from model.torch_device import AUTO, out_of_memory, spare_a_core
from model.weight_header import fingerprint

_VAE_FRAMES = 512
_SETTINGS, _DESCRIPTIONS = "settings.json", "descriptions.json"
_GET_WEIGHTS = "Run `takebridge models pull base`, or name the folder of your models with --models."
_LESS = "Choose less memory to fit into (--memory), which trains on shorter examples."


@dataclass(frozen=True)
class TrainingNews:
    """What a run tells: a phase in words and its share done, 0 to 1.

    step: the step just taken. before: all that was measured by a run that now goes on. preview: the name of a new one.
    skipped: why one could not be made.
    described: songs whose words are the planner's, each with them.
    """

    phase: str
    share: float
    step: StepDone | None = None
    before: Curve | None = None
    preview: str = ""
    skipped: str = ""
    described: tuple[TrainingSong, ...] = ()


@dataclass(frozen=True)
class TrainedAdapter:
    """The file to name in requests, and how the training went."""

    path: Path
    curve: Curve
    stopped_early: bool


OnNews = Callable[[TrainingNews], None]


class NoShelf:
    """For trainings without previews."""

    def has(self, _name: str) -> bool:
        return True

    def keep(self, name: str, _samples: Samples, _rate: int) -> None:
        raise AssertionError(f"nobody wanted the preview {name}")


def run_training(
    order: TrainingOrder,
    read: ReadDigest,
    on_news: OnNews,
    should_stop: ShouldStop,
    shelf: PreviewShelf | None = None,
) -> TrainedAdapter:
    """Trains and writes the adapter. Raises RenderStopped with the state kept, NotLoaded, and CannotRender."""
    folder = chosen_checkpoint(order.models, order.checkpoint)
    device = choose_device(order.device or AUTO, kernels=Path(order.kernels) if order.kernels else None)
    if device.kind == "cpu":
        spare_a_core()
    settings = _settings(order, device)
    try:
        on_news(TrainingNews(f"loading {folder.name}", 0.0))
        weights = open_weights(folder)
        parts = _parts(weights, device)
        songs, written = described(
            parts, folder.planner, device, order.songs, lambda song: read(song.digest), order.run / _DESCRIPTIONS,
            lambda phase, share: on_news(TrainingNews(phase, share)), should_stop,
        )  # fmt: skip
        if written:
            names = ", ".join(song.name for song in written)
            on_news(TrainingNews(f"the planner wrote about {names}", 1.0, described=written))
        order = replace(order, songs=songs)
        material = _material(parts, weights, order, settings, read, on_news, should_stop)
        dit = weights.load_dit(_training_dtype(device), device.place)
        parts.trained = dit
        previews = Previews(parts, order.preview, order.songs[0], shelf or NoShelf())
        trainer = Trainer(dit, material, settings, order.run)
        taken = len(trainer.curve.losses)
        if taken:
            on_news(
                TrainingNews(f"going on after step {taken}", taken / settings.steps, before=trainer.curve)
            )

        def preview(name: str, share: float) -> None:
            on_news(TrainingNews("rendering a preview", share))
            dit.eval()
            if why_not := _why_not_rendered(previews, name, device, should_stop):
                give_back_unused(device)
                on_news(TrainingNews("going on without a preview", share, skipped=why_not))
            else:
                on_news(TrainingNews("rendered a preview", share, preview=name))

        def stepped(step: StepDone) -> None:
            on_news(_news(step, settings))
            if previews.is_due(step.step):
                preview(str(step.step), step.step / settings.steps)

        try:
            # The one before the first step, or one that was stopped.
            if previews.is_due(taken) and not trainer.done:
                preview(str(taken), taken / settings.steps)
            trainer.train(stepped, should_stop)
        except RenderStopped:
            trainer.keep()
            raise
        if previews.is_due_at_the_end():
            preview(FINISHED, 1.0)
    except Exception as error:
        if out_of_memory(error):
            raise RanOutOfMemory(f"{device.label} has too little memory for this training.", _LESS) from error
        raise
    about = _about(order, folder, material, settings, trainer.curve)
    path = write_adapter(order.adapter, trainer.changes, settings, about)
    return TrainedAdapter(path, trainer.curve, len(trainer.curve.losses) < settings.steps)


def train_order(
    fields: Mapping[str, Any],
    read: ReadDigest,
    tell: Callable[[dict[str, Any]], None],
    should_stop: ShouldStop,
    shelf: PreviewShelf | None = None,
) -> dict[str, Any]:
    """`run_training` in plain values, for a process that knows no networks: what it tells and gives can be JSON."""

    def on_news(news: TrainingNews) -> None:
        step = news.step
        more: dict[str, Any] = {}
        if step is not None:
            more = {"step": step.step, "loss": step.loss, "checked": step.checked}
        elif news.before is not None:
            more = {"losses": list(news.before.losses), "checks": list(news.before.checks)}
        elif news.preview:
            more = {"preview": news.preview}
        elif news.skipped:
            more = {"skipped": news.skipped}
        elif news.described:
            more = {"described": [{"name": song.name, "caption": song.caption} for song in news.described]}
        tell({"phase": news.phase, "share": news.share, **more})

    made = run_training(order_from_fields(fields), read, on_news, should_stop, shelf)
    curve = {"losses": made.curve.losses, "checks": made.curve.checks}
    return {"adapter": str(made.path), "stopped_early": made.stopped_early, **curve}


def chosen_checkpoint(models: Path, name: str) -> ModelFolder:
    """The checkpoint to train for. Raises NotLoaded."""
    found = (
        [folder for folder in find_models(models) if folder.what_is_missing() is None]
        if models.exists()
        else []
    )
    if not found:
        raise NotLoaded(f"There is no complete ACE-Step checkpoint in {models.name}.", _GET_WEIGHTS)
    if not name:
        return min(found, key=lambda one: ("turbo" not in one.name, one.traits.xl, one.name))
    for folder in found:
        if is_called(folder.name, name):
            return folder
    refuse_unusable(models, name)
    names = ", ".join(one.name for one in found)
    raise NotLoaded(f"There is no checkpoint called {name}.", f"Available: {names}.")


def _settings(order: TrainingOrder, device: Device) -> TrainingSettings:
    """Those the run was begun with, or a preset's, with what the order changes. Raises CannotRender."""
    path = order.run / _SETTINGS
    # A processor has memory enough and too little speed for long examples.
    free = 0.0 if device.kind == "cpu" else (free_bytes(device) or 0) / GIGABYTE
    try:
        # A run that goes on keeps its preset, whatever is free by now.
        before = settings_from_json(path.read_text()) if path.exists() and not order.memory else None
        preset = before or PRESETS.get(order.memory) or preset_for(free)
        settings = replace(preset, **changed_settings(order.changed))
    except (ValueError, OSError) as wrong:
        raise CannotRender(f"The training cannot be set up so: {wrong}.", "Choose another value.") from wrong
    if not (order.run / STATE).exists():  # nothing was learnt with others yet
        write_whole_file(path, settings.as_json().encode())
    return settings


def _parts(weights: Weights, device: Device) -> TrainedParts:
    """Every network is loaded for as long as it is needed: training needs the memory."""
    placement = Placement(device.number_bytes, offload=True, transformer_bytes=device.transformer_bytes)
    return TrainedParts(weights, device, replace(placement, vae_frames=_VAE_FRAMES))


def _why_not_rendered(previews: Previews, name: str, device: Device, should_stop: ShouldStop) -> str:
    """Makes a preview; "" when it is made. It is for show: no training ends with it. Raises RenderStopped."""
    try:
        previews.make(name, should_stop)
    except CannotRender as error:
        return str(error)
    except Exception as error:
        if not out_of_memory(error):
            raise
        return f"{device.label} has too little memory for a preview."
    return ""


def _material(
    parts: TrainedParts,
    weights: Weights,
    order: TrainingOrder,
    settings: TrainingSettings,
    read: ReadDigest,
    on_news: OnNews,
    should_stop: ShouldStop,
) -> TrainingMaterial:
    """Prepares the songs; every network but the transformer is unloaded again."""
    companions = neighbours(weights.folder)
    files = {path for opened in weights.files.values() for path in opened.paths}
    files |= {
        *weight_files(companions.vae, "diffusion_pytorch_model"),
        *weight_files(companions.text_encoder, "model"),
    }
    checkpoint = fingerprint(files)
    songs = prepare(
        parts,
        order.songs,
        lambda song: read(song.digest),
        settings.crop_frames,
        checkpoint,
        order.run / "songs",
        lambda phase, share: on_news(TrainingNews(phase, share)),
        should_stop,
    )
    with parts.condition_encoder() as encoder:
        nothing: Tensor = encoder.no_condition.detach().float().cpu()
    silence = parts.silence.float().cpu()
    parts.release()
    return TrainingMaterial(songs, silence, nothing, checkpoint)


def _training_dtype(device: Device) -> torch.dtype:
    """float16 has too narrow a range for gradients that nothing rescales."""
    return torch.bfloat16 if device.transformer is torch.bfloat16 else torch.float32


def _news(step: StepDone, settings: TrainingSettings) -> TrainingNews:
    return TrainingNews("training", step.step / settings.steps, step)


def _about(
    order: TrainingOrder,
    folder: ModelFolder,
    material: TrainingMaterial,
    settings: TrainingSettings,
    curve: Curve,
) -> dict[str, Any]:
    best = curve.best
    return {
        **order.about,
        "name": order.name,
        "checkpoint": folder.name,
        "weights_digest": material.checkpoint,
        "songs": sorted(song.digest for song in material.songs),
        "prompts": "those of renders, with the duration of the example and silence for a reference",
        "settings": settings.as_json(),
        "steps": len(curve.losses),
        "best_step": None if best is None else best[0],
    }

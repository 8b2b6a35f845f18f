"""Trains one adapter on prepared songs: examples, gradients, steps, checks, early stop, a state that survives kills.

The examples are numbered and every random draw belongs to one of them, so a training that goes on from its state gives
the same bits as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Adafactor, AdamW, Optimizer

from model.acestep.latent_grid import FRAMES_PER_SECOND
from model.acestep.networks.dit import Dit
from model.acestep.training.adapter_layers import ATTENTIONS, ChangedLinear, attach, detach, trained
from model.acestep.training.examples import Examples
from model.acestep.training.flow_loss import FlowLoss, save_activations
from model.acestep.training.prepared_song import PreparedSong
from model.acestep.training.training_settings import OptimiserKind, TrainingSettings
from model.acestep.training.training_state import Curve, read_state, write_state
from model.engine import ShouldStop, stop_if_asked
from model.errors import CannotRender, RenderStopped

CHECKED = 8
"""Examples on which a check measures the loss; always the same ones."""
MIN_SONGS_TO_HOLD_ONE_OUT = 5
"""With so many songs or more, checks use one song that is not trained on; with fewer, every song is needed."""
HELD_SHARE = 0.1
MIN_FRAMES_TO_HOLD_A_PART = 60 * FRAMES_PER_SECOND
"""With fewer songs, checks use the last tenth of those of a minute or more, which is not trained on."""

STATE = "state.safetensors"
"""The file of a training's state in its folder."""


@dataclass(frozen=True)
class TrainingMaterial:
    """What an adapter is trained on and for.

    silence: latents [1, F, 64]. nothing: the state of no prompt, [1, 1, C]. checkpoint: fingerprint of its weights.
    """

    songs: Sequence[PreparedSong]
    silence: Tensor
    nothing: Tensor
    checkpoint: str


@dataclass(frozen=True)
class StepDone:
    """After a step, counted from 1. loss: mean of its examples. checked: loss on the fixed examples, where measured."""

    step: int
    loss: float
    checked: float | None


OnTrained = Callable[[StepDone], None]


class Trainer:
    """Owns the changed transformer until `close`. state: the folder of the training's state."""

    def __init__(self, dit: Dit, material: TrainingMaterial, settings: TrainingSettings, state: Path) -> None:
        self._dit, self._settings, self._state = dit, settings, state / STATE
        self.changes: Mapping[str, ChangedLinear] = attach(dit, settings)
        if settings.checkpointing:
            save_activations(dit)
        self._parameters = trained(self.changes)
        self._optimiser = _optimiser(self._parameters.values(), settings)
        train, check = _parted(material.songs)
        more = (material.silence, material.nothing, settings)
        self._examples = Examples(train, *more)
        self._checked = Examples(check, *more, purpose="check")
        self._loss = FlowLoss(dit)
        self._about = _about(material, settings)
        self._best: dict[str, Tensor] = {}
        self._checks = False  # whether a check is being measured, which is never left half done
        self.curve = Curve()
        if self._state.exists():
            self.curve, self._best = read_state(self._state, self._about, self._parameters, self._optimiser)

    @property
    def done(self) -> bool:
        """Whether all steps are taken, or checks bring nothing better any more."""
        return self._step >= self._settings.steps or self.curve.is_over(self._settings.patience)

    def train(self, on_trained: OnTrained, should_stop: ShouldStop) -> None:
        """Takes the steps that remain, and ends with the best numbers found.

        should_stop is asked in every layer, forwards and (where activations are computed twice) backwards: what waits
        in it makes way for a render at once, however long the examples are. A step that is stopped half way is dropped.
        Raises RenderStopped; CannotRender if the loss is not a number any more, or the disk refuses the state.
        """
        try:
            with self._asking(should_stop):
                while not self.done:
                    self._dit.train()
                    loss = self._one_step(should_stop)
                    checked = self._check()
                    if self.done or self._step % self._settings.keep_every == 0:
                        self._keep()
                    on_trained(StepDone(self._step, loss, checked))
        except BaseException:
            self._dit.zero_grad(set_to_none=True)
            raise
        for name, parameter in self._parameters.items():
            if name in self._best:
                parameter.data.copy_(self._best[name])
        self._dit.eval()

    def keep(self) -> None:
        """Keeps the state as it is after the last whole step. Raises CannotRender if the disk refuses."""
        if not self.done:
            self._keep()

    def close(self) -> None:
        """Gives the transformer back as it was."""
        if self._settings.checkpointing:
            for layer in self._dit.layers:
                layer.__dict__.pop("forward", None)
        detach(self._dit, self.changes)

    @contextmanager
    def _asking(self, should_stop: ShouldStop) -> Iterator[None]:
        """Inside, every layer asks. An attention is called again where its layer is computed a second time."""

        def ask(*_: object) -> None:
            if should_stop() and not self._checks:
                raise RenderStopped

        hooks = [
            layer.get_submodule(ATTENTIONS[0]).register_forward_pre_hook(ask) for layer in self._dit.layers
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def _step(self) -> int:
        return len(self.curve.losses)

    def _one_step(self, should_stop: ShouldStop) -> float:
        count, total = self._settings.accumulation, 0.0
        for number in range(self._step * count, (self._step + 1) * count):
            stop_if_asked(
                should_stop
            )  # a step of several long examples may take minutes; half of one is dropped
            loss = self._loss(self._examples[number])
            (loss / count).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        if not math.isfinite(total):
            raise CannotRender(
                f"The training came apart at step {self._step + 1}: the loss is no number any more.",
                "Start it under another name with a lower learning rate.",
            )
        clip_grad_norm_(self._parameters.values(), self._settings.gradient_limit)
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.rate_at(self._step)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.curve.losses.append(total / count)
        return total / count

    def _check(self) -> float | None:
        """The loss on the fixed examples, where one is due; keeps numbers that are better than all before."""
        if self._step % self._settings.check_every and self._step != self._settings.steps:
            return None
        self._dit.eval()
        self._checks = True
        try:
            with torch.no_grad():
                loss = sum(float(self._loss(self._checked[number])) for number in range(CHECKED)) / CHECKED
        finally:
            self._checks = False
        self.curve.checks.append((self._step, loss))
        if self.curve.best == (self._step, loss):
            self._best = {name: value.detach().clone() for name, value in self._parameters.items()}
        return loss

    def _keep(self) -> None:
        write_state(self._state, self._about, self._parameters, self._best, self._optimiser, self.curve)


def _parted(songs: Sequence[PreparedSong]) -> tuple[Sequence[PreparedSong], Sequence[PreparedSong]]:
    """Songs to train on and songs to check with: another one, or parts that are not trained on, or else the same."""
    ordered = sorted(songs, key=lambda one: one.digest)  # whatever they are called
    if len(ordered) >= MIN_SONGS_TO_HOLD_ONE_OUT:
        return ordered[1:], ordered[:1]
    cut = {one.digest: one.frames - round(one.frames * HELD_SHARE) for one in ordered}
    held = [
        _part(one, slice(cut[one.digest], None)) for one in ordered if one.frames >= MIN_FRAMES_TO_HOLD_A_PART
    ]
    if not held:
        return ordered, ordered
    used = [
        _part(one, slice(cut[one.digest])) if one.frames >= MIN_FRAMES_TO_HOLD_A_PART else one
        for one in ordered
    ]
    return used, held


def _part(song: PreparedSong, frames: slice) -> PreparedSong:
    return replace(song, mean=song.mean[frames], deviation=song.deviation[frames])


def _about(material: TrainingMaterial, settings: TrainingSettings) -> str:
    """What must be the same for a training to go on."""
    songs = sorted(song.key for song in material.songs)
    return hashlib.sha256(json.dumps([material.checkpoint, songs, settings.as_json()]).encode()).hexdigest()


def _optimiser(parameters: object, settings: TrainingSettings) -> Optimizer:
    chosen = {OptimiserKind.ADAMW: AdamW, OptimiserKind.ADAFACTOR: Adafactor}[settings.optimiser]
    made: Optimizer = chosen(
        list(parameters),  # type: ignore[call-overload]
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    return made

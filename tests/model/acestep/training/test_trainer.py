"""Whole trainings on the tiny checkpoint: against a plain loop, on one clip until it is known, killed and resumed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the ACE-Step engine needs torch: pip install takebridge[acestep]")

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from model.acestep.training.examples import Examples
from model.acestep.training.trainer import (
    CHECKED,
    MIN_FRAMES_TO_HOLD_A_PART,
    StepDone,
    Trainer,
    TrainingMaterial,
)
from model.acestep.training.training_settings import AdapterKind, OptimiserKind, TrainingSettings
from model.errors import CannotRender, RenderStopped
from tests.model.acestep.test_training_step import Whole
from tests.model.acestep.training.small_training import drawn, fresh_dit, material, small, song


def train(
    folder: Path,
    settings: TrainingSettings,
    what: TrainingMaterial | None = None,
    stop_after: int | None = None,
) -> Trainer:
    """Trains until it is over, or stops after so many steps."""
    trainer = Trainer(fresh_dit(2), what or material(), settings, folder)
    begun = len(trainer.curve.losses)

    def should_stop() -> bool:
        return stop_after is not None and len(trainer.curve.losses) - begun >= stop_after

    trainer.train(lambda _step: None, should_stop)
    return trainer


def numbers(trainer: Trainer) -> dict[str, Tensor]:
    return {
        f"{name}.{leaf}": value.detach()
        for name, change in trainer.changes.items()
        for leaf, value in change.stored().items()
    }


def plain_losses(settings: TrainingSettings) -> list[float]:
    """The same training, written as plainly as it can be: no layers, no modules, AdamW by its formula."""
    what, dit = material(), fresh_dit(2)  # one layer of each kind
    start = Trainer(fresh_dit(2), what, settings, Path("/nowhere"))
    names = {f"{name}.weight": change for name, change in start.changes.items()}
    halves = [
        (name, change.down.detach().clone().requires_grad_(), change.up.detach().clone().requires_grad_())
        for name, change in names.items()
    ]
    flat = [half for _, down, up in halves for half in (down, up)]
    first, second = [torch.zeros_like(one) for one in flat], [torch.zeros_like(one) for one in flat]
    base = {f"dit.{name}": value for name, value in dit.state_dict().items()}
    whole, examples, losses = Whole(dit), Examples(what.songs, what.silence, what.nothing, settings), []
    scale = settings.alpha / settings.rank
    for step in range(settings.steps):
        total = 0.0
        for number in range(settings.accumulation):
            one = examples[step * settings.accumulation + number]
            weights = dict(base)
            for name, down, up in halves:
                weights[f"dit.{name}"] = base[f"dit.{name}"] + scale * up @ down
            at = one.time[:, None, None]
            noisy = at * one.noise + (1 - at) * one.latents
            answer = functional_call(whole, weights, (noisy, one.context, one.time, one.states))
            loss = functional.mse_loss(answer, one.noise - one.latents) / settings.accumulation
            loss.backward()
            total += float(loss.detach())
        losses.append(total)
        warmup = min(settings.warmup, settings.steps // 10)
        wave = math.cos(math.pi * (step - warmup) / max(1, settings.steps - warmup))
        rate = settings.learning_rate * (
            0.1 + 0.9 * step / warmup if step < warmup else 0.01 + 0.99 * (1 + wave) / 2
        )
        length = math.sqrt(sum(float(one.grad.square().sum()) for one in flat))
        with torch.no_grad():
            for one, mean, square in zip(flat, first, second, strict=True):
                gradient = one.grad * min(1.0, settings.gradient_limit / (length + 1e-6))
                mean.mul_(0.9).add_(gradient, alpha=0.1)
                square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
                one.mul_(1 - rate * settings.weight_decay)
                root = (square / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
                one.sub_(rate * (mean / (1 - 0.9 ** (step + 1))) / root)
                one.grad = None
    return losses


def test_two_hundred_steps_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    settings = small(steps=200, accumulation=1, dropout=0.0, warmup=20, check_every=1000, keep_every=1000)
    ours = train(tmp_path, settings).curve.losses
    plain = plain_losses(settings)
    assert len(ours) == len(plain) == 200
    assert max(abs(one - other) for one, other in zip(ours, plain, strict=True)) <= 1e-3


def test_a_clip_is_learnt_and_the_transformer_given_back(tmp_path: Path) -> None:
    """One sustained sound: the loss on fixed examples falls to less than 0.6 of the untrained one."""
    clip = replace(song(1, 24), mean=(2 * drawn(7, 1, 64)).expand(24, 64).contiguous())
    settings = small(
        steps=20,
        rank=16,
        alpha=32.0,
        learning_rate=2e-2,
        region_share=0.0,
        condition_dropout=0.0,
        dropout=0.0,
        accumulation=1,
        check_every=10,
    )
    dit = fresh_dit()
    before = {name: value.clone() for name, value in dit.state_dict().items()}
    trainer = Trainer(dit, material(clip), settings, tmp_path)
    untrained = (
        sum(float(trainer._loss(trainer._checked[number]).detach()) for number in range(CHECKED)) / CHECKED
    )
    seen: list[StepDone] = []
    trainer.train(seen.append, lambda: False)
    assert [one.step for one in seen] == list(range(1, 21))
    assert seen[-1].checked is not None
    assert seen[-1].checked <= 0.6 * untrained, (untrained, trainer.curve.checks)
    trainer.close()
    assert dit.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in dit.state_dict().items())


@pytest.mark.parametrize(
    ("kind", "optimiser", "killed_after"),
    [
        (AdapterKind.LORA, OptimiserKind.ADAMW, 1),
        (AdapterKind.LORA, OptimiserKind.ADAFACTOR, 3),
        (AdapterKind.LOKR, OptimiserKind.ADAMW, 3),
        (AdapterKind.LOKR, OptimiserKind.ADAFACTOR, 2),
    ],
)
def test_a_killed_training_goes_on_to_the_same_bits(
    tmp_path: Path, kind: AdapterKind, optimiser: OptimiserKind, killed_after: int
) -> None:
    """The state is from the last even step; what came after it is done again."""
    settings = small(kind=kind, optimiser=optimiser, steps=4)
    whole = train(tmp_path / "whole", settings)
    with pytest.raises(RenderStopped):
        train(tmp_path / "killed", settings, stop_after=killed_after)
    resumed = train(tmp_path / "killed", settings)
    assert resumed.curve == whole.curve
    ours, theirs = numbers(resumed), numbers(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert any(
        value.any() for name, value in ours.items() if name.endswith(("lora_B.weight", "lokr_w2", "w2_b"))
    )


@pytest.mark.parametrize("checkpointing", [False, True])
def test_stopped_inside_a_step_it_goes_on_to_the_same_bits(tmp_path: Path, checkpointing: bool) -> None:
    """At every place where it asks: between layers, forwards and backwards; a check is finished all the same."""
    settings = small(steps=3, check_every=2, keep_every=1, accumulation=1, checkpointing=checkpointing)
    asked = 0

    def stops_at(place: int) -> Callable[[], bool]:
        nonlocal asked
        asked = 0

        def should_stop() -> bool:
            nonlocal asked
            asked += 1
            return asked >= place

        return should_stop

    whole = Trainer(fresh_dit(2), material(), settings, tmp_path / "whole")
    whole.train(lambda _step: None, stops_at(10**9))
    places = asked
    assert places >= 3 * (3 + 2 * checkpointing) + 2 * 2 * CHECKED  # a step asks once, and in each layer
    inside = 0
    for place in range(2, places, 7):
        folder = tmp_path / str(place)
        stopped = Trainer(fresh_dit(2), material(), settings, folder)
        try:
            stopped.train(lambda _step: None, stops_at(place))
        except RenderStopped:
            inside += 1
        stopped.keep()  # as it is kept when the stop came during the last check, which ends the training
        assert not any(layer.self_attention._forward_pre_hooks for layer in stopped._dit.layers)  # type: ignore[union-attr]
        resumed = train(folder, settings)
        assert resumed.curve == whole.curve, place
        ours, theirs = numbers(resumed), numbers(whole)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs), place
    assert inside >= 3


def test_with_a_transformer_in_bfloat16_the_change_is_learnt_in_float32(tmp_path: Path) -> None:
    """As on a graphics card: the losses are near those of float32, and what is killed goes on to the same bits."""
    settings = small(steps=4, keep_every=1, dropout=0.0)
    exact = train(tmp_path / "exact", settings).curve.losses

    def coarse(folder: Path, stop_after: int | None = None) -> Trainer:
        trainer = Trainer(fresh_dit(2).bfloat16(), material(), settings, folder)
        begun = len(trainer.curve.losses)
        trainer.train(
            lambda _step: None,
            lambda: stop_after is not None and len(trainer.curve.losses) - begun >= stop_after,
        )
        return trainer

    whole = coarse(tmp_path / "whole")
    assert whole.curve.losses == pytest.approx(exact, rel=0.02)
    assert {value.dtype for value in numbers(whole).values()} == {torch.float32}
    with pytest.raises(RenderStopped):
        coarse(tmp_path / "killed", stop_after=2)
    ours, theirs = numbers(coarse(tmp_path / "killed")), numbers(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_with_few_songs_the_ends_of_long_ones_are_held_out(tmp_path: Path) -> None:
    frames = MIN_FRAMES_TO_HOLD_A_PART
    long = replace(song(1), mean=drawn(1, frames, 64), deviation=torch.zeros(frames, 64))
    trainer = Trainer(fresh_dit(2), material(long, song(2)), small(), tmp_path)
    held = long.mean[-frames // 10 :]
    for number in range(8):
        seen, checked = trainer._examples[number], trainer._checked[number]
        assert checked.song == long.name
        assert (checked.latents[0, :1] == held).all(1).any()  # an example begins with one of its frames
        assert not (seen.latents[0][:, None] == held).all(2).any()
    assert {trainer._examples[number].song for number in range(8)} == {long.name, song(2).name}


def test_saving_activations_changes_no_bit(tmp_path: Path) -> None:
    kept = train(tmp_path / "kept", small(steps=2))
    saved = train(tmp_path / "saved", small(steps=2, checkpointing=True))
    assert saved.curve.losses == kept.curve.losses
    assert all(torch.equal(value, numbers(kept)[name]) for name, value in numbers(saved).items())


def test_training_ends_early_with_the_best_numbers(tmp_path: Path) -> None:
    """Far too high a rate: the first checks are the best ones, and the last ones do not matter."""
    settings = small(steps=200, learning_rate=1.0, warmup=0, check_every=1, patience=3, accumulation=1)
    trainer = train(tmp_path, settings)
    best, taken = trainer.curve.best, len(trainer.curve.losses)
    assert best is not None
    assert best[0] == taken - 3 < 197
    kept = sum(float(trainer._loss(trainer._checked[number]).detach()) for number in range(CHECKED)) / CHECKED
    assert kept == best[1]
    assert Trainer(fresh_dit(2), material(), settings, tmp_path).done


def test_a_training_of_something_else_is_refused(tmp_path: Path) -> None:
    train(tmp_path, small(steps=2))
    with pytest.raises(CannotRender, match="other songs, settings"):
        Trainer(fresh_dit(2), material(), small(steps=2, rank=2, alpha=4.0), tmp_path)
    with pytest.raises(CannotRender, match="other songs, settings"):
        Trainer(fresh_dit(2), material(song(1)), small(steps=2), tmp_path)


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    train(tmp_path, small(steps=2))
    state = tmp_path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(CannotRender, match="damaged"):
        Trainer(fresh_dit(2), material(), small(steps=2), tmp_path)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    with pytest.raises(CannotRender, match=r"step [0-9]+: the loss is no number"):
        train(tmp_path, small(steps=200, learning_rate=1e30, gradient_limit=1e30, accumulation=1))


def test_checks_use_a_song_of_their_own_where_there_are_enough(tmp_path: Path) -> None:
    many = material(*(song(number) for number in range(5)))
    trainer = Trainer(fresh_dit(2), many, small(), tmp_path)
    used = {trainer._examples[number].song for number in range(20)}
    checked = {trainer._checked[number].song for number in range(20)}
    assert len(used) == 4
    assert len(checked) == 1
    assert not used & checked

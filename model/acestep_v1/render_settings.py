"""A request's options as checked settings. Raises CannotRender for a value that cannot be."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from model.acestep_v1.sampling.conditions import Weakening
from model.acestep_v1.sampling.edit import ONLY_LYRICS, REMIX, EditSpan
from model.acestep_v1.sampling.guidance import Formula, Guidance
from model.acestep_v1.sampling.steps import OMEGA, SongSolver
from model.engine import Task
from model.errors import CannotRender

DEFAULT_STEPS = 60
MAX_STEPS = 200


class Edit(enum.Enum):
    """How a cover changes a song."""

    OFF = "off"  # its sound guides a new song
    LYRICS = "lyrics"  # only its words change
    REMIX = "remix"  # its style changes too

    @property
    def span(self) -> EditSpan:
        return ONLY_LYRICS if self is Edit.LYRICS else REMIX


@dataclass(frozen=True)
class V1Settings:
    """How a render is computed.

    chosen: of a schedule's steps, counted from 1; () = all. edit, old_prompt, old_lyrics, matched_start: of covers.
    """

    steps: int = DEFAULT_STEPS
    chosen: tuple[int, ...] = ()
    solver: SongSolver = SongSolver.EULER
    omega: float = OMEGA
    guidance: Guidance = field(default_factory=Guidance)
    weakening: Weakening = field(default_factory=Weakening)
    variation: float = 0.0
    edit: Edit = Edit.OFF
    old_prompt: str = ""
    old_lyrics: str = ""
    matched_start: bool = False


def v1_settings(task: Task, options: Mapping[str, Any]) -> V1Settings:
    """The settings of a task. Raises CannotRender."""
    given = _Given(options)
    settings = V1Settings(
        steps=int(given.number("steps", DEFAULT_STEPS, 1, MAX_STEPS, whole=True)),
        chosen=given.rising("chosen_steps"),
        solver=given.one_of("solver", SongSolver, SongSolver.EULER),
        omega=given.number("omega", OMEGA, -100, 100),
        guidance=Guidance(
            scale=given.number("guidance", 15.0, 1, 30),
            formula=given.one_of("guidance_kind", Formula, Formula.APG),
            interval=given.number("guidance_interval", 0.5, 0, 1),
            decay=given.number("guidance_decay", 0.0, 0, 1),
            least=given.number("guidance_least", 3.0, 0, 30),
            text=given.number("prompt_guidance", 0.0, 0, 30),
            lyrics=given.number("lyric_guidance", 0.0, 0, 30),
        ),
        weakening=Weakening(
            text=given.switch("weaken_prompt", True),
            lyrics=given.switch("weaken_lyrics", False),
            transformer=given.switch("weaken_network", True),
        ),
        variation=given.number("variation", 0.0, 0, 1),
        edit=given.one_of("edit", Edit, Edit.OFF),
        old_prompt=given.text("old_prompt"),
        old_lyrics=given.text("old_lyrics"),
        matched_start=given.switch("matched_start", False),
    )
    _refuse_what_does_not_go_together(task, settings)
    return settings


def _refuse_what_does_not_go_together(task: Task, settings: V1Settings) -> None:
    if settings.solver is not SongSolver.EULER and (
        task is not Task.GENERATE or settings.edit is not Edit.OFF
    ):
        raise CannotRender(
            f"The solver {settings.solver.value} is for new songs only.",
            "Use euler, or omit the option solver.",
        )
    if task is not Task.COVER and (settings.edit is not Edit.OFF or settings.matched_start):
        raise CannotRender(
            f"The options edit and matched_start are for covers, not for {task.value}.",
            "Omit them, or use cover.",
        )
    if settings.chosen and (task is not Task.GENERATE or settings.solver is SongSolver.HEUN):
        raise CannotRender(
            "The option chosen_steps is for new songs with the solvers euler and pingpong.",
            "Omit it, or use steps.",
        )
    if task is not Task.GENERATE and settings.variation:
        raise CannotRender(
            f"The option variation is for new songs, not for {task.value}.", "Use strength, or another take."
        )


@dataclass(frozen=True)
class _Given:
    options: Mapping[str, Any]

    def number(self, name: str, usual: float, least: float, most: float, whole: bool = False) -> float:
        value = self.options.get(name, usual)
        wrong = isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most
        if wrong or (whole and int(value) != value):
            kind = "whole number" if whole else "number"
            raise CannotRender(
                f"The option {name} cannot be {value!r}.", f"Use a {kind} from {least:g} to {most:g}."
            )
        return float(value)

    def one_of(self, name: str, kind: type[Any], usual: Any) -> Any:
        value = self.options.get(name, usual)
        if value is False and "off" in {each.value for each in kind}:
            value = "off"  # what YAML makes of it
        try:
            return kind(value)
        except ValueError as wrong:
            names = ", ".join(each.value for each in kind)
            raise CannotRender(f"The option {name} cannot be {value!r}.", f"Use one of: {names}.") from wrong

    def rising(self, name: str) -> tuple[int, ...]:
        """Whole numbers from 1 in rising order, with commas between them."""
        value = self.options.get(name, "")
        try:
            found = tuple(int(part) for part in str(value).split(",") if part.strip())
        except ValueError:
            found = (0,)
        if any(low >= high for low, high in pairwise((0, *found, MAX_STEPS + 1))):
            raise CannotRender(
                f"The option {name} cannot be {value!r}.",
                f"Write whole numbers from 1 to {MAX_STEPS} in rising order, such as 1,3,5,8.",
            )
        return found

    def switch(self, name: str, usual: bool) -> bool:
        value = self.options.get(name, usual)
        if value not in ("on", "off", True, False):
            raise CannotRender(f"The option {name} cannot be {value!r}.", "Use on or off.")
        return value in ("on", True)

    def text(self, name: str) -> str:
        value = self.options.get(name, "")
        if not isinstance(value, str):
            raise CannotRender(f"The option {name} must be text, not {value!r}.", "Write it in quotes.")
        return value

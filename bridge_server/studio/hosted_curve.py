"""How a render host says its training stands, as the news that a training's process would have told. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge_server.studio.host_training import DONE
from bridge_server.studio.linked_render import not_understood
from bridge_server.studio.training_messages import TrainingStands


class HostedCurve:
    """Every step and check so far."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._checks: list[tuple[int, float]] = []
        self._described: dict[str, str] = {}
        self._skipped = ""
        self._begun = False
        self._last = TrainingStands(0, "")

    @property
    def at(self) -> dict[str, Any]:
        """Where the training is, without anything new."""
        return {"phase": self._last.phase, "share": self._share(len(self._losses))}

    @property
    def complete(self) -> bool:
        """Whether every step of a training that is done has been told."""
        return self._last.state == DONE and self._last.steps == len(self._losses)

    def take_in(self, stands: TrainingStands) -> Iterator[dict[str, Any]]:
        """The news. Raises ProtocolError where a step was left out."""
        if not 0 <= stands.start <= len(self._losses) or len(stands.losses) > 0 >= stands.steps:
            raise not_understood(f"steps from {stands.start} on, {len(self._losses)} are known")
        self._last = stands
        again = stands.start < len(self._losses)
        known = self._checks
        self._losses[stands.start :] = stands.losses
        self._checks = [(step, loss) for step, loss in stands.checks if step <= len(self._losses)]
        earlier = [check for check in self._checks if check[0] <= stands.start]
        yield from self._words(stands)
        if self._losses and (again or not self._begun or earlier != known):
            self._begun = True
            losses, checks = list(self._losses), list(self._checks)
            yield {**self.at, "losses": losses, "checks": checks}
            return
        checked = dict(self._checks)
        for step, loss in enumerate(stands.losses, stands.start + 1):
            yield {
                "phase": "training", "share": self._share(step), "step": step, "loss": loss,
                "checked": checked.get(step), "seconds_left": stands.seconds_left,
            }  # fmt: skip

    def result(self, adapter: str) -> dict[str, Any]:
        """The last news. adapter: its file."""
        early = self._last.stopped_early
        return {"adapter": adapter, "stopped_early": early, "losses": self._losses, "checks": self._checks}

    def _words(self, stands: TrainingStands) -> Iterator[dict[str, Any]]:
        if stands.described and stands.described != self._described:
            self._described = dict(stands.described)
            written = [{"name": name, "caption": caption} for name, caption in stands.described.items()]
            yield {"phase": stands.phase, "share": stands.share, "described": written}
        if stands.skipped and stands.skipped != self._skipped:
            yield {"phase": stands.phase, "share": stands.share, "skipped": stands.skipped}
        self._skipped = stands.skipped

    def _share(self, step: int) -> float:
        return min(1.0, step / self._last.steps) if self._last.steps else self._last.share

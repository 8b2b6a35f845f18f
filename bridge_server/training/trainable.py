"""What adapters can be trained for on this machine, or why none can: packages and complete models. Blocks, briefly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge_server.engines.registry import MODELS_ENGINE
from daw_protocol.errors import ErrorCode, ProtocolError
from model.checkpoints import find_models
from model.packages import missing_packages

PACKAGES = ("torch", "safetensors", "transformers", "tokenizers")
_PREFIX = "acestep-v15-"


@dataclass(frozen=True)
class Trainable:
    """models: what can be trained for. planner: whether one can write about songs. reason, remedy: why nothing can."""

    models: tuple[str, ...] = ()
    planner: bool = False
    reason: str = ""
    remedy: str = ""

    def has(self, checkpoint: str) -> bool:
        """Whether the checkpoint that a request names is there; "" is the plain turbo, or whatever there is."""
        names = {name for model in self.models for name in (model, model.removeprefix(_PREFIX))}
        return bool(names) if not checkpoint else checkpoint in names


def trainable(models: Path | None) -> Trainable:
    """models: the folder of the engine that uses them, None without that engine."""
    found = [] if models is None or not models.exists() else find_models(models)
    usable = [folder for folder in found if folder.what_is_missing() is None]
    reason, remedy = _what_lacks(models, bool(usable))
    return Trainable(
        tuple(one.name for one in usable), any(one.planner is not None for one in usable), reason, remedy
    )


def refuse_checkpoint(able: Trainable, host: str, checkpoint: str) -> None:
    """Raises ProtocolError where a render host, called `host`, cannot train for this checkpoint."""
    if able.reason:
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            f"The render host {host} cannot train. {able.reason}",
            f"Do this on that machine, and start the host again: {able.remedy}",
            "on",
        )
    if not able.has(checkpoint):
        raise ProtocolError(
            ErrorCode.ENGINE_NOT_READY,
            f"The render host {host} has no checkpoint called {checkpoint}.",
            f"Available there: {', '.join(able.models)}.",
            "checkpoint",
        )


def no_models() -> ProtocolError:
    """The error where no engine uses models."""
    return ProtocolError(
        ErrorCode.ENGINE_NOT_READY,
        "This server has no engine that uses models.",
        f"Install the {MODELS_ENGINE.label} engine ({MODELS_ENGINE.install}) and start the server again.",
    )


def _what_lacks(models: Path | None, usable: bool) -> tuple[str, str]:
    """Why nothing can be trained, and what to do about it; empty where it can."""
    missing = missing_packages(PACKAGES)
    if missing:
        sentence = f"Training needs packages that are not installed: {', '.join(missing)}."
        return sentence, "pip install 'takebridge[acestep]'"
    if models is None:
        error = no_models()
        return error.sentence, error.remedy
    if not usable:
        return (
            f"There is no complete ACE-Step checkpoint in {models.name}.",
            "Run `takebridge models pull turbo`, or name the folder of your models with --models.",
        )
    return "", ""

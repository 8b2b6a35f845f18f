"""What the options that all commands share mean: the store, the folder of models, the engines, where to print."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from bridge_server.cli.old_store import take_over_old_store
from bridge_server.engines.registry import EngineSetup, engine_setups, installed_engines, options_by_engine
from bridge_server.platforms import CHECKPOINTS, kernels_file, models_folder, old_store_folder
from bridge_server.settings import Settings

if TYPE_CHECKING:  # rich: a parser that is only made must not wait for it
    from bridge_server.cli.commands import Screen


def store_of(arguments: Namespace) -> Path:
    """The folder of takes and jobs; the first time, that of the product's old name becomes it.

    Raises ProtocolError when an old server still uses that one.
    """
    store: Path = arguments.store.expanduser().absolute()
    take_over_old_store(store)
    return store


def models_of(arguments: Namespace) -> Path:
    """The folder of models. Ask after `store_of`: the usual one may have moved with the store."""
    models: Path = arguments.models.expanduser().absolute()
    return models_folder() if models == old_store_folder() / CHECKPOINTS else models


def engines_of(arguments: Namespace) -> dict[str, EngineSetup]:
    """All engines by name; those that take models with the folder named, or with the usual one, there or not yet.

    Raises ProtocolError for a start option of no engine.
    """
    specs = installed_engines().specs
    options = options_by_engine(getattr(arguments, "engine_option", ()), [spec.name for spec in specs])
    return engine_setups(
        specs,
        models_of(arguments),
        device=getattr(arguments, "device", ""),
        memory_gb=getattr(arguments, "memory_gb", None),
        options=options,
        kernels=kernels_file(),
    )


def settings_of(arguments: Namespace) -> Settings:
    """For commands that ask the running server, or one of their own. Raises ProtocolError."""
    return Settings(store=store_of(arguments), engines=engines_of(arguments))


def screen_of(arguments: Namespace) -> Screen:
    """Where the command prints: words for people, or JSON alone."""
    from bridge_server.cli.commands import Screen
    from bridge_server.cli.console import TextConsole

    return Screen(TextConsole(), arguments.json)

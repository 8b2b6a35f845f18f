"""Which engines there are: a row for each built-in one, and those of other packages by their entry points.

Engines are named here, not imported: their code is loaded in their own processes only (child.py).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from daw_protocol.errors import ErrorCode, ProtocolError
from model.engine_config import Option, Options, config_from
from model.errors import NotLoaded

if TYPE_CHECKING:  # numpy: `takebridge --help` must not wait for it
    from model.engine import Engine

ENTRY_POINTS = "takebridge.engines"
"""Group of entry points by which other packages bring engines: `name = "module:Class"`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}")  # requests have room for 32 characters
_PLACE = re.compile(r"[\w.]+:[\w.]+")
MODELS_FOLDER = "folder"  # the start option that tells an engine where models are

DEVICE, MEMORY = "device", "memory_gb"
KERNELS = "kernels"  # the start option that names the file of what a processor computes fastest


@dataclass(frozen=True)
class EngineSpec:
    """One engine, described without running it.

    name:     how requests name it.
    target:   "module:Class". The class is cheap to make; `load` reads what it needs.
    label:    how producers know it.
    extra:    of this package, brings what it needs; packages: their names. Empty for engines that need none.
    shared:   start options of its own that get what the server was started with: the folder of models, the device, the
              limit of memory and the file of measured choices, by what they get.
    """

    name: str
    target: str
    label: str
    extra: str = ""
    packages: tuple[str, ...] = ()
    shared: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> bool:
        """Whether it renders with models of its own folder."""
        return MODELS_FOLDER in self.shared

    @property
    def install(self) -> str:
        """The command that installs what it needs."""
        return f"pip install 'takebridge[{self.extra}]'"


@dataclass(frozen=True)
class EngineSetup:
    """An engine of one server: where its code is ("module:Class"), and its start options.

    The options are checked in the engine's process, which knows the engine's config (model/engine_config.py).
    """

    target: str
    options: Options = field(default_factory=dict)

    @property
    def models(self) -> Path | None:
        """Its folder of models, if it has one."""
        folder = self.options.get(MODELS_FOLDER)
        return Path(folder) if isinstance(folder, str) and folder else None


BUILT_IN = (
    EngineSpec(
        "sketch",
        "model.sketch.engine:SketchEngine",
        "Sketch",
        # Not its models: it renders without any, and separates better with a network that is there.
        shared={"separators": MODELS_FOLDER, DEVICE: DEVICE},
    ),
    EngineSpec(
        "acestep",
        "model.acestep.engine:AceStepEngine",
        "ACE-Step",
        extra="acestep",
        packages=("torch", "transformers", "safetensors", "huggingface-hub"),
        shared={name: name for name in (MODELS_FOLDER, DEVICE, MEMORY, KERNELS)},
    ),
    EngineSpec(
        "acestep-v1",
        "model.acestep_v1.engine:AceStepV1Engine",
        "ACE-Step v1",
        extra="acestep",
        packages=("torch", "transformers", "tokenizers", "safetensors", "huggingface-hub"),
        shared={name: name for name in (MODELS_FOLDER, DEVICE, MEMORY, KERNELS)},
    ),
    EngineSpec(
        "stems",
        "model.stems.engine:StemsEngine",
        "HTDemucs",
        extra="stems",
        packages=("torch", "demucs", "safetensors", "huggingface-hub"),
        shared={name: name for name in (MODELS_FOLDER, DEVICE)},
    ),
    EngineSpec(
        "musicgen",
        "model.musicgen.engine:MusicgenEngine",
        "MusicGen Melody (not for commercial use)",
        extra="musicgen",
        packages=("torch", "transformers", "tokenizers", "safetensors", "huggingface-hub"),
        shared={name: name for name in (MODELS_FOLDER, DEVICE)},
    ),
    EngineSpec(
        "stable-audio",
        "model.stable_audio.engine:StableAudioEngine",
        "Stable Audio Open (free below 1 million USD of revenue a year)",
        extra="stable-audio",
        packages=("torch", "diffusers", "transformers", "tokenizers", "safetensors", "huggingface-hub"),
        shared={name: name for name in (MODELS_FOLDER, DEVICE)},
    ),
    # Of other programs that already run; each is off until it is given an address.
    EngineSpec("acestep-cpp", "model.remote.acestep_cpp:AcestepCppEngine", "acestep.cpp"),
    EngineSpec("acestep-api", "model.remote.acestep_api:AcestepApiEngine", "ACE-Step API"),
    EngineSpec("comfyui", "model.remote.comfyui:ComfyEngine", "ComfyUI"),
)
DEFAULT_ENGINE = BUILT_IN[0].name
MODELS_ENGINE = next(spec for spec in BUILT_IN if spec.models)
"""The one that most models of `takebridge models` are for; the others that render with models take the same folder."""


@dataclass(frozen=True)
class InstalledEngines:
    """All engines, the built-in ones first; problems: a sentence for each entry point that was ignored."""

    specs: tuple[EngineSpec, ...]
    problems: tuple[str, ...] = ()


def installed_engines() -> InstalledEngines:
    """The built-in engines and those of other installed packages."""
    specs = {spec.name: spec for spec in BUILT_IN}
    problems: dict[str, None] = {}  # in order, each once: a package may be found in two places
    for package, entry in _entry_points(problems):
        known = specs.get(entry.name)
        if not _NAME.fullmatch(entry.name) or not _PLACE.fullmatch(entry.value):
            problems[
                f"{package}: the entry point {entry.name!r} = {entry.value!r} does not name an engine; "
                f'it must look like my-engine = "module:Class".'
            ] = None
        elif known is None:
            specs[entry.name] = EngineSpec(entry.name, entry.value, entry.name)
        elif known.target != entry.value:
            problems[
                f"{package}: its engine {entry.name!r} is not used, because {known.target} already has that name."
            ] = None
    return InstalledEngines(tuple(specs.values()), tuple(problems))


def _entry_points(problems: dict[str, None]) -> Iterator[tuple[str, importlib.metadata.EntryPoint]]:
    """The name of each package that brings engines, with one of them."""
    for distribution in importlib.metadata.distributions():
        try:
            found = distribution.entry_points.select(group=ENTRY_POINTS)
        except (
            OSError,
            TypeError,
            ValueError,
        ) as broken:  # a line that is none ends the reading of the whole file
            if ENTRY_POINTS in (distribution.read_text("entry_points.txt") or ""):
                problems[f"{distribution.name}: its entry points cannot be read ({broken})."] = None
            continue
        for entry in found:
            yield distribution.name, entry


def engine_setups(
    specs: Iterable[EngineSpec] = BUILT_IN,
    models: Path | None = None,
    device: str = "",
    memory_gb: float | None = None,
    options: Mapping[str, Options] | None = None,
    kernels: Path | None = None,
) -> dict[str, EngineSetup]:
    """Every engine's setup by its name.

    models: the folder for the engines that take one; without it they get none of the following.
    device, memory_gb: "cuda", "cpu", ...; None or "" leaves the choice to the engine.
    kernels: the file that keeps what a processor computes fastest; without it each process measures that.
    options: further start options by engine; they count more than the others.
    """
    given: dict[str, Option] = {}
    if models is not None:
        given[MODELS_FOLDER] = str(models)
        if device:
            given[DEVICE] = device
        if memory_gb is not None:
            given[MEMORY] = memory_gb
        if kernels is not None:
            given[KERNELS] = str(kernels)
    own = options or {}
    return {
        spec.name: EngineSetup(
            spec.target,
            {name: given[what] for name, what in spec.shared.items() if what in given}
            | dict(own.get(spec.name, {})),
        )
        for spec in specs
    }


def on_another_machine(options: Options, kernels: Path) -> Options:
    """Start options that were made elsewhere, as they are on a machine that has its own file of what its processor
    computes fastest."""
    return {**options, KERNELS: str(kernels)} if KERNELS in options else options


def on_device(engines: Mapping[str, EngineSetup], device: str) -> dict[str, EngineSetup]:
    """The setups with another device, for those that take one; as they are for ""."""
    taking = {
        spec.name: option for spec in BUILT_IN for option, what in spec.shared.items() if what == DEVICE
    }
    return {
        name: EngineSetup(setup.target, {**setup.options, taking[name]: device})
        if device and name in taking
        else setup
        for name, setup in engines.items()
    }


def options_by_engine(given: Iterable[str], names: Iterable[str]) -> dict[str, dict[str, Option]]:
    """Start options as a command line gives them, "ENGINE.NAME=VALUE", by engine. Raises ProtocolError."""
    found: dict[str, dict[str, Option]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        engine = next((each for each in names if name.startswith(f"{each}.")), "")
        option = name.removeprefix(f"{engine}.")
        if not equals or not engine or not option:
            raise ProtocolError(
                ErrorCode.UNKNOWN_FIELD,
                f"The start option {text!r} does not name an engine's option.",
                f"Write ENGINE.NAME=VALUE; the engines are: {', '.join(names)}.",
                "engine-option",
            )
        found.setdefault(engine, {})[option] = value
    return found


def make_engine(setup: EngineSetup) -> Engine:
    """The engine, with its options. Raises NotLoaded when its code cannot be loaded, or an option is wrong."""
    module_name, _, class_name = setup.target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        needs = next((spec.install for spec in BUILT_IN if spec.target == setup.target and spec.extra), "")
        raise NotLoaded(
            f"The engine's code could not be loaded: {error}.",
            f"Install what it needs{f': {needs}' if needs else ' with pip install'}. "
            "`takebridge doctor` lists the engines that are ready.",
        ) from error
    config = config_from(found, setup.options)
    return cast("Engine", found() if config is None else found(config))


def setup_of(name: str, engines: Mapping[str, EngineSetup]) -> EngineSetup:
    """The setup of the engine called `name`. Raises ProtocolError with the names there are."""
    if name not in engines:
        raise ProtocolError(
            ErrorCode.UNKNOWN_ENGINE,
            f"There is no engine called {name!r}.",
            f"Use one of: {', '.join(engines)}.",
            "engine",
        )
    return engines[name]

"""`takebridge doctor`: diagnoses the installation and suggests fixes."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from rich.markup import escape

from bridge_server.audition.sound_devices import ANY_DEVICE, SoundDevices
from bridge_server.cli.client import status_of
from bridge_server.cli.console import TextConsole, label
from bridge_server.endpoints.midi.ports import input_names
from bridge_server.engines.pool import EnginePool
from bridge_server.engines.registry import DEFAULT_ENGINE, DEVICE, KERNELS, MODELS_ENGINE, installed_engines
from bridge_server.errors import not_permitted
from bridge_server.jobs.database import DATABASE, problem_of
from bridge_server.models.library import State, look
from bridge_server.server import find_server
from bridge_server.settings import Settings
from bridge_server.version import VERSION, version_of
from daw_protocol.errors import ProtocolError
from daw_protocol.results import ServerStatus
from model import ears
from model.engine import Task
from model.kernel_choices import kept_choices
from model.likely_kind import AUTO, likely_kind


class Verdict(Enum):
    """How a check came out; the value is its mark."""

    GOOD = "[green]✓[/green]"
    OPTIONAL = "[dim]–[/dim]"  # missing, and nothing but its own feature needs it
    BAD = "[red]✗[/red]"


@dataclass(frozen=True)
class Finding:
    """One line of the report, with what to do when it is not good."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


LOW_DISK_BYTES = 2 * 2**30

BASE = (
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
    "python-osc",
    "websockets",
    "mido",
    "pillow",
    "rich",
    "sounddevice",
    "httpx2",
)
SYNC = ("python-rtmidi", "JACK-Client", "LinkPython-extern")


async def doctor(settings: Settings, as_json: bool, models_folder: Path | None = None) -> int:
    """Prints the report; exit status 1 when something that everything needs is broken.

    models_folder: folder of the models; None: not checked.
    """
    findings = [*packages(), *await engines(settings), *other_engines()]
    findings += models(models_folder) if models_folder is not None else ()
    findings += [beat_tracker(), *processor(settings)]
    findings += [*disk(settings.store), *audio_devices(), *midi(), *discovery(), *tools()]
    findings += await ports(settings)
    if as_json:
        print(
            json.dumps(
                [{**asdict(entry), "verdict": entry.verdict.name.lower()} for entry in findings], indent=1
            )
        )
    else:
        show(findings)
    return 1 if any(entry.verdict is Verdict.BAD for entry in findings) else 0


def show(findings: list[Finding]) -> None:
    console = TextConsole()
    console.print(f"Takebridge {VERSION}, Python {sys.version.split()[0]}", highlight=False)
    for entry in findings:
        # In pieces: each is a text of its own in other languages.
        console.print(
            entry.verdict.value, " ", label(entry.what), ": ", escape(entry.found), sep="", highlight=False
        )
        if entry.remedy and entry.verdict is not Verdict.GOOD:
            console.print(f"    {escape(entry.remedy)}", highlight=False)
    bad = sum(entry.verdict is Verdict.BAD for entry in findings)
    console.print(f"{bad} problems found." if bad else "No problems found.", highlight=False)


def packages() -> Iterator[Finding]:
    """The Python packages the bridge is made of, and those of the extras."""
    missing = [name for name in BASE if version_of(name) is None]
    if missing:
        yield Finding("packages", Verdict.BAD, f"missing: {', '.join(missing)}", "pip install takebridge")
    else:
        yield Finding("packages", Verdict.GOOD, ", ".join(f"{name} {version_of(name)}" for name in BASE))
    what = f"{MODELS_ENGINE.label} packages"
    missing = [name for name in MODELS_ENGINE.packages if version_of(name) is None]
    if missing:
        yield Finding(
            what, Verdict.OPTIONAL, f"not installed: {', '.join(missing)}",
            f"{MODELS_ENGINE.install} (several GB with CUDA); the {DEFAULT_ENGINE} engine needs none of them.",
        )  # fmt: skip
    else:
        found = ", ".join(f"{name} {version_of(name)}" for name in MODELS_ENGINE.packages)
        yield Finding(what, Verdict.GOOD, found)


async def engines(settings: Settings) -> list[Finding]:
    """What each engine can do, by its own process."""
    pool = EnginePool(settings.engines)
    return list(await asyncio.gather(*(engine(pool, name) for name in pool.names)))


async def engine(pool: EnginePool, name: str) -> Finding:
    try:
        description = await pool.describe(name)
    except ProtocolError as error:
        return Finding(f"engine {name}", Verdict.OPTIONAL, error.sentence, error.remedy)
    can = [task.value for task in Task if description.capability(task).available]
    if can:
        return Finding(f"engine {name}", Verdict.GOOD, f"it can: {', '.join(can)}")
    # What a command sets right, before tasks that are not for this engine at all.
    told = [
        task for task in description.tasks if "takebridge " in task.remedy or "pip install" in task.remedy
    ]
    first = (told or description.tasks)[0]
    return Finding(f"engine {name}", Verdict.OPTIONAL, first.reason, first.remedy)


def other_engines() -> Iterator[Finding]:
    """Engines of other packages that cannot be used."""
    for problem in installed_engines().problems:
        remedy = "Update or uninstall that package; everything else works."
        yield Finding("engine of another package", Verdict.OPTIONAL, problem, remedy)


def models(folder: Path) -> Iterator[Finding]:
    """The installed models, and whether one can render: it also needs a VAE and a text encoder."""
    try:
        there = [one for one in look(folder) if one.state is not State.ABSENT]
    except PermissionError as refused:
        error = not_permitted(refused)
        yield Finding("models", Verdict.BAD, error.sentence, error.remedy)
        return
    spoilt = [one for one in there if one.state is not State.HERE or (one.entry and one.note)]
    names = ", ".join(one.name for one in there if one.state is State.HERE)
    if not there:
        yield Finding(
            "models", Verdict.OPTIONAL, f"none in {folder}",
            f"takebridge models pull turbo (6.3 GB); the {DEFAULT_ENGINE} engine needs none.",
        )  # fmt: skip
    elif spoilt:
        what = "; ".join(f"{one.name}: {one.note or one.state.value}" for one in spoilt)
        pull = " ".join(one.name for one in spoilt if one.entry)
        remedy = f"takebridge models pull {pull}" if pull else "takebridge models verify has the details."
        yield Finding("models", Verdict.OPTIONAL, f"{what} (in the folder {folder})", remedy)
    else:
        yield Finding("models", Verdict.GOOD, f"{names}, in the folder {folder}")


def beat_tracker() -> Finding:
    """Whether `analyse` has trained ears, or the embedded analysis alone."""
    what = "beat tracker"
    try:
        weights = ears.weights_path().is_file()
    except ears.CannotHear as missing:
        found = missing.note or f"{ears.LABEL} is not installed; the embedded analysis finds tempo and bars"
        return Finding(what, Verdict.OPTIONAL, found, ears.INSTALL)
    if not weights:
        size = f"{ears.WEIGHTS_SIZE} from {ears.WEIGHTS_FROM}"
        return Finding(what, Verdict.OPTIONAL, f"{ears.LABEL} without weights", f"{ears.FETCH} ({size})")
    return Finding(what, Verdict.GOOD, f"{ears.LABEL} {version_of('beat-this')}, {ears.WEIGHTS}")


def processor(settings: Settings) -> Iterator[Finding]:
    """What the models' engine measured this machine's processor to be fastest in, where it keeps that."""
    setup = settings.engines.get(MODELS_ENGINE.name)
    place = setup.options.get(KERNELS) if setup is not None else None
    if setup is None or not isinstance(place, str) or not place:
        return
    if any(version_of(name) is None for name in MODELS_ENGINE.packages):
        return  # nothing will be measured, which is said with the packages
    if likely_kind(str(setup.options.get(DEVICE) or AUTO)) != "cpu":
        return  # it renders on a graphics card
    kept = kept_choices(Path(place))
    if not kept:
        remedy = "The first render with a model measures it, in half a second."
        yield Finding("processor", Verdict.OPTIONAL, f"not measured yet; {place} will keep it", remedy)
        return
    for measured_with, choice in kept.items():  # all: only torch knows which of them it would take now
        ways = ", ".join(name for name, taken in choice.items() if taken) or "torch's own ways"
        found = f"fastest with {ways}, measured with {measured_with}; delete {place} to measure again"
        yield Finding("processor", Verdict.GOOD, found)


def disk(store: Path) -> Iterator[Finding]:
    """Whether the store's folder can be written, a server could use what is in it, and how much room is left."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        probe = store / "doctor.probe"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(store).free
    except OSError as error:
        yield Finding(
            "store",
            Verdict.BAD,
            f"{store} cannot be written: {error.strerror}",
            "Choose another one with --store.",
        )
        return
    if (problem := problem_of(store / DATABASE)) is not None:
        yield Finding("store", Verdict.BAD, problem.sentence, problem.remedy)
    low = free < LOW_DISK_BYTES
    text = f"{store}, {free / 2**30:.1f} GB free"
    yield Finding(
        "store", Verdict.BAD if low else Verdict.GOOD, text, "Free some space, or takebridge store sweep."
    )


def audio_devices() -> Iterator[Finding]:
    """Whether takes can play through this machine's sound device, and which transports they can follow."""
    try:
        outputs = SoundDevices().list()
    except ProtocolError as error:
        yield Finding("audition", Verdict.OPTIONAL, error.sentence, error.remedy)
    else:
        if outputs:
            yield Finding(
                "audition",
                Verdict.GOOD,
                f"{len(outputs)} sound devices, the system's own: {outputs[0].label}",
            )
        else:
            yield Finding("audition", Verdict.OPTIONAL, "no sound device", ANY_DEVICE)
    missing = [name for name in SYNC if version_of(name) is None]
    if missing:
        yield Finding(
            "audition in time", Verdict.OPTIONAL, f"over OSC only; missing: {', '.join(missing)}",
            "pip install 'takebridge[midi,jack,link]'",
        )  # fmt: skip
    else:
        yield Finding(
            "audition in time", Verdict.GOOD, "with a DAW over OSC, MIDI clock, JACK and Ableton Link"
        )


def midi() -> Iterator[Finding]:
    """Whether MIDI input works."""
    try:
        names = input_names()
    except ProtocolError as error:
        yield Finding("MIDI", Verdict.OPTIONAL, error.sentence, error.remedy)
        return
    if names:
        yield Finding("MIDI", Verdict.GOOD, f"{len(names)} inputs: {', '.join(names)}")
    else:
        yield Finding("MIDI", Verdict.OPTIONAL, "no input", "Connect one; everything else works without.")


def discovery() -> Iterator[Finding]:
    """Whether a server with --host can be found by others on the network."""
    version = version_of("zeroconf")
    yield Finding(
        "discovery", Verdict.GOOD if version else Verdict.OPTIONAL,
        f"zeroconf {version}" if version else "zeroconf is not installed",
        "pip install 'takebridge[discovery]'; only a server with --host needs it.",
    )  # fmt: skip


def tools() -> Iterator[Finding]:
    """Useful programs that are not required."""
    hints = {
        "oscsend": "To type OSC messages: apt install liblo-tools, or brew install liblo.",
        "fluidsynth": "For accompaniments with your own soundfonts: apt or brew install fluidsynth.",
    }
    for name, hint in hints.items():
        path = shutil.which(name)
        yield Finding(name, Verdict.GOOD if path else Verdict.OPTIONAL, path or "not found", hint)


async def ports(settings: Settings) -> list[Finding]:
    """Whether a server runs, and whether the ports are free for one."""
    found = find_server(settings.store)
    if found is not None:
        try:
            status = await status_of(found)
        except ProtocolError as error:
            return [Finding("server", Verdict.BAD, error.sentence, error.remedy)]
        text = f"runs: OSC {found['osc_port']}, WebSocket {found['websocket_port']}, {status['queued']} jobs waiting"
        return [Finding("server", Verdict.GOOD, text), *render_hosts(ServerStatus.from_stored(status))]
    return [
        port(settings.host, settings.osc_port, "OSC port", socket.SOCK_DGRAM, "--osc-port"),
        port(settings.host, settings.websocket_port, "WebSocket port", socket.SOCK_STREAM, "--port"),
    ]


def render_hosts(status: ServerStatus) -> Iterator[Finding]:
    """What the running server knows of the machines that render for it."""
    for host in status.render_hosts:
        what = f"render host {host.name}"
        if not host.connected:
            remedy = "Check that it runs and that both machines are in one network."
            found = f"cannot be reached: {host.problem}" if host.problem else "has not answered yet"
            yield Finding(what, Verdict.OPTIONAL, found, remedy)
        else:
            yield Finding(what, Verdict.GOOD, f"{host.places} places, {', '.join(host.engines)}")
            yield from (Finding(what, Verdict.OPTIONAL, note) for note in host.notes)


def ports_are_free(settings: Settings) -> tuple[bool, bool]:
    """Whether a server could have its OSC port, and its WebSocket port."""
    osc = port(settings.host, settings.osc_port, "", socket.SOCK_DGRAM, "")
    websocket = port(settings.host, settings.websocket_port, "", socket.SOCK_STREAM, "")
    return osc.verdict is Verdict.GOOD, websocket.verdict is Verdict.GOOD


def port(host: str, number: int, what: str, kind: socket.SocketKind, option: str) -> Finding:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((host, number))
        except OSError as error:
            remedy = f"Another program has it; start the server with another {option}."
            return Finding(what, Verdict.BAD, f"{number}: {error.strerror}", remedy)
    return Finding(what, Verdict.GOOD, f"{number} is free")

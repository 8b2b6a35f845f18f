"""From a wheel to the first aligned clip, as a producer with nothing but Python has it.

    python -m benchmarks.first_clip [--wheel FILE] [--judge processor]

Builds the wheel, and with each installer (pip in a new environment; uv, which is fetched from the package index where
that command is not found) installs it and repaints four bars of the demo's song, with nobody to answer a question.
Prints seconds on the clock and of the processor; fails when a clip does not lie where it was asked for, or takes longer
than a minute: on the clock, or, where others share the machine, of the processor. The packages come from the package
index that each installer uses, or from its cache; where that cannot be reached it says so and times nothing. Without uv
it says so and times pip alone.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).parents[1]
SONG = PROJECT / "examples" / "demo_song" / "demo_song.flac"
REGION = ("--bars", "6-9", "--bpm", "112")
GOAL = 60.0  # seconds
ENDING = ".exe" if sys.platform == "win32" else ""


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--wheel", type=Path, help="a wheel that was built before")
    options.add_argument(
        "--judge", choices=("clock", "processor"), default="clock", help="which minute counts"
    )
    given = options.parse_args()
    if given.judge == "processor" and sys.platform == "win32":
        options.error("Windows does not say what commands took of the processor")
    wheel = given.wheel
    if not packages_can_be_had():
        print("SKIPPED: the first clip is not timed: pip reaches no package index.")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wheel = wheel.absolute() if wheel else built(folder)
        ways: list[tuple[str, Callable[[Path, Path], Path]]] = [("pip", with_pip)]
        if uv := uv_command(folder):
            ways.append(("uv", partial(with_uv, uv)))
        else:
            print("SKIPPED: uv's way is not timed: there is no uv, and pip cannot fetch it.")
        slow = 0
        for name, install in ways:
            own = folder / name
            own.mkdir()
            before, processor = time.monotonic(), used()
            command = install(wheel, own)
            installed = time.monotonic() - before
            first_clip(command, own)
            whole = time.monotonic() - before
            figures = f"installed in {installed:.1f} s, first clip after {whole:.1f} s"
            worked = used() - processor
            print(f"{name}: {figures} ({worked:.1f} s of processor)")
            slow += (worked if given.judge == "processor" else whole) > GOAL
    return 1 if slow else 0


def packages_can_be_had() -> bool:
    """Whether pip finds a small package that the wheel needs."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["pip", "download", "--quiet", "--no-deps", "--dest", folder, "packaging"]
        asked = [sys.executable, "-m", *words, "--disable-pip-version-check"]
        return subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0


def built(folder: Path) -> Path:
    """The wheel, from a copy: building leaves files behind."""
    source = folder / "source"
    shutil.copytree(
        PROJECT, source, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
    )
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            str(folder),
            str(source),
        ]
    )
    return next(folder.glob("*.whl"))


def with_pip(wheel: Path, folder: Path) -> Path:
    run([sys.executable, "-m", "venv", str(folder / "environment")])
    commands = folder / "environment" / ("Scripts" if sys.platform == "win32" else "bin")
    run(
        [
            str(commands / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            str(wheel),
        ]
    )
    return commands / f"takebridge{ENDING}"


def uv_command(folder: Path) -> Path | None:
    """uv: the machine's own, or one in `folder`. None where there is none to be had."""
    if found := shutil.which("uv"):
        return Path(found)
    place = folder / "uv itself"
    words = ["pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(place)]
    pinned = ["--constraint", str(PROJECT / "constraints.txt"), "uv"]
    fetched = subprocess.run([sys.executable, "-m", *words, *pinned], stderr=subprocess.DEVNULL, check=False)
    found = shutil.which("uv", path=str(place / "bin")) if fetched.returncode == 0 else None
    return Path(found) if found else None


def with_uv(uv: Path, wheel: Path, folder: Path) -> Path:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    run([str(uv), "tool", "install", "--quiet", "--python", sys.executable, str(wheel)], places)
    return folder / "bin" / f"takebridge{ENDING}"


def first_clip(command: Path, folder: Path) -> None:
    """Repaints, and checks what came. Raises SystemExit."""
    words = [
        "--store",
        str(folder / "store"),
        "repaint",
        str(SONG),
        *REGION,
        "-o",
        str(folder / "out"),
        "--json",
    ]
    answer = json.loads(run([str(command), *words]))
    (take,) = answer["results"]
    recipe = json.loads(Path(take["files"]["recipe"]).read_text(encoding="utf-8"))
    if not take["passed"] or not recipe["receipt"]["outside_identical"]:
        raise SystemExit(f"The clip is not what was asked for: {take}")


def run(words: list[str], more: Mapping[str, str] | None = None) -> str:
    """What a command prints; nothing is there to answer it. Raises CalledProcessError."""
    environment = {**os.environ, **(more or {})}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return done.stdout


def used() -> float:
    """Processor seconds of all commands so far; Windows does not say."""
    if sys.platform == "win32":
        return 0.0
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


if __name__ == "__main__":
    sys.exit(main())

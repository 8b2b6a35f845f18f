"""Sets the project up and runs its tasks, on Windows, macOS and Linux alike: `python make.py demo`.

Makes a virtual environment in .venv, installs what the task needs at the pinned versions (constraints.txt), once,
and runs the task in it. `make demo` and `make test` call this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
OLDEST = (3, 11)

# Tests mostly wait for something, so that one file more than there are cores is faster (a third on two cores). Those
# that play to a sound card or drive a DAW come after them, one by one: they keep time.
AT_ONCE = min(4, (os.cpu_count() or 1) + 1)
SIDE_BY_SIDE = ["-m", "pytest", "--numprocesses", str(AT_ONCE), "--dist", "loadfile"]
SIDE_BY_SIDE += ["--no-loadscope-reorder"]  # tests/conftest.py has the longest files begin first
ALONE = ["-m", "pytest"]
# Beside others a test may be slower than what it waits for. So few that failed get the machine to themselves once, as
# those marked `alone` do; a fault fails again. Their first failure stays in the output, and they are named at the end.
FEW_FAILED = 3
LAST_FAILED = (
    HERE / ".pytest_cache" / "v" / "cache" / "lastfailed"
)  # pytest's own list, a JSON object by test
TESTS_FAILED = 1  # pytest's status when tests ran and some failed; other troubles have others
NOTHING_TO_TEST = (
    5  # pytest's status when no test was asked for: `make.py test SOME_FILE` may ask for none of a kind
)

INTERRUPTED = 130  # as a shell reports Ctrl-C

# Task -> (extras it needs, commands).
TASKS: dict[str, tuple[str, list[list[str]]]] = {
    "install": ("", []),
    "demo": ("", [["-m", "bridge_server", "demo"]]),
    "serve": ("", [["-m", "bridge_server", "serve"]]),
    "doctor": ("", [["-m", "bridge_server", "doctor"]]),
    "test": ("dev", [[*SIDE_BY_SIDE, "-m", "not alone"], [*ALONE, "-m", "alone"]]),
    "quick": ("dev", [[*SIDE_BY_SIDE, "-m", "not alone and not slow"]]),
    "lint": ("dev", [["-m", "ruff", "check", "."], ["-m", "ruff", "format", "--check", "."], ["-m", "mypy"]]),
    "format": ("dev", [["-m", "ruff", "check", "--fix", "."], ["-m", "ruff", "format", "."]]),
    "docs": ("", [["-m", "bridge_server", "docs"]]),
    "audit": ("audit", [[".ci/audit.py"]]),
}


def main() -> int:
    """Runs the task named on the command line; returns its exit status."""
    if sys.version_info < OLDEST:
        print(f"Takebridge needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
        return 1
    parser = argparse.ArgumentParser(description="Set up Takebridge and run a task.")
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--extras", default="", help="also install these extras, such as acestep,midi")
    arguments, rest = parser.parse_known_args()
    extras, commands = TASKS[arguments.task]
    wanted = ",".join(sorted({name for name in f"{extras},{arguments.extras}".split(",") if name}))
    python = prepare(wanted)
    for command in commands:
        before = last_failed()
        status = run([str(python), *command, *rest])
        if status == TESTS_FAILED and command[: len(SIDE_BY_SIDE)] == SIDE_BY_SIDE:
            status = once_more_alone(python, command[len(SIDE_BY_SIDE) :], rest, last_failed() - before)
        if status and not (status == NOTHING_TO_TEST and "pytest" in command):
            return status
    if arguments.task in ("install", "demo"):
        print(how_to_call())
    return 0


def last_failed() -> set[str]:
    """The tests that failed when they were run last, by pytest's own names."""
    return set(json.loads(LAST_FAILED.read_text(encoding="utf-8"))) if LAST_FAILED.is_file() else set()


def once_more_alone(python: Path, chosen: list[str], rest: list[str], failed: set[str]) -> int:
    """Runs what just failed side by side again, by itself, if it is little; returns the exit status that counts."""
    if not 0 < len(failed) <= FEW_FAILED:
        return TESTS_FAILED
    print(f"\nOnce more, with nothing beside it: {', '.join(sorted(failed))}", flush=True)
    status = run([str(python), *ALONE, "--last-failed", *chosen, *rest])
    if status == 0:
        names = "\n".join(f"  {name}" for name in sorted(failed))
        print(
            f"\nFAILED BESIDE OTHERS, PASSED ALONE. Each hides a race, of the test or of the product:\n{names}\n"
        )
    return status


def how_to_call(windows: bool = os.name == "nt") -> str:
    """Where the command is, for whoever wants to go on: nothing was put on the PATH."""
    command = r".venv\Scripts\takebridge" if windows else ".venv/bin/takebridge"
    return f"The command is {command}, in {HERE}. Next: {command} serve"


def environment_of(words: list[str]) -> dict[str, str]:
    """What a command finds in its environment."""
    # Containers often tell Python to keep no compiled code. Tests start it some thousand times, and each time it would
    # compile everything again, for as long as it then works.
    found = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if "--numprocesses" in words:
        # With a thread for every core in each process, they would wait for one another.
        found.setdefault("OMP_NUM_THREADS", "1")
    return found


def run(words: list[str]) -> int:
    """A command's exit status. Ctrl-C reaches the command as well, which says goodbye in its own way."""
    with subprocess.Popen(words, cwd=HERE, env=environment_of(words)) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def prepare(extras: str) -> Path:
    """The environment's Python, with everything installed; does nothing when that was done before."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = ENVIRONMENT / f"installed-{extras or 'base'}"
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes() + (HERE / "constraints.txt").read_bytes())
    if stamp.is_file() and stamp.read_text() == wanted.hexdigest():
        return python
    if not python.is_file():
        print("Making a virtual environment in .venv ...", flush=True)
        make_environment()
    target = f".[{extras}]" if extras else "."
    print(f"Installing {target} (once; pip shows nothing while all goes well) ...", flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "--constraint", "constraints.txt", "--editable", target], cwd=HERE)
    stamp.write_text(wanted.hexdigest())
    return python


def make_environment() -> None:
    """Makes .venv, or says which system package is missing."""
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except (subprocess.CalledProcessError, OSError):
        print("Python cannot make virtual environments here: its venv package is missing.")
        print("Debian and Ubuntu: sudo apt install python3-venv. Fedora: it comes with python3-pip.")
        raise SystemExit(1) from None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print("Installing failed; what pip printed above says why. Is the internet reachable?")
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.")
        sys.exit(INTERRUPTED)

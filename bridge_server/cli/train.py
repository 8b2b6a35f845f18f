"""`takebridge train`: asks for consent, has an adapter trained in a process of its own, and shows how it goes.

This process reads the news; a second thread asks the running server whether it renders, and lets the training wait.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.markup import escape

from bridge_server.cli.client import status_of
from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen, progress_bar
from bridge_server.server import find_server
from bridge_server.training.loss_plot import averaged, loss_picture
from bridge_server.training.song_folder import SongToLearn, songs_in
from bridge_server.training.training_process import TrainingProcess
from clip_store.atomic_file import write_whole
from clip_store.errors import StoreError
from daw_protocol.errors import ErrorCode, ProtocolError

RUNS = "training"
"""The folder of the store where unfinished trainings are."""
PLOT = "loss.png"
FIRST_FILE, PART = "adapter_config.json", ".part"
PLOT_EVERY = 10  # steps
LOOK_SECONDS = 2.0  # between two looks at what the server does
JOIN_SECONDS = 1.0  # for a look that still waits for a server; afterwards it ends with this process
ANSWER_SECONDS = 5.0  # a server that says nothing for so long renders nothing either
FEW = 3  # songs: fewer teach one song rather than a sound
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
QUESTION = (
    "Do you have the right to train on these songs, and did everyone who performs on them agree? Type yes: "
)


@dataclass(frozen=True)
class TrainingWish:
    """What was typed. out: where the adapter's folder goes. changed: settings that differ from the preset's."""

    name: str
    songs: Path
    out: Path
    consent: bool
    store: Path
    models: Path
    checkpoint: str
    device: str
    memory: int
    changed: Mapping[str, object]

    @property
    def run(self) -> Path:
        """The folder of what is unfinished."""
        return self.store / RUNS / self.name

    @property
    def adapter(self) -> Path:
        return self.out / self.name


def train(screen: Screen, wish: TrainingWish, yields: bool = True) -> int:
    """Trains and writes the adapter, at low priority if it `yields`. Returns the exit status. Raises ProtocolError."""
    _refuse_name(wish)
    songs = songs_in(wish.songs)
    screen.say(f"{len(songs)} {'song' if len(songs) == 1 else 'songs'}, {_minutes(songs)} in all:")
    for song in songs:
        screen.say(escape(f"  {song.path.name}: {song.words['caption']}"))
    if len(songs) < FEW:
        screen.say("[yellow]So few songs teach the model these songs rather than a sound.[/yellow]")
    consent = _consent(wish, songs)
    with _only_one(wish):
        return _train(screen, wish, songs, consent, yields)


def _train(
    screen: Screen, wish: TrainingWish, songs: list[SongToLearn], consent: Mapping[str, Any], yields: bool
) -> int:
    _refuse_name(wish)  # by now another training may have finished under it
    _save(_consent_path(wish), json.dumps(consent, indent=1).encode())
    paths = {song.digest: song.path for song in songs}
    training = TrainingProcess(_order(wish, songs, consent), paths, yields)
    try:
        with _yielding(wish.store, training):
            made = _followed(screen, wish, training)
    except KeyboardInterrupt:
        return _interrupted(screen, training)
    finally:
        training.close()
    _save(wish.adapter / PLOT, _picture(wish, made["losses"], made["checks"], len(made["losses"])))
    shutil.rmtree(
        wish.run, ignore_errors=True
    )  # prepared songs and states are as large as the adapter several times
    if made["stopped_early"]:
        screen.say("Stopped early: the last checks brought nothing better. The best numbers are kept.")
    screen.say(escape(f"The adapter is {made['adapter']}; {PLOT} next to it shows the loss."))
    named = f"{wish.name}/{Path(made['adapter']).name}"
    screen.say(escape(f"Use it where the server may read it: --options '{json.dumps({'adapter': named})}'"))
    screen.result(
        {name: value for name, value in made.items() if name != "losses"} | {"steps": len(made["losses"])}
    )
    return DONE


@contextmanager
def _only_one(wish: TrainingWish) -> Iterator[None]:
    """Inside, no other process trains under this name in this store. Raises ProtocolError where one does."""
    path = wish.run.with_name(f"{wish.name}.lock")  # next to the run, which is removed at the end
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise ProtocolError(
            ErrorCode.ID_IN_USE,
            f"{wish.name} is being trained already.",
            "Wait until that training has finished, stop it with Ctrl-C, or choose another name.",
            "name",
        ) from error
    except OSError as error:
        raise ProtocolError(
            ErrorCode.STORE_FAILED,
            f"The training cannot write into {path.parent}: {error.strerror}.",
            "Choose a writable folder with --store.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _refuse_name(wish: TrainingWish) -> None:
    """Raises ProtocolError for a name that cannot be a folder's, and for one that is taken."""
    if not _NAME.fullmatch(wish.name):
        raise ProtocolError(
            ErrorCode.OUT_OF_RANGE,
            f"{wish.name!r} is no name for an adapter.",
            "Use up to 64 letters, digits, - and _, such as brushes.",
            "name",
        )
    if _is_taken(wish.adapter):
        raise ProtocolError(
            ErrorCode.ID_IN_USE,
            f"There is already something called {wish.name} in {wish.out}.",
            "Choose another name, or another folder with --out.",
            "name",
        )


def _is_taken(folder: Path) -> bool:
    """Whether something is there; not what a full disk left of an adapter, whose main file is written last."""
    if not folder.is_dir():
        return folder.exists()
    return any(one.name != FIRST_FILE and one.suffix != PART for one in folder.iterdir())


def _consent(wish: TrainingWish, songs: list[SongToLearn]) -> dict[str, Any]:
    """The consent, given now or when the training began, with the digests of the songs. Raises ProtocolError."""
    digests = sorted(song.digest for song in songs)
    try:
        kept = json.loads(_consent_path(wish).read_text(encoding="utf-8"))
        if isinstance(kept, dict) and kept.get("songs") == digests:
            return kept
    except (OSError, ValueError):
        pass  # none was kept, or not all of it: ask
    if not wish.consent and not (sys.stdin.isatty() and input(QUESTION).strip().lower() == "yes"):
        raise ProtocolError(
            ErrorCode.NOT_ALLOWED,
            "Training needs the right to these songs and the consent of everyone who performs on them.",
            "If you have both, add --consent. The adapter's file records it, with the digests of the songs.",
            "consent",
        )
    return {"songs": digests, "given": datetime.now(UTC).isoformat(timespec="seconds")}


def _consent_path(wish: TrainingWish) -> Path:
    return wish.run / "consent.json"


def _order(wish: TrainingWish, songs: list[SongToLearn], consent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": wish.name,
        "models": str(wish.models),
        "checkpoint": wish.checkpoint,
        "device": wish.device,
        "memory": wish.memory,
        "changed": dict(wish.changed),
        "songs": [song.fields for song in songs],
        "run": str(wish.run),
        "adapter": str(wish.adapter),
        "about": {"consent": dict(consent)},
    }


def _followed(screen: Screen, wish: TrainingWish, training: TrainingProcess) -> dict[str, Any]:
    """Shows the news until the result, and draws the loss now and then. Raises ProtocolError."""
    losses: list[float] = []
    checks: list[tuple[int, float]] = []
    last: dict[str, Any] = {}
    with progress_bar(screen) as bar:
        task = bar.add_task("starting", total=1.0)
        for news in training.news():
            last = news
            if "phase" not in news:
                continue
            words = str(news["phase"])
            if "losses" in news:  # of before, where a training goes on
                losses = [float(loss) for loss in news["losses"]]
                checks = [(int(step), float(loss)) for step, loss in news["checks"]]
            if "step" in news:
                losses.append(float(news["loss"]))
                if news["checked"] is not None:
                    checks.append((len(losses), float(news["checked"])))
                words = f"step {news['step']}, loss {averaged(losses)[-1]:.4f}"
                if len(losses) % PLOT_EVERY == 0 or news["checked"] is not None:
                    share = max(float(news["share"]), 1e-9)
                    _save(wish.run / PLOT, _picture(wish, losses, checks, round(news["step"] / share)))
            bar.update(task, description=escape(words), completed=float(news["share"]))
    return last


def _picture(wish: TrainingWish, losses: list[float], checks: list[tuple[int, float]], steps: int) -> bytes:
    return loss_picture(
        f"{wish.name}: loss", steps, losses, [(int(step), float(loss)) for step, loss in checks]
    )


def _interrupted(screen: Screen, training: TrainingProcess) -> int:
    """Ctrl-C: waits until the training has kept its state. A second one ends it at once."""
    screen.say("Stopping after this example ...")
    training.stop()
    try:
        for _ in training.news():
            pass
    except ProtocolError as ended:
        screen.say(escape(f"{ended.sentence} {ended.remedy}"))
        if ended.code is not ErrorCode.CANCELLED:
            return PROBLEM
    return INTERRUPTED


@contextmanager
def _yielding(store: Path, training: TrainingProcess) -> Iterator[None]:
    """Inside, the training waits whenever the server of this store renders.

    A thread of its own asks the server, so that one that hangs holds up neither the news nor the end.
    """
    over = threading.Event()

    def watch() -> None:
        paused = False
        while not over.wait(LOOK_SECONDS):
            if (busy := _renders(store)) != paused and not over.is_set():
                paused = busy
                training.pause(paused)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(JOIN_SECONDS)
        training.pause(False)


def _renders(store: Path) -> bool:
    """Whether a server runs on this store and says in time that it renders at this moment; never raises."""
    try:
        found = find_server(store)
        if found is None:
            return False
        return bool(asyncio.run(asyncio.wait_for(status_of(found), ANSWER_SECONDS))["renders"])
    except Exception:  # it is ending, hangs, or is none of ours: no training waits for that
        return False


def _save(path: Path, data: bytes) -> None:
    """Raises ProtocolError."""
    try:
        write_whole(path, [data])
    except StoreError as error:
        raise ProtocolError(ErrorCode.STORE_FAILED, error.sentence, error.remedy) from error


def _minutes(songs: list[SongToLearn]) -> str:
    minutes, seconds = divmod(round(sum(song.seconds for song in songs)), 60)
    return f"{minutes}:{seconds:02d}"

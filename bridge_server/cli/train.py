"""`takebridge train`: asks for consent, has an adapter trained in a process of its own, and shows how it goes.

This process reads the news; a second thread asks the running server whether it renders, and lets the training wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from bridge_server.cli.client import status_of
from bridge_server.cli.commands import DONE, INTERRUPTED, PROBLEM, Screen, progress_bar
from bridge_server.server import find_server
from bridge_server.studio.hosted_process import at_host
from bridge_server.studio.join_string import JoinString
from bridge_server.training.kept_trainings import PLOT
from bridge_server.training.loss_plot import averaged
from bridge_server.training.song_folder import SongToLearn, songs_in
from bridge_server.training.training import Trained, Training
from bridge_server.training.training_process import TrainingProcess
from bridge_server.training.training_wish import (
    TrainingWish,
    consent_now,
    kept_consent,
    no_consent,
    only_one,
    refuse_name,
)
from daw_protocol.errors import ErrorCode, ProtocolError

LOOK_SECONDS = 2.0  # between two looks at what the server does
JOIN_SECONDS = 1.0  # for a look that still waits for a server; afterwards it ends with this process
ANSWER_SECONDS = 5.0  # a server that says nothing for so long renders nothing either
FEW = 3  # songs: fewer teach one song rather than a sound
QUESTION = (
    "Do you have the right to train on these songs, and did everyone who performs on them agree? Type yes: "
)


def train(screen: Screen, wish: TrainingWish, yields: bool = True, join: JoinString | None = None) -> int:
    """Trains and writes the adapter, at low priority if it `yields`. Returns the exit status. Raises ProtocolError.

    join: the render host that trains instead.
    """
    refuse_name(wish)
    songs = songs_in(wish.songs)
    screen.say(f"{len(songs)} {'song' if len(songs) == 1 else 'songs'}, {_minutes(songs)} in all:")
    for song in songs:
        screen.say(escape(f"  {song.path.name}: {song.words['caption']}"))
    if len(songs) < FEW:
        screen.say("[yellow]So few songs teach the model these songs rather than a sound.[/yellow]")
    if join is not None:
        screen.say(
            escape(f"They are sent to the render host at {join.address}, and removed there at the end.")
        )
    consent = _consent(wish, songs)
    if not wish.describe:
        songs = [song.as_it_is() for song in songs]
    with only_one(wish):
        start = TrainingProcess if join is None else at_host(join)
        return _train(screen, wish, Training(wish, songs, consent, yields, start=start))


def _train(screen: Screen, wish: TrainingWish, training: Training) -> int:
    try:
        training.keep(under_way=False)  # it is this command's, not a server's to go on with
        with _yielding(wish.store, training):
            made = _followed(screen, training)
    except KeyboardInterrupt:
        return _interrupted(screen, training)
    except ProtocolError as error:
        with contextlib.suppress(ProtocolError):  # the first error is the one that counts
            training.keep(False, error.sentence, error.remedy)
        raise
    finally:
        training.close()
    if made.stopped_early:
        screen.say("Stopped early: the last checks brought nothing better. The best numbers are kept.")
    screen.say(escape(f"The adapter is {made.file}; {PLOT} next to it shows the loss."))
    named = f"{wish.name}/{Path(made.file).name}"
    screen.say(escape(f"Use it where the server may read it: --options '{json.dumps({'adapter': named})}'"))
    screen.result(
        {
            "adapter": made.file,
            "stopped_early": made.stopped_early,
            "checks": [list(check) for check in made.measured.checks],
            "steps": len(made.measured.losses),
        }
    )
    return DONE


def _consent(wish: TrainingWish, songs: list[SongToLearn]) -> dict[str, Any]:
    """The consent, given now or when the training began, with the digests of the songs. Raises ProtocolError."""
    if (kept := kept_consent(wish, songs)) is not None:
        return kept
    if not wish.consent and not (sys.stdin.isatty() and input(QUESTION).strip().lower() == "yes"):
        raise no_consent()
    return consent_now(songs)


def _followed(screen: Screen, training: Training) -> Trained:
    """Shows the news until the result. Raises ProtocolError."""
    with progress_bar(screen) as bar:
        task = bar.add_task("starting", total=1.0)
        for standing in training.follow():
            words = standing.phase
            for song, caption in standing.described.items():
                screen.say(escape(f"  {song}, as the planner hears it: {caption}"))
            if standing.skipped:
                screen.say(escape(f"A preview was left out: {standing.skipped}"))
            if standing.loss is not None:
                words = f"step {standing.step}, loss {averaged(training.measured.losses)[-1]:.4f}"
            bar.update(task, description=escape(words), completed=standing.share)
    assert training.made is not None, "it told everything"
    return training.made


def _interrupted(screen: Screen, training: Training) -> int:
    """Ctrl-C: waits until the training has kept its state. A second one ends it at once."""
    screen.say("Stopping ...")
    training.stop()
    try:
        for _ in training.follow():
            pass
    except ProtocolError as ended:
        with contextlib.suppress(ProtocolError):  # what it learnt is kept; this is for show
            training.keep(under_way=False)
        screen.say(escape(f"{ended.sentence} {ended.remedy}"))
        if ended.code is not ErrorCode.CANCELLED:
            return PROBLEM
    return INTERRUPTED


@contextmanager
def _yielding(store: Path, training: Training) -> Iterator[None]:
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


def _minutes(songs: list[SongToLearn]) -> str:
    minutes, seconds = divmod(round(sum(song.seconds for song in songs)), 60)
    return f"{minutes}:{seconds:02d}"

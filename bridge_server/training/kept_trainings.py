"""What the disk says of trainings: those that are unfinished in a store, and adapters that are whole.

Each unfinished one has a folder with its wish and what became of it; each finished one a report beside its adapter.
Nothing here raises for a file that is damaged or gone: such a training has less to tell.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bridge_server.training.song_folder import SongToLearn
from bridge_server.training.training_wish import (
    ADAPTERS,
    NAME,
    RUNS,
    TrainingWish,
    kept_consent,
    lock_path,
    save,
    wish_from_fields,
)
from daw_protocol.errors import ErrorCode, ProtocolError

log = logging.getLogger(__name__)

WISH, REPORT, PREVIEWS, PLOT = "wish.json", "training.json", "previews", "loss.png"
STATE = "state"
"""How the file begins in which a trainer keeps what was learnt."""
AT_HOST = "at_host.json"
"""What a render host was given to train; as long as it is there, so may be the songs and what was learnt."""
ADAPTER_FILES = ("adapter_model.safetensors", "lokr_weights.safetensors")


@dataclass(frozen=True)
class Measured:
    """What was measured: the loss of every step, (step, loss) of the checks, and the number of steps wanted."""

    losses: tuple[float, ...] = ()
    checks: tuple[tuple[int, float], ...] = ()
    steps: int = 0

    def to_fields(self) -> dict[str, Any]:
        return {
            "losses": list(self.losses),
            "checks": [list(one) for one in self.checks],
            "steps": self.steps,
        }


@dataclass(frozen=True)
class KeptTraining:
    """A training as its files show it.

    wish: None where it is finished. adapter: the finished file. under_way: it was when its server ended. elsewhere:
    another program trains it now. sentence, remedy: why it failed. songs: their names; described: those that a planner
    wrote about. written: when, in seconds of the system's clock.
    """

    name: str
    folder: Path
    wish: TrainingWish | None = None
    adapter: Path | None = None
    under_way: bool = False
    elsewhere: bool = False
    sentence: str = ""
    remedy: str = ""
    songs: tuple[str, ...] = ()
    described: tuple[str, ...] = ()
    measured: Measured = field(default_factory=Measured)
    written: float = 0.0

    @property
    def previews(self) -> tuple[str, ...]:
        """The names of what was rendered on the way, in order."""
        return preview_names(self.folder)


def keep_wish(
    wish: TrainingWish,
    under_way: bool,
    songs: tuple[str, ...],
    measured: Measured,
    sentence: str = "",
    remedy: str = "",
    described: tuple[str, ...] = (),
) -> None:
    """Raises ProtocolError if the disk refuses."""
    fields = {"wish": wish.to_fields(), "under_way": under_way, "sentence": sentence, "remedy": remedy}
    shown = {"songs": songs, "described": described, **measured.to_fields()}
    save(wish.run / WISH, json.dumps({**fields, **shown}).encode())


def keep_report(
    folder: Path, songs: tuple[str, ...], measured: Measured, described: tuple[str, ...] = ()
) -> None:
    """Beside a finished adapter. Raises ProtocolError if the disk refuses."""
    shown = {"songs": songs, "described": described, **measured.to_fields()}
    save(folder / REPORT, json.dumps(shown).encode())


def refuse_other(wish: TrainingWish, songs: Sequence[SongToLearn]) -> None:
    """Raises ProtocolError where something was learnt under this name from other songs or with other settings: begun
    anew, it would lose what it takes to go on with."""
    if not any(wish.run.glob(f"{STATE}.*")) and not (wish.run / AT_HOST).exists():
        return
    kept = unfinished_in(wish.run)
    before = wish if kept is None or kept.wish is None else kept.wish
    memory = {wish.memory, before.memory} - {0}
    if kept_consent(wish, songs) is None or _what_counts(wish) != _what_counts(before) or len(memory) > 1:
        raise ProtocolError(
            ErrorCode.ID_IN_USE,
            f"The training in {wish.name} was begun with other songs, settings or another checkpoint.",
            "Start it as it was begun, or choose another name.",
            "name",
        )


def _what_counts(wish: TrainingWish) -> tuple[object, ...]:
    """What another value of would be another training."""
    return wish.checkpoint, dict(wish.changed), wish.describe, bool(wish.on)


def kept_trainings(store: Path) -> list[KeptTraining]:
    """Unfinished ones and the server's finished ones, each by name."""
    unfinished = [found for path in _folders(store / RUNS) if (found := unfinished_in(path)) is not None]
    finished = [found for path in _folders(store / ADAPTERS) if (found := _finished(path)) is not None]
    names = {one.name for one in finished}
    return [*(one for one in unfinished if one.name not in names), *finished]


def settle(run: Path, adapter: Path) -> None:
    """Puts the previews of a finished training beside its adapter, and removes what was unfinished of it.

    adapter: its folder. Raises OSError where a disk refuses the previews: only they stay.
    """
    with contextlib.suppress(OSError):  # first, since it is not unfinished any more; else with the rest
        (run / WISH).unlink(missing_ok=True)
    moved = False
    try:
        if (run / PREVIEWS).is_dir():
            (adapter / PREVIEWS).mkdir(exist_ok=True)
            for path in sorted((run / PREVIEWS).iterdir()):
                shutil.move(path, adapter / PREVIEWS / path.name)  # maybe to another disk
        moved = True
    finally:
        remove_run(run, keep=() if moved else (PREVIEWS,))


def remove_run(run: Path, keep: tuple[str, ...] = ()) -> None:
    """Removes the folder of an unfinished training, but for what is to be kept. Raises OSError.

    What says that there is a training goes last, so that what a disk refused can be removed again. Prepared songs and
    states are as large as the adapter several times: one file that is open keeps no other.
    """
    refused: list[OSError] = []
    for path in sorted(run.iterdir(), key=lambda path: path.name == WISH):
        if path.name in keep or (path.name == WISH and refused):
            continue
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    if not keep:
        run.rmdir()


def settle_finished(store: Path) -> None:
    """Removes what is left of the server's finished trainings, as when it was killed just then."""
    for run in _folders(store / RUNS):
        adapter = store / ADAPTERS / run.name
        kept = unfinished_in(run)
        # A command may put its own elsewhere.
        theirs = kept is not None and kept.wish is not None and kept.wish.out != adapter.parent
        unknown = kept is None and (run / WISH).exists()
        if adapter_in(adapter) is None or theirs or unknown or is_being_trained(store, run.name):
            continue
        try:
            settle(run, adapter)
        except OSError as error:
            log.warning("Something is left of a finished training: %s", type(error).__name__)


def is_being_trained(store: Path, name: str) -> bool:
    """Whether some process trains under this name."""
    path = lock_path(store, name)
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def preview_names(folder: Path) -> tuple[str, ...]:
    """By step, the finished adapter's last."""
    try:
        names = [path.stem for path in (folder / PREVIEWS).iterdir() if path.suffix == ".wav"]
    except OSError:
        return ()
    return tuple(
        sorted(names, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    )


def adapter_in(folder: Path) -> Path | None:
    """The file that requests name."""
    return next((folder / name for name in ADAPTER_FILES if (folder / name).is_file()), None)


def _folders(place: Path) -> Iterator[Path]:
    try:
        found = sorted(path for path in place.iterdir() if path.is_dir() and NAME.fullmatch(path.name))
    except OSError:
        return
    yield from found


def unfinished_in(folder: Path) -> KeptTraining | None:
    """What the folder of an unfinished training says; None where it says nothing."""
    fields = _read(folder / WISH)
    if not fields:
        return None
    try:
        # The store may have been moved since.
        wish = replace(wish_from_fields(fields["wish"]), store=folder.parent.parent, name=folder.name)
    except (KeyError, TypeError):
        return None
    return KeptTraining(
        folder.name, folder, wish, None, bool(fields.get("under_way")),
        is_being_trained(folder.parent.parent, folder.name), str(fields.get("sentence", "")),
        str(fields.get("remedy", "")), _texts(fields.get("songs")), _texts(fields.get("described")),
        _measured(fields), _written(folder / WISH),
    )  # fmt: skip


def _finished(folder: Path) -> KeptTraining | None:
    adapter = adapter_in(folder)
    if adapter is None:
        return None
    fields = _read(folder / REPORT)
    return KeptTraining(
        folder.name, folder, adapter=adapter, songs=_texts(fields.get("songs")),
        described=_texts(fields.get("described")), measured=_measured(fields), written=_written(adapter),
    )  # fmt: skip


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _measured(fields: Mapping[str, Any]) -> Measured:
    try:
        losses = tuple(float(loss) for loss in fields["losses"])
        checks = tuple((int(step), float(loss)) for step, loss in fields["checks"])
        return Measured(losses, checks, max(0, int(fields["steps"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        return Measured()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()

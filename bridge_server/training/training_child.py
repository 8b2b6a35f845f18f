"""The training's process: reads songs, trains at low priority, and tells through a pipe how far it is.

The main thread trains and alone writes to the pipe. A second thread reads the pipe, so that a stop or a pause takes
effect between two examples; a closed pipe means that whoever ordered the training is gone, and ends the process at
once: its last state is on the disk.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge_server.log_words import traceback_text
from bridge_server.platforms import ignore_interrupt, send_or_end, yield_to_others
from bridge_server.training.preview_folder import PreviewFolder
from bridge_server.training.song_folder import MAX_SECONDS
from clip_store.audio.audio_file import read_audio
from clip_store.errors import ClipStoreError
from model.errors import CannotRender, EngineError, NotLoaded, RanOutOfMemory, RenderStopped

NEWS, DONE, STOPPED, REFUSED, NOT_READY, MEMORY, BROKE = (
    "news", "done", "stopped", "refused", "not ready", "memory", "broke",
)  # fmt: skip
"""The kinds of messages to whoever ordered the training, each with a table of its own."""
STOP, PAUSE, GO_ON = "stop", "pause", "go on"
"""The messages to the training."""

Samples = NDArray[np.floating[Any]]


class Wishes:
    """What was asked of a running training, by another thread."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._go.set()
        self._stop = threading.Event()

    def take(self, message: str) -> None:
        if message == STOP:
            self._stop.set()
        if message != PAUSE:
            self._go.set()
        elif not self._stop.is_set():  # a render that begins meanwhile does not hold up the end
            self._go.clear()

    def should_stop(self) -> bool:
        """Waits as long as the training is paused."""
        self._go.wait()
        return self._stop.is_set()


def training_main(
    connection: Connection, order: Mapping[str, Any], paths: Mapping[str, Path], yields: bool, trainer: str
) -> None:
    """Entry point of the process. paths: of the songs, by digest. yields: whether it lowers its priority.

    trainer: the module that trains.
    """
    ignore_interrupt()
    wishes = Wishes()
    threading.Thread(target=_listen, args=(connection, wishes), daemon=True).start()
    if yields:
        yield_to_others()

    def read(digest: str) -> tuple[Samples, int]:
        audio = read_audio(paths[digest], MAX_SECONDS)
        if audio.digest != digest:  # what may be learnt from is that audio and no other
            raise CannotRender(
                f"{paths[digest].name} is not the song it was when the training began.",
                "Put it back, or start a training under another name.",
            )
        return np.ascontiguousarray(audio.samples, dtype=np.float32), audio.rate

    shelf = PreviewFolder(Path(order["run"]))
    send_or_end(connection, _carried_out(trainer, order, read, shelf, connection, wishes))


def _carried_out(
    trainer: str,
    order: Mapping[str, Any],
    read: Any,
    shelf: PreviewFolder,
    connection: Connection,
    wishes: Wishes,
) -> tuple[str, dict[str, Any]]:
    """The last message."""
    try:
        made = importlib.import_module(trainer).train_order(
            order, read, lambda news: send_or_end(connection, (NEWS, news)), wishes.should_stop, shelf
        )
        return DONE, made
    except RenderStopped:
        return STOPPED, {}
    except ImportError as missing:
        sentence = f"Training needs packages that are not installed: {missing.name}."
        return NOT_READY, {"sentence": sentence, "remedy": "pip install 'takebridge[acestep]'"}
    except NotLoaded as error:
        return NOT_READY, _words(error)
    except RanOutOfMemory as error:
        return MEMORY, _words(error)
    except (EngineError, ClipStoreError) as error:
        return REFUSED, _words(error)
    except MemoryError:
        return MEMORY, {
            "sentence": "The machine ran out of memory during the training.",
            "remedy": "Close other programs, or choose less memory to fit into (--memory).",
        }
    except Exception as error:  # a bug in the trainer must not look like a process that was killed
        return BROKE, {
            "sentence": f"{type(error).__name__} in the training.",
            "remedy": traceback_text(error),
        }


def _words(error: EngineError | ClipStoreError) -> dict[str, Any]:
    return {"sentence": error.sentence, "remedy": error.remedy}


def _listen(connection: Connection, wishes: Wishes) -> None:
    while True:
        try:
            wishes.take(str(connection.recv()))
        except (EOFError, OSError):
            os._exit(0)

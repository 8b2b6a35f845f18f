"""One training under way, as whoever ordered it follows it: the news of its process, the curve, the files that show it.

Blocking: one thread follows; any thread may stop or pause.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge_server.log_words import Private
from bridge_server.training.kept_trainings import (
    PLOT,
    Measured,
    keep_report,
    keep_wish,
    refuse_other,
    settle,
    unfinished_in,
)
from bridge_server.training.loss_plot import loss_picture
from bridge_server.training.song_folder import SongToLearn
from bridge_server.training.training_process import Start, TrainingProcess
from bridge_server.training.training_wish import CONSENT, TrainingWish, order_of, refuse_name, save
from daw_protocol.errors import ProtocolError

log = logging.getLogger(__name__)

PLOT_EVERY = 10  # steps
PACE_STEPS = 20
"""The time that is left goes by the median of the last few steps: one that waited for a render counts for little."""


@dataclass(frozen=True)
class Standing:
    """How far a training is. phase: in words. share: of the phase, 0 to 1; of the whole training from its steps on.

    step, steps: taken, and wanted; 0 until they are known. loss, checked: of the step just taken, on its own examples
    and, where it was measured, on the fixed ones. preview: the name of one that was just rendered; skipped: why
    one could not be. described: captions that a planner wrote, by the song's name.
    """

    phase: str
    share: float
    step: int = 0
    steps: int = 0
    loss: float | None = None
    checked: float | None = None
    seconds_left: float | None = None
    preview: str = ""
    skipped: str = ""
    described: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False


@dataclass(frozen=True)
class Trained:
    """How a training ended. file: the adapter's. measured: of all steps."""

    file: str
    stopped_early: bool
    measured: Measured


class Training:
    """Owns the process until `close`. The wish's lock is held by whoever makes this. Raises ProtocolError.

    start: begins what trains. It is followed and closed by the thread that made this.
    """

    def __init__(
        self,
        wish: TrainingWish,
        songs: Sequence[SongToLearn],
        consent: Mapping[str, Any],
        yields: bool = True,
        clock: Callable[[], float] = time.monotonic,
        start: Start = TrainingProcess,
    ) -> None:
        refuse_name(wish)  # by now another training may have finished under it
        refuse_other(wish, songs)
        self.wish = wish
        self.songs = tuple(song.path.name for song in songs)
        kept = unfinished_in(wish.run)
        before = (
            Measured() if kept is None else kept.measured
        )  # to be seen until the process has read its state
        self.described = () if kept is None else kept.described  # songs that a planner wrote about
        self._losses = list(before.losses)  # changed by the thread that follows, copied by whoever shows them
        self._checks = list(before.checks)
        self._steps = before.steps
        self._has_begun = False  # the process has told of a step, taken now or before
        self.made: Trained | None = None
        self._clock = clock
        self._paces: deque[float] = deque(maxlen=PACE_STEPS)
        self._last: float | None = None
        save(wish.run / CONSENT, json.dumps(dict(consent), indent=1).encode())
        paths = {song.digest: song.path for song in songs}
        self._process = start(order_of(wish, songs, consent), paths, yields)

    @property
    def measured(self) -> Measured:
        """Everything measured so far."""
        return Measured(tuple(self._losses), tuple(self._checks), self._steps)

    def follow(self) -> Iterator[Standing]:
        """Everything it tells, until `made` says how it ended. Raises ProtocolError when it ends otherwise."""
        for news in self._process.news():
            if "adapter" in news:
                self._finish(news)
                return
            yield self._standing(news)

    def stop(self) -> None:
        """Ends it within a moment; its state is kept. `follow` ends with an error that says so."""
        self._process.stop()

    def leave(self) -> None:
        """As `stop`, but one at a render host goes on there."""
        self._process.leave()

    def pause(self, paused: bool) -> None:
        """Waits within a moment, or goes on."""
        self._process.pause(paused)

    def end(self) -> None:
        """Kills the process, whatever it is at. Whoever follows learns of it."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process, however far it is."""
        self._process.close()

    def keep(self, under_way: bool, sentence: str = "", remedy: str = "") -> None:
        """Writes down what there is to show of an unfinished training. Raises ProtocolError if the disk refuses."""
        keep_wish(self.wish, under_way, self.songs, self.measured, sentence, remedy, self.described)

    def _standing(self, news: Mapping[str, Any]) -> Standing:
        phase, share = str(news["phase"]), min(1.0, max(0.0, float(news["share"])))
        self._has_begun |= "losses" in news or "step" in news
        if "losses" in news:  # of before, where a training goes on
            self._losses = [float(loss) for loss in news["losses"]]
            self._checks = [(int(step), float(loss)) for step, loss in news["checks"]]
            self._steps = max(len(self._losses), round(len(self._losses) / max(share, 1e-9)))
        if "step" not in news:
            self._last = None  # what is not a step does not say how long steps take
            written = {str(one["name"]): str(one["caption"]) for one in news.get("described", ())}
            self.described = tuple(written) or self.described
            preview, skipped = str(news.get("preview", "")), str(news.get("skipped", ""))
            if skipped:
                log.warning("A preview of a training was left out: %s", Private(skipped))
            taken, steps = (len(self._losses), self._steps) if self._has_begun else (0, 0)
            return Standing(
                phase, share, taken, steps, preview=preview, skipped=skipped, described=written,
                waits=bool(news.get("waits")),
            )  # fmt: skip
        step, loss, checked = int(news["step"]), float(news["loss"]), news["checked"]
        self._steps = max(step, round(step / max(share, 1e-9)))
        # A step of before that is taken again, since its state was lost, replaces what was kept of it.
        del self._losses[step - 1 :]
        self._losses.append(loss)
        while self._checks and self._checks[-1][0] >= step:
            self._checks.pop()
        if checked is not None:
            self._checks.append((step, float(checked)))
        if step % PLOT_EVERY == 0 or checked is not None:
            _for_show("picture", lambda: save(self.wish.run / PLOT, _picture(self.wish, self.measured)))
        left = self._seconds_left(self._steps - step)  # unless who trains knows it better
        return Standing(phase, share, step, self._steps, loss, checked, news.get("seconds_left", left))

    def _seconds_left(self, steps: int) -> float | None:
        now = self._clock()
        if self._last is not None:
            self._paces.append(now - self._last)
        self._last = now
        return statistics.median(self._paces) * steps if self._paces else None

    def _finish(self, made: Mapping[str, Any]) -> None:
        """The picture, the previews and a report go beside the adapter, which is whole whatever becomes of them; what
        is unfinished goes."""
        wish = self.wish
        self._losses = [float(loss) for loss in made["losses"]]
        self._checks = [(int(step), float(loss)) for step, loss in made["checks"]]
        self._steps = len(self._losses)
        self.made = Trained(str(made["adapter"]), bool(made["stopped_early"]), self.measured)
        _for_show("picture", lambda: save(wish.adapter / PLOT, _picture(wish, self.measured)))
        _for_show("report", lambda: keep_report(wish.adapter, self.songs, self.measured, self.described))
        _for_show("previews", lambda: settle(wish.run, wish.adapter))


def _for_show(what: str, write: Callable[[], None]) -> None:
    """Writes what only shows a training: a disk that refuses it, or a program that has it open, ends none."""
    try:
        write()
    except ProtocolError as error:
        log.warning("The %s of a training could not be written: %s", what, error.code.value)
    except OSError as error:
        log.warning("The %s of a training could not be written: %s", what, type(error).__name__)


def _picture(wish: TrainingWish, measured: Measured) -> bytes:
    return loss_picture(f"{wish.name}: loss", measured.steps, measured.losses, measured.checks)

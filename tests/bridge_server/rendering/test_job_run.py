"""One job in several places: takes come out of them in any order, and the job looks the same."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import pickletools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePath

import numpy as np
import pytest

from bridge_server.engines.host import RenderCancelledError
from bridge_server.engines.messages import OptionFile, RenderCommand
from bridge_server.jobs.database import open_database
from bridge_server.jobs.job import Job
from bridge_server.rendering.hearing import Hearing
from bridge_server.rendering.job_run import AGAIN, JobRun, JobServices
from bridge_server.rendering.partial_render import PartialRenders, RenderFinished
from bridge_server.rendering.take_recorder import TakeRecorder
from bridge_server.sessions.events import Events, JobReply
from bridge_server.songs.song_reader import SongReader
from bridge_server.songs.song_tempos import SongTempos
from clip_store.store import ClipStore
from daw_protocol.errors import ProtocolError
from daw_protocol.tasks import TASKS
from model.acestep.engine import AceStepEngine, EngineConfig
from model.engine import EngineDescription, Progress, Task
from model.sketch.engine import SketchEngine
from tests.bridge_server.hosts import DIED, REFUSED, HostHere, PoolHere
from tests.bridge_server.peers import noise_song


class Bench:
    """A store with one song, places, and what a job's client gets."""

    def __init__(self, folder, connection, places: int, takes_at_once: int, fixed: bool) -> None:
        self.events, self.taken, self.finished = Events(), [], []
        self.progress: list[Progress] = []
        self.freed = 0
        self.store = ClipStore(folder / "store", connection)
        self.live = PartialRenders(self.events)
        self.hosts = [HostHere(folder / "results", f"place {number}") for number in range(places)]
        self.pool = PoolHere(self.hosts, takes_at_once, fixed)
        reader = SongReader(self.store, connection, (folder,), 60)
        tempos = SongTempos(self.store, connection, reader)
        recorder = TakeRecorder(connection, self.store, self.events, tempos)
        self._services = JobServices(
            self.pool, reader, recorder, self.live, 3, self.free, Hearing(self.store)
        )
        self._song = noise_song(folder / "song.wav", 9000)
        self._turns = 0
        self.events.subscribe(JobReply, lambda event: self.taken.append((event.job, event.reply.number)))
        self.events.subscribe(RenderFinished, lambda event: self.finished.append(event.render.number))

    def run(self, takes: int, job: str = "j1", task: str = "repaint", **more) -> JobRun:
        request = {
            "source": str(self._song), "start": 1000, "end": 5000, "takes": takes, "seed": 5, "engine": "x", **more,
        }  # fmt: skip
        self._turns += 1
        return JobRun(
            Job(job, "client", "r", task, request), self._turns, self._services, self.progress.append
        )

    def free(self) -> None:
        self.freed += 1

    async def begun(self, *orders: tuple[int, tuple[int, ...]]) -> None:
        """Returns once these (place, takes) have begun, the last thing in each place."""
        await until(
            lambda: all(
                self.hosts[place].began and self.hosts[place].began[-1] == takes for place, takes in orders
            )
        )

    def end(self, place: int, take: int, error: Exception | None = None) -> None:
        future = self.hosts[place].end(take)
        future.set_exception(error) if error else future.set_result(None)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def bench(folder, places: int = 2, takes_at_once: int = 1, fixed: bool = False) -> AsyncIterator[Bench]:
    with contextlib.closing(open_database(folder / "bridge.db")) as connection:
        found = Bench(folder, connection, places, takes_at_once, fixed)
        yield found
        assert not found.pool.places("").in_use, "every place is given back"
        assert [path for path in (folder / "results").rglob("*") if path.is_file()] == []


def test_takes_that_end_in_another_order_are_recorded_in_theirs(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            run = at.run(3)
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)), (1, (1,)))
            assert run.under_way == {(1,): "place 0", (2,): "place 1"}
            at.end(1, 1)
            await at.begun((1, (2,)))
            at.end(1, 2)
            await until(lambda: at.pool.places("").free)
            assert at.taken == [], "take 1 is still to come"
            at.end(0, 0)
            assert await rendering == 3
            assert at.taken == [("j1", 1), ("j1", 2), ("j1", 3)]
            assert at.finished == [1, 2, 3]

    asyncio.run(work())


def test_places_change_nothing_in_the_takes(tmp_path):
    async def rendered(folder, places: int) -> list[str]:
        folder.mkdir()
        async with bench(folder, places) as at:
            rendering = asyncio.create_task(at.run(4).render())
            while not rendering.done():
                for host in at.hosts:
                    for end in host.ends.values():
                        end.done() or end.set_result(None)
                await asyncio.sleep(0.002)
            assert await rendering == 4
            takes = sorted(at.store.index.list(job="j1"), key=lambda take: take.number)
            return [take.audio for take in takes]

    async def work() -> None:
        one, two = await rendered(tmp_path / "one", 1), await rendered(tmp_path / "two", 2)
        assert one == two
        assert len(set(one)) == 4

    asyncio.run(work())


def test_a_place_that_dies_loses_nothing(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            rendering = asyncio.create_task(at.run(4).render())
            await at.begun((0, (0,)), (1, (1,)))
            at.end(0, 0, DIED)
            await until(lambda: at.hosts[0].began == [(0,), (0,)])
            at.end(1, 1)
            await at.begun((1, (2,)))
            at.end(0, 0)
            at.end(1, 2)
            await until(lambda: (3,) in at.hosts[0].began + at.hosts[1].began)
            for host in at.hosts:
                for end in host.ends.values():
                    end.set_result(None)
            assert await rendering == 4
            assert [number for _, number in at.taken] == [1, 2, 3, 4]
            assert any(each.stage.startswith("rendering again") for each in at.progress)
            fractions = [each.fraction for each in at.progress]
            assert fractions == sorted(fractions)

    asyncio.run(work())


def test_a_take_whose_places_die_each_time_fails_its_job_and_the_takes_before_it_are_kept(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            rendering = asyncio.create_task(at.run(3).render())
            await at.begun((0, (0,)), (1, (1,)))
            for attempt in range(3):
                await until(lambda attempt=attempt: at.hosts[1].began.count((1,)) == attempt + 1)
                at.end(1, 1, DIED)
            await until(lambda: at.pool.places("").free)
            assert not rendering.done(), "take 1 is under way and good"
            at.end(0, 0)
            with pytest.raises(ProtocolError, match="process ended"):
                await rendering
            assert at.taken == [("j1", 1)]
            assert all((2,) not in host.began for host in at.hosts), "take 3 is not rendered for nothing"

    asyncio.run(work())


def test_what_fails_stops_the_takes_after_it(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            rendering = asyncio.create_task(at.run(4).render())
            await at.begun((0, (0,)), (1, (1,)))
            at.end(0, 0, REFUSED)
            with pytest.raises(ProtocolError, match="no drums"):
                await rendering
            assert at.taken == []
            assert at.store.index.list(job="j1") == ()

    asyncio.run(work())


def test_a_cancelled_job_stops_in_every_place(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            run = at.run(3)
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)), (1, (1,)))
            run.cancel("Enough.")
            with pytest.raises(RenderCancelledError):
                await rendering
            assert (run.reason, run.under_way) == ("Enough.", {})
            assert all((2,) not in host.began for host in at.hosts)

    asyncio.run(work())


@pytest.mark.parametrize("task", ["plan", "rewrite", "analyse"])
def test_what_makes_no_takes_records_nothing_once_it_is_cancelled(tmp_path, monkeypatch, task):
    recorded = []
    monkeypatch.setattr(TakeRecorder, "record_plan", lambda *_: recorded.append("plan"))
    monkeypatch.setattr(TakeRecorder, "record_found", lambda *_: recorded.append("found"))

    async def work() -> None:
        async with bench(tmp_path, 1) as at:
            source = {} if task == "analyse" else {"source": None, "prompt": "calm piano"}
            run = at.run(1, task=task, start=None, end=None, **source)
            run._bar.finishing = lambda *_: run.cancel("Enough.")
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)))
            at.end(0, 0)
            with pytest.raises(RenderCancelledError):
                await rendering
            assert (recorded, run.reason) == ([], "Enough.")

    asyncio.run(work())


def test_a_free_place_takes_the_next_take_of_the_older_job(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            first, second = at.run(3, "j1"), at.run(1, "j2")
            rendering = [asyncio.create_task(run.render()) for run in (second, first)]
            await at.begun((0, (0,)), (1, (1,)))
            at.end(1, 1)
            await at.begun((1, (2,)))
            at.end(0, 0)
            await until(lambda: len(at.hosts[0].began) == 2)
            assert second.under_way == {(1,): "place 0"}
            at.end(1, 2)
            at.end(0, 0)
            assert await asyncio.gather(*rendering) == [1, 3]
            assert at.freed >= 4

    asyncio.run(work())


@pytest.mark.parametrize(
    ("takes", "places", "at_once", "orders"),
    [
        (4, 1, 4, [(0, 1, 2, 3)]),
        (4, 2, 4, [(0, 1), (2, 3)]),
        (3, 2, 8, [(0, 1), (2,)]),
        (5, 1, 2, [(0, 1), (2, 3), (4,)]),
        (3, 1, 1, [(0,), (1,), (2,)]),
    ],
)
def test_an_engine_that_renders_takes_together_gets_several_and_every_place_has_some(
    tmp_path, takes, places, at_once, orders
):
    async def work() -> None:
        async with bench(tmp_path, places, at_once) as at:
            rendering = asyncio.create_task(at.run(takes).render())
            while not rendering.done():
                for host in at.hosts:
                    for end in host.ends.values():
                        end.done() or end.set_result(None)
                await asyncio.sleep(0.002)
            assert await rendering == takes
            assert sorted(order for host in at.hosts for order in host.began) == orders
            assert [number for _, number in at.taken] == list(range(1, takes + 1))

    asyncio.run(work())


def test_where_bits_depend_on_the_batch_neither_places_nor_what_is_missing_change_it(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, places=2, takes_at_once=4, fixed=True) as at:
            first = asyncio.create_task(at.run(2).render())
            await at.begun((0, (0, 1)))
            at.end(0, 0)
            assert await first == 2
            rest = asyncio.create_task(at.run(7).render())
            await at.begun((0, (2, 3)), (1, (4, 5, 6)))
            at.end(0, 2)
            at.end(1, 4)
            assert await rest == 7
            asked = [order.request for host in at.hosts for order in host.orders]
            assert {(each.takes, each.takes_in_all) for each in asked} == {
                ((0, 1), 2), ((2, 3), 7), ((4, 5, 6), 7),
            }  # fmt: skip
            assert {each.takes_together for each in asked} == {4}

    asyncio.run(work())


def test_takes_that_would_be_rendered_one_by_one_all_the_same_go_to_every_place(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, places=2, takes_at_once=4, fixed=True) as at:
            run = at.run(3, options={"planner": "on"})
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)), (1, (1,)))
            run.cancel("That is enough.")
            with pytest.raises(RenderCancelledError):
                await rendering

    asyncio.run(work())


def test_a_take_is_there_while_others_of_its_order_are_rendered_and_when_they_fail(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1, takes_at_once=4) as at:
            at.hosts[0].end(2)
            run = at.run(4)
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0, 1, 2, 3)))
            at.end(0, 0)
            await until(lambda: at.taken == [("j1", 1), ("j1", 2)])
            assert run.under_way == {(3, 4): "place 0"}
            at.end(0, 2, REFUSED)
            with pytest.raises(ProtocolError, match=r"The song has no drums\."):
                await rendering
            assert at.taken == [("j1", 1), ("j1", 2)]

    asyncio.run(work())


def test_what_an_engine_that_dies_has_finished_is_not_rendered_again(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1, takes_at_once=4, fixed=True) as at:
            host = at.hosts[0]
            host.end(2)
            rendering = asyncio.create_task(at.run(4).render())
            await at.begun((0, (0, 1, 2, 3)))
            at.end(0, 0)
            await until(lambda: at.taken == [("j1", 1), ("j1", 2)])
            at.end(0, 2, DIED)
            await at.begun((0, (2, 3)))
            at.end(0, 2)
            assert await rendering == 4
            assert host.began == [(0, 1, 2, 3), (2, 3)]
            assert at.taken == [("j1", number) for number in (1, 2, 3, 4)]
            assert "takes 3 and 4 of 4" in next(each.stage for each in at.progress if AGAIN in each.stage)

    asyncio.run(work())


def test_a_take_that_cannot_be_finished_stops_its_order_and_is_what_failed(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1, takes_at_once=4) as at:
            at.hosts[0].end(2)
            rendering = asyncio.create_task(at.run(4).render())
            await at.begun((0, (0, 1, 2, 3)))
            noise_song(tmp_path / "song.wav", 9001, seed=9)
            at.end(0, 0)
            with pytest.raises(ProtocolError, match="changed"):
                await rendering
            assert at.taken == []

    asyncio.run(work())


FILE_OPTIONS = [
    pytest.param(SketchEngine().describe(), id="sketch"),
    pytest.param(AceStepEngine(EngineConfig()).describe(), id="acestep"),
]


def texts_in(order: RenderCommand) -> list[str]:
    """Every text of an order as it crosses to a place."""
    return [text for _, text, _ in pickletools.genops(pickle.dumps(order)) if isinstance(text, str)]


@pytest.mark.parametrize("about", FILE_OPTIONS)
@pytest.mark.parametrize("task", TASKS)
def test_an_order_has_every_file_by_its_content_and_none_by_a_path(tmp_path, about, task):
    """With every option that names a file, one of them with a companion: another machine could carry it out."""
    assert about.file_options
    kit = tmp_path / "kits" / "kit.bin"
    kit.parent.mkdir()
    kit.write_bytes(b"kit")
    for companion in about.companion_files:
        kit.with_name(companion).write_bytes(b"{}")
    options = dict.fromkeys(about.file_options, str(kit)) | {"steps": 8}

    async def work() -> None:
        async with bench(tmp_path) as at:
            for host in at.hosts:
                host.description = replace(host.description, **files_of(about))
            whole = dict.fromkeys(("start", "end")) if TASKS[task].only_whole else {}
            run = at.run(1, task=task, options=options, **whole)
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)))
            run.cancel("That is enough.")
            with pytest.raises(RenderCancelledError):
                await rendering
            (order,) = at.hosts[0].orders
            assert (order.request.task, order.request.options) == (Task(task), {"steps": 8})
            companions = tuple(
                OptionFile(f"kits/{name}", sha256(b"{}").hexdigest(), 2) for name in about.companion_files
            )
            file = OptionFile("kits/kit.bin", sha256(b"kit").hexdigest(), 3, companions)
            assert order.files == dict.fromkeys(about.file_options, file)
            texts = texts_in(order)
            assert "kits/kit.bin" in texts
            assert [text for text in texts if PurePath(text).is_absolute() or str(tmp_path) in text] == []
            assert not any("pathlib" in text for text in texts)

    asyncio.run(work())


def test_all_takes_of_a_job_get_the_same_file(tmp_path):
    """What changes meanwhile is the next job's."""
    kit = tmp_path / "kit.bin"
    kit.write_bytes(b"kit")

    async def work() -> None:
        async with bench(tmp_path, 1) as at:
            at.hosts[0].description = replace(at.hosts[0].description, file_options=("kit",))
            rendering = asyncio.create_task(at.run(2, options={"kit": str(kit)}).render())
            await at.begun((0, (0,)))
            kit.write_bytes(b"other")
            at.end(0, 0)
            await at.begun((0, (1,)))
            at.end(0, 1)
            assert await rendering == 2
            first, second = (order.files["kit"] for order in at.hosts[0].orders)
            assert first == second
            with pytest.raises(ProtocolError, match=r"kit\.bin was changed"):  # what a place here says of it
                at.pool.option_files.path("kit", second)

    asyncio.run(work())


def test_a_file_that_has_gone_fails_the_job_with_its_option_named(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            for host in at.hosts:
                host.description = replace(host.description, file_options=("kit",))
            with pytest.raises(ProtocolError, match="There is no file") as error:
                await at.run(1, options={"kit": str(tmp_path / "kit.bin")}).render()
            assert error.value.field == "kit"
            assert at.hosts[0].orders == []

    asyncio.run(work())


def files_of(about: EngineDescription) -> dict[str, tuple[str, ...]]:
    return {"file_options": about.file_options, "companion_files": about.companion_files}


def test_partial_renders_are_of_their_own_job_and_take(tmp_path):
    async def work() -> None:
        async with bench(tmp_path) as at:
            runs = [at.run(1, "j1"), at.run(1, "j2")]
            rendering = [asyncio.create_task(run.render()) for run in runs]
            await at.begun((0, (0,)), (1, (0,)))
            one, two = at.live.of_job("j1"), at.live.of_job("j2")
            assert (one.job.id, two.job.id) == ("j1", "j2")
            at.end(1, 0)
            await rendering[1]
            assert two.announced == 4000
            two.catch_up()
            assert (one.announced, one.samples) == (0, None)
            at.end(0, 0)
            await rendering[0]
            assert np.array_equal([one.announced], [4000])

    asyncio.run(work())


REGIONS = {"start": None, "end": None, "regions": "1000..2000, 3000..4000, 5000..6000"}


def test_every_region_is_an_order_of_its_own_with_its_own_takes(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1, takes_at_once=4) as at:
            rendering = asyncio.create_task(at.run(2, **REGIONS).render())
            for number in range(3):
                await until(lambda number=number: len(at.hosts[0].began) == number + 1)
                at.end(0, 0)
            assert await rendering == 6
            assert at.hosts[0].began == [(0, 1)] * 3
            assert [order.request.start for order in at.hosts[0].orders] == [1000, 3000, 5000]
            assert len({order.song for order in at.hosts[0].orders}) == 1
            assert at.taken == [("j1", number) for number in range(1, 7)]
            takes = at.store.index.list(job="j1")
            assert {(take.number, take.recipe.region, take.recipe.take) for take in takes} == {
                (1, 1, 0), (2, 1, 1), (3, 2, 0), (4, 2, 1), (5, 3, 0), (6, 3, 1),
            }  # fmt: skip

    asyncio.run(work())


def test_a_region_that_cannot_be_rendered_costs_the_others_nothing(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1) as at:
            rendering = asyncio.create_task(at.run(1, **REGIONS).render())
            for number, error in enumerate((None, REFUSED, None)):
                await until(lambda number=number: len(at.hosts[0].began) == number + 1)
                at.end(0, 0, error)
            with pytest.raises(ProtocolError, match=r"^Region 2: The song has no drums\."):
                await rendering
            assert at.taken == [("j1", 1), ("j1", 3)]

    asyncio.run(work())


def test_every_region_that_failed_is_named(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1) as at:
            rendering = asyncio.create_task(at.run(1, **REGIONS).render())
            for number, error in enumerate((None, REFUSED, REFUSED)):
                await until(lambda number=number: len(at.hosts[0].began) == number + 1)
                at.end(0, 0, error)
            said = r"^Region 2: The song has no drums\. Region 3 could not be rendered either\."
            with pytest.raises(ProtocolError, match=said):
                await rendering
            assert at.taken == [("j1", 1)]

    asyncio.run(work())


def test_a_cancelled_job_keeps_the_regions_it_has_and_begun_again_renders_only_the_others(tmp_path):
    async def work() -> None:
        async with bench(tmp_path, 1) as at:
            run = at.run(1, **REGIONS)
            rendering = asyncio.create_task(run.render())
            await at.begun((0, (0,)))
            at.end(0, 0)
            await until(lambda: len(at.hosts[0].began) == 2)
            run.cancel("Enough.")
            with pytest.raises(RenderCancelledError):
                await rendering
            assert at.taken == [("j1", 1)]
            again = asyncio.create_task(at.run(1, **REGIONS).render())
            for number in (3, 4):
                await until(lambda number=number: len(at.hosts[0].began) == number)
                at.end(0, 0)
            assert await again == 3
            assert [order.request.start for order in at.hosts[0].orders] == [1000, 3000, 3000, 5000]
            assert at.taken == [("j1", 1), ("j1", 1), ("j1", 2), ("j1", 3)], (
                "the first one is announced again"
            )

    asyncio.run(work())

"""An engine around a library's checkpoints: the one asked for is loaded, once, and freed when memory runs out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="a device is chosen by torch")

from model.engine import EngineDescription, Grid, Progress, RenderRequest, Report, Task
from model.errors import CannotRender, NotLoaded, RanOutOfMemory, RenderStopped
from model.library_checkpoint import LibraryCheckpoint
from model.library_engine import LibraryConfig, LibraryEngine, LibraryWords

NOTHING = np.zeros(0)
GRID = Grid(NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)


class Silent:
    """Renders nothing, and reports its checkpoint and settings."""

    def __init__(self, checkpoint):
        self.checkpoint = checkpoint

    def render(self, request, settings, pace):
        pace.at("rendering", 0.5)
        if settings == "huge":
            raise MemoryError
        yield Report(self.checkpoint.name, {"settings": settings})


class SilentEngine(LibraryEngine[LibraryCheckpoint, str]):
    words = LibraryWords(
        "Silent", ("torch",), "pip install it", "None is here.", "Get one.", "Memory is spent.",
        {Task.PLAN: ("Silence has no plan.", "Use another.")},
    )  # fmt: skip

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        super().__init__(LibraryConfig(str(folder), device))
        self.opened: list[str] = []

    def describe(self) -> EngineDescription:
        return EngineDescription("silent", "Silent", True, self.capabilities(None))

    def find(self, folder):
        return tuple(LibraryCheckpoint(path, path.name) for path in sorted(folder.glob("*")))

    def settings(self, options):
        if "wrong" in options:
            raise CannotRender("A wrong option.", "Leave it out.")
        return options.get("settings", "")

    def open(self, checkpoint, place, device, progress):
        progress(Progress("loading", 0.5))
        self.opened.append(checkpoint.name)
        return Silent(checkpoint)


@pytest.fixture
def engine(tmp_path: Path) -> SilentEngine:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return SilentEngine(tmp_path)


def rendered(
    engine: SilentEngine, task: Task = Task.GENERATE, stops: bool = False, **options: str
) -> list[Report]:
    asked = RenderRequest(task, None, 44_100, 2, 0, 1, GRID, 1, takes=(0, 1), options=options)
    return list(engine.render(asked, lambda _: None, lambda: stops))


def test_the_first_checkpoint_is_loaded_once_and_another_takes_its_place(engine):
    engine.load(lambda _: None)
    assert [(each.method, each.take) for each in rendered(engine)] == [("a", 0), ("a", 1)]
    assert rendered(engine, checkpoint="b", settings="loud")[0].figures == {"settings": "loud"}
    assert engine.opened == ["a", "b"]
    engine.unload()
    rendered(engine, checkpoint="b")
    assert engine.opened == ["a", "b", "b"]


def test_what_is_refused_is_refused_before_anything_loads(engine, tmp_path):
    with pytest.raises(CannotRender, match="no checkpoint called 'c'") as refused:
        rendered(engine, checkpoint="c")
    assert refused.value.remedy == "Available: a, b."
    with pytest.raises(CannotRender, match="A wrong option"):
        rendered(engine, wrong="yes")
    with pytest.raises(CannotRender, match="Silence has no plan"):
        rendered(engine, Task.PLAN)
    with pytest.raises(RenderStopped):
        rendered(engine, stops=True)
    with pytest.raises(NotLoaded, match="None is here"):
        SilentEngine(tmp_path / "a").load(lambda _: None)
    with pytest.raises(NotLoaded, match="no device type 'toaster'"):
        SilentEngine(tmp_path, "toaster").load(lambda _: None)
    assert not engine.opened


def test_spent_memory_is_said_and_everything_freed(engine):
    rendered(engine)
    with pytest.raises(RanOutOfMemory, match="Memory is spent"):
        rendered(engine, settings="huge")
    assert engine._loaded is None


def test_tasks_have_a_reason_where_they_cannot_be_done(engine):
    lacking = NotLoaded("None is here.", "Get one.")
    for missing, sentence in ((None, ""), (lacking, "None is here.")):
        found = {each.task: each for each in engine.capabilities(missing)}
        assert found[Task.PLAN].reason == "Silence has no plan."
        assert found[Task.COVER].reason == sentence
        assert found[Task.COVER].available is (missing is None)

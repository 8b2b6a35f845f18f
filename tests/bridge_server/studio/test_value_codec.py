"""Values as JSON: what comes back is equal, and what is no value of its kind is refused in words."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

from bridge_server.engines.messages import ChildAttachment, ChildReport, RenderCommand
from bridge_server.studio.value_codec import from_json, to_json
from model.engine import Attachment, EngineDescription, RenderRequest, Report
from model.sketch.engine import SketchEngine
from tests.bridge_server.engines.test_messages import REQUEST, SOUNDS, sent


def through(value):
    """The value after it has been text."""
    plain, data = to_json(value)
    return from_json(type(value), json.loads(json.dumps(plain)), data)


def test_what_an_engine_can_do_comes_back_whole():
    about = SketchEngine().describe()
    assert through(about) == about


@pytest.mark.parametrize("message", [each for each in sent() if type(each).__name__ not in ("FilesHere",)])
def test_every_message_of_an_engine_comes_back(message):
    assert through(message) == message


def test_an_order_comes_back_to_the_last_bit():
    command = RenderCommand(REQUEST, "ab" * 32, "", "j1-1", 7, {"soundfont": SOUNDS})
    found = through(command)
    assert to_json(found) == to_json(command)
    for name, array in vars(REQUEST.grid).items():
        if isinstance(array, np.ndarray):
            same = getattr(found.request.grid, name)
            assert (same.dtype, same.tobytes()) == (array.dtype, array.tobytes()), name


@dataclass(frozen=True)
class Two:
    first: bytes
    second: bytes


def test_bytes_travel_beside_the_text_in_one_place_only():
    plain, data = to_json(ChildAttachment(1, 0, Attachment("a.mid", "audio/midi", b"MThd")))
    assert (plain["attachment"]["data"], data) == (4, b"MThd")
    with pytest.raises(TypeError):
        to_json(Two(b"a", b"b"))


@dataclass(frozen=True)
class Nested:
    below: dict[str, int] = field(default_factory=dict)


def report(**changes):
    plain, _ = to_json(ChildReport(1, 0, Report("Drawn.")))
    return {**plain, **changes}


@pytest.mark.parametrize(
    ("kind", "given", "word"),
    [
        (ChildReport, [], "must be dict"),
        (ChildReport, report(number="1"), "number must be int"),
        (ChildReport, report(number=True), "number must be int"),
        (ChildReport, report(report=None), "report must be dict"),
        (ChildReport, report(more=1), "has no 'more'"),
        (ChildReport, {}, "missing"),
        (ChildReport, report(report={"method": "a", "notes": "b"}), "notes must be list"),
        (EngineDescription, {"name": "a", "label": "b", "neural": False, "tasks": [{"task": "fly", "available": True}]},
         "'fly' is not known"),
        (Attachment, {"name": "a", "media_type": "b", "data": 3}, "3 bytes were announced, 0 came"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_its_kind_is_refused(kind, given, word):
    with pytest.raises(ValueError, match=word):
        from_json(kind, given)


@pytest.mark.parametrize("seconds", ["0", [["a"]], [True], [1.5, None]])
def test_an_array_holds_numbers(seconds):
    plain, _ = to_json(REQUEST)
    plain["grid"]["seconds"] = seconds
    with pytest.raises(ValueError, match=r"numbers|list"):
        from_json(RenderRequest, plain)


def test_a_value_that_checks_itself_is_heard():
    plain, _ = to_json(REQUEST)
    with pytest.raises(ValueError, match="takes must be numbers"):
        from_json(RenderRequest, {**plain, "takes": [2, 1]})
    plain["grid"]["beat_in_bar"] = [2**70]
    with pytest.raises(ValueError, match="too large"):
        from_json(RenderRequest, plain)

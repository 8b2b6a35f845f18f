"""The sound of a region, sample for sample as the files have it, and the context that can be read around it."""

from fractions import Fraction

import numpy as np
import pytest

from clip_store.audio.audio import Encoding
from clip_store.errors import ProjectError
from clip_store.projects.clip_parts import ClipPart, Problem
from clip_store.projects.project_file import open_project
from clip_store.projects.track_sound import rate_of, readable_around, sound_of
from daw_protocol.timeline.span import Span
from tests.clip_store.projects.made import RATE, document, project, sound

BAND = sound(1000)


@pytest.fixture
def opened(tmp_path):
    files = {"audio/band.wav": BAND, "audio/mono.wav": BAND[:, :1]}
    return open_project(project(tmp_path / "p.dawproject", document(""), files))


def piece(start: float, end: float, at: float = 0, name: str = "band", rate: int = RATE) -> ClipPart:
    """In samples."""
    start, end, at = (Fraction(value) / RATE for value in (start, end, at))
    return ClipPart(f"the clip {name!r}", start, end, f"audio/{name}.wav", at, rate)


def problem(start: int, end: int) -> Problem:
    return Problem(Fraction(start, RATE), Fraction(end, RATE), "the clip 'x' is stretched")


def test_samples_are_those_of_the_files(opened):
    pieces = [piece(100, 300, 50), piece(300, 500, -10, "mono"), piece(900, 2500)]
    found = sound_of(opened, pieces, Span(90, 2000), RATE, 60)
    wanted = np.zeros((1910, 2))
    wanted[10:210] = BAND[50:250]
    wanted[220:410] = BAND[:190, :1]
    wanted[810:1810] = BAND
    assert np.array_equal(found.samples, wanted.astype(np.float32))
    assert (found.rate, found.encoding) == (RATE, Encoding.PCM_16)


def test_positions_between_samples_go_to_the_nearest(opened):
    found = sound_of(opened, [piece(99.6, 200.4, 49.6)], Span(100, 200), RATE, 60)
    assert np.array_equal(found.samples, BAND[50:150].astype(np.float32))


def test_a_file_of_another_rate_than_stated_is_refused(opened):
    with pytest.raises(ProjectError, match="at 48000 Hz, and the project says 44100 Hz"):
        sound_of(opened, [piece(0, 100, rate=44100)], Span(0, 100), 44100, 60)


def test_the_context_ends_where_reading_does():
    found = [piece(0, 5000), problem(100, 200), problem(3000, 3100)]
    span, notes = readable_around(found, Span(1000, 2000), 10_000, RATE, "Band")
    assert span == Span(200, 3000)
    assert [note.split(":")[0] for note in notes] == [
        "The track is not read beyond before", "The track is not read beyond after",
    ]  # fmt: skip
    assert readable_around([piece(0, 5000)], Span(1000, 2000), 500, RATE, "Band") == (Span(500, 2500), [])
    assert readable_around([piece(0, 2100)], Span(1000, 2000), 500, RATE, "Band")[0] == Span(500, 2100)


@pytest.mark.parametrize("found", [[problem(1999, 3000)], [piece(0, 1500), piece(1400, 3000)]])
def test_a_region_that_cannot_be_read_is_refused(found):
    with pytest.raises(ProjectError, match=r"'Band' cannot be read there.*Bounce the track"):
        readable_around(found, Span(1000, 2000), 500, RATE, "Band")


def test_rates():
    assert rate_of([piece(0, 1)], "Band") == RATE
    with pytest.raises(ProjectError, match="no audio clips"):
        rate_of([], "Band")
    with pytest.raises(ProjectError, match="44100 and 48000 Hz"):
        rate_of([piece(0, 1), piece(0, 1, rate=44100)], "Band")

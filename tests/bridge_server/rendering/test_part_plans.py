"""Where the parts of a request lie, and which of them get in each other's way."""

import re

import pytest

from bridge_server.languages.wording import text_in
from bridge_server.rendering.part_plans import about, failed_as_well, refuse_overlaps
from bridge_server.rendering.plan import plan_request
from bridge_server.songs.song_probe import SongProbe
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Complete, Repaint
from daw_protocol.requests.parts import parts_of

SONG = SongProbe(48_000 * 60, 48_000, 2)


def planned(request, probe=SONG):
    return [(part, plan_request(part.request, probe)) for part in parts_of(request)]


@pytest.mark.parametrize("regions", ["5, 2, 7", "2, 3", "1..2, 2..3"])
def test_regions_apart_and_regions_that_touch_are_rendered(regions):
    refuse_overlaps(planned(Repaint(source="a.wav", bpm=120, regions=regions)))


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ("5, 2, 5", r"Regions 1 and 3 are the same\."),
        ("2, 4-6, 6-7", r"Regions 2 and 3 overlap from sample 480000 \(bar 6 beat 1\) to sample 576000"),
        ("0..10, 2..8", r"Regions 1 and 2 overlap from sample 2"),
    ],
)
def test_two_that_overlap_are_named(regions, words):
    with pytest.raises(ProtocolError, match=words) as refused:
        refuse_overlaps(planned(Repaint(source="a.wav", bpm=120, regions=regions)))
    assert refused.value.field == "regions"


def test_the_same_region_of_two_tracks_is_no_overlap():
    refuse_overlaps(planned(Repaint(tracks="a.wav,b.wav", bpm=120, regions="5")))


def test_what_is_not_certain_yet_is_left_to_the_samples():
    request = Complete(
        source="a.wav", bpm=120, regions=[{"length": "2 bars"}, {"start": "58s", "end": "62s"}]
    )
    open_ended = SongProbe(48_000 * 60, 48_000, 2, counted=False)
    refuse_overlaps(planned(request, open_ended))
    with pytest.raises(ProtocolError, match="overlap"):
        refuse_overlaps(planned(request, SongProbe(48_000 * 60, 48_000, 2, music_frames=48_000 * 60)))


def test_an_error_names_its_part():
    error = ProtocolError(ErrorCode.BAD_REGION, "The region is empty.", "Select more.", "end")
    _, second = parts_of(Repaint(source="a.wav", regions="5, 99"))
    assert str(about(second, error)).startswith("Region 2: The region is empty.")
    (only,) = parts_of(Repaint(source="a.wav", bars="99"))
    assert about(only, error) is error


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"source": "a.wav", "regions": "5, 9"}, "Region 2"),
        ({"tracks": "a.wav,b.wav", "bars": "5"}, "Track 2"),
        ({"tracks": "a.wav,b.wav", "regions": "5, 9"}, "Region 2 of track 2"),
    ],
)
def test_what_failed_as_well_is_named_in_every_language(asked, named):
    last = parts_of(Repaint(**asked))[-1]
    assert str(about(last, ProtocolError(ErrorCode.BAD_REGION, "It is empty.", "", "end"))).startswith(
        f"{named}: "
    )
    assert failed_as_well(last) == f"{named} could not be rendered either."
    assert not re.search("[A-Za-z]", text_in(failed_as_well(last), "ko"))
    (only,) = parts_of(Repaint(source="a.wav", bars="99"))
    assert failed_as_well(only) == ""

"""The parts of a request: each a plain request that could have been sent alone."""

from daw_protocol.requests import Repaint
from daw_protocol.requests.parts import parts_of
from daw_protocol.timeline import TempoMap

MAP = TempoMap.constant(96)


def test_a_plain_request_is_its_only_part():
    request = Repaint(source="a.wav", bars="2", takes=3)
    (part,) = parts_of(request)
    assert part.request is request
    assert (part.named, part.region, part.track, list(part.takes)) == ("", None, None, [1, 2, 3])


def test_every_region_of_a_track_comes_before_the_next_track():
    parts = parts_of(Repaint(tracks="a.wav,b.wav", regions="5,2", takes=2))
    assert [part.named for part in parts] == [
        "region 1 of track 1", "region 2 of track 1", "region 1 of track 2", "region 2 of track 2",
    ]  # fmt: skip
    assert [(part.request.source, part.request.bars) for part in parts] == [
        ("a.wav", "5"), ("a.wav", "2"), ("b.wav", "5"), ("b.wav", "2"),
    ]  # fmt: skip
    assert [number for part in parts for number in part.takes] == list(range(1, 9))


def test_a_part_is_the_request_that_could_have_been_sent_alone():
    both = Repaint(
        source="a.wav", regions=[{"bars": "5", "seed": 9}, {"start": 0, "length": "2s"}], seed=3, bpm=120
    )
    assert [part.request for part in parts_of(both)] == [
        Repaint(source="a.wav", bars="5", seed=9, bpm=120),
        Repaint(source="a.wav", start=0, length="2s", seed=3, bpm=120),
    ]


def test_a_track_has_its_own_place_name_and_tempo():
    track = {
        "source": "b.wav",
        "source_position": 5,
        "title": "B",
        "track": "bass",
        "tempo_map": MAP,
        "key": "Am",
    }
    first, second = (
        part.request for part in parts_of(Repaint(tracks=["a.wav", track], bpm=120, meter="3/4", title="X"))
    )
    assert first == Repaint(source="a.wav", bpm=120, meter="3/4", title="X")
    assert second == Repaint(
        source="b.wav", source_position=5, title="B", track="bass", tempo_map=MAP, key="Am"
    )


def test_tracks_together_stay_in_every_part_with_the_tempo_that_one_of_them_has():
    lead = {"source": "b.wav", "tempo_map": MAP}
    parts = parts_of(Repaint(tracks=["a.wav", lead], mode="together", regions="5,2"))
    assert [(part.region, part.track, part.request.bars) for part in parts] == [
        (1, None, "5"),
        (2, None, "2"),
    ]
    assert all(len(part.request.tracks) == 2 and part.request.tempo_map == MAP for part in parts)

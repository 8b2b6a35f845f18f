"""The result of `songs.tempo`."""

from daw_protocol.addresses import BY_NAME
from daw_protocol.recipe import BlueprintRecord
from daw_protocol.song_tempo_kept import SongTempoKept


def test_nothing_kept_is_little_to_say():
    assert SongTempoKept(source="a.wav", known=False).to_fields() == {"source": "a.wav", "known": False}


def test_it_comes_back_as_it_was_sent():
    kept = SongTempoKept(
        source="a.wav", known=True, bpm=97.0, meter="3/4", bar_one=0.31, tempos=1, key="D minor",
        tempo_map={"points": [{"quarter": 0, "bpm": 97}]}, analysis=BlueprintRecord(tempo=97.0),
    )  # fmt: skip
    assert SongTempoKept.from_stored(kept.to_fields()) == kept
    assert BY_NAME["songs.tempo"].result is SongTempoKept

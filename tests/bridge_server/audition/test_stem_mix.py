"""Which stems are heard together."""

import pytest

from bridge_server.audition.stem_mix import stem_mix
from bridge_server.jobs.database import open_database
from clip_store.audio.audio import Encoding, quantise
from clip_store.store import ClipStore
from daw_protocol.errors import ErrorCode, ProtocolError
from tests.bridge_server.audition.test_scene_builder import RATE, noise, stem_in, take_in


@pytest.fixture
def store(tmp_path):
    return ClipStore(tmp_path / "store", open_database(tmp_path / "takes.sqlite3"))


SONG = quantise(noise(RATE), RATE, Encoding.PCM_24).audio


def test_stems_are_found_by_their_names_in_the_order_they_are_named(store):
    drums, bass = (
        stem_in(store, SONG, noise(100, seed=seed), 0, name) for seed, name in ((1, "drums"), (2, "bass"))
    )
    mix = stem_mix(store.index, drums, ("bass", "drums"))
    assert mix is not None
    assert mix.takes == (bass, drums)
    assert stem_mix(store.index, drums, ()) is None
    silence = stem_mix(store.index, drums, ("none",))
    assert silence is not None
    assert silence.takes == ()


def test_a_stem_there_is_not_and_a_take_that_is_no_stem_are_refused_with_what_there_is(store):
    drums = stem_in(store, SONG, noise(100, seed=1), 0, "drums")
    take = take_in(store, SONG, noise(100, seed=2), 0)
    for one, names, word in ((drums, ("brass",), "drums"), (take, ("drums",), "extract")):
        with pytest.raises(ProtocolError) as error:
            stem_mix(store.index, one, names)
        assert (error.value.code, error.value.field) == (ErrorCode.OUT_OF_RANGE, "stems")
        assert word in error.value.remedy

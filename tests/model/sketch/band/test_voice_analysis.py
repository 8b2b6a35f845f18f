from dataclasses import replace

import numpy as np

from model.engine import Song
from model.pace import Pace
from model.sketch.band.voice_analysis import listen
from tests.model.sketch.band.test_voice_in_mix import RATE, REQUEST, SONG, VOICE, separating

QUIET = Pace(lambda _: None, lambda: False)


def test_a_mix_has_the_melody_of_the_voice_that_was_separated_and_stays_a_mix():
    with_voice = listen(REQUEST, SONG, QUIET, separating()[0])
    without = listen(REQUEST, SONG, QUIET)
    assert (with_voice.separated_by, without.separated_by) == ("HTDemucs x", "")
    assert not np.array_equal(with_voice.line.pitch, without.line.pitch, equal_nan=True)
    for found in (with_voice, without):
        assert np.array_equal(found.source_line.pitch, without.line.pitch, equal_nan=True)
        assert not found.is_line
    assert with_voice.line_share == without.line_share


def test_a_line_keeps_its_own_melody_and_the_hosts_key():
    separate, asked = separating()
    alone = replace(REQUEST, song=Song(VOICE, RATE, "a voice alone"), key="A minor")
    found = listen(alone, alone.song, QUIET, separate)
    assert found.is_line
    assert not found.is_mix
    assert not asked
    assert found.line is found.source_line
    assert (found.key.key.name, found.key_given) == ("A minor", True)

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import noise, tone


def comped(made, first, second):
    """The lane of a song whose place has the first half of one sound and the second of another."""
    takes = []
    for sound in (first, second):
        audio = quantise(sound, made.rate, made.encoding).audio
        made.store.blobs.put(audio)
        take = made.add(4000, 4000)
        made.connection.execute("UPDATE take SET audio = ? WHERE id = ?", (audio.digest, take.id))
        takes.append(take)
    made.store.index.choose(takes[0].id)
    made.store.index.choose(takes[1].id, Span(6000, 8000))
    return SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs).covering


def level(samples):
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


@pytest.mark.parametrize(
    ("other", "kept"),
    [(noise(4000, 2, 0.5, seed=2), 1.0), (tone(4000, 8000, 200, 0.5, 2), 1.0)],
    ids=["unrelated sounds", "another kind of sound"],
)
def test_the_level_stays_through_a_crossfade(shelf, other, kept):
    made = shelf(encoding=Encoding.FLOAT)
    lane = comped(made, noise(4000, 2, 0.5, seed=1), other)
    (join,) = lane.joins
    assert join.span == Span(6000, 6096)
    ends = (level(lane.read(Span(5000, 6000))) + level(lane.read(Span(6096, 7000)))) / 2
    assert level(lane.read(join.span)) / ends == pytest.approx(kept, abs=0.15)


def test_a_constant_offset_passes_without_a_swell(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    lane = comped(made, noise(4000, 2, 0.01, 1) + 0.5, noise(4000, 2, 0.01, 2) + 0.5)
    assert np.abs(lane.read(Span(5900, 6200)) - 0.5).max() < 0.02


def test_what_a_crossfade_cuts_off_is_counted(shelf):
    made = shelf(encoding=Encoding.PCM_16)
    high = np.full((4000, 2), 0.999) * np.where(np.arange(4000) % 2, 1, -1)[:, None]
    other = high.copy()
    other[1::4] *= -1
    lane = comped(made, high, other)
    found = lane.read(lane.joins[0].span)
    assert lane.clipped == np.count_nonzero(np.abs(found) >= 1 - 2**-15)
    assert lane.clipped > 0

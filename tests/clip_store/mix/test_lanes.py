"""The lanes of a song: what lies in each, as wide as it needs, and nothing opened that is not read."""

import numpy as np
import pytest

from clip_store.audio.audio import Encoding, quantise
from clip_store.errors import SpliceError
from clip_store.mix.accepted import accepted_in
from clip_store.mix.lanes import Lanes
from daw_protocol.timeline.span import Span
from tests.clip_store.mix.separations import repainted, separated
from tests.clip_store.sounds import noise


def lanes_of(made):
    return Lanes(accepted_in(made.store.index, made.song.digest), made.store.blobs)


@pytest.mark.parametrize(
    ("encoding", "wide"), [(Encoding.PCM_24, Encoding.FLOAT), (Encoding.PCM_32, Encoding.DOUBLE)]
)
def test_a_song_with_changed_stems_is_read_in_floats_its_crossfades_elsewhere_as_before(
    shelf, encoding, wide
):
    made = shelf(encoding=encoding)
    left, right = (repainted(made, made.song.digest, 8000, 2000) for _ in range(2))
    made.store.index.choose(left.id)
    made.store.index.choose(right.id, Span(9000, 10_000))
    before = lanes_of(made).covering()
    assert before.encoding is encoding
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    made.store.index.choose(repainted(made, vocals.audio, 3000, 1000).id)
    after = lanes_of(made).covering()
    assert (after.encoding, after.spans) == (wide, (Span(3000, 4000), Span(8000, 10_000)))
    joined = Span(8000, 10_000)
    assert np.array_equal(after.read(joined), before.read(joined).astype(wide.dtype))


def test_a_stem_begins_and_ends_inside_the_song_or_with_it(shelf):
    made = shelf()
    for start, bare in ((0, {4000}), (5000, {5000, 9000}), (12_000, {12_000})):
        vocals, _ = separated(made, made.song.digest, start, 4000, "vocals", "residual")
        made.store.index.choose(repainted(made, vocals.audio, 0, 4000, at=start).id)
        assert lanes_of(made).stem(vocals.id).base.bare == bare


def test_the_clip_of_a_stem_with_other_channels_is_refused(shelf):
    made = shelf(channels=1)
    wrong = quantise(noise(made.song.frames, 2), made.rate, Encoding.FLOAT).audio
    made.store.blobs.put(wrong)
    vocals, _ = separated(made, made.song.digest, 0, made.song.frames, "vocals", "residual")
    take = repainted(made, vocals.audio, 3000, 1000)
    made.store.index.choose(take.id)
    made.connection.execute("UPDATE take SET audio = ? WHERE id = ?", (wrong.digest, take.id))
    with pytest.raises(SpliceError, match="2 channels"):
        lanes_of(made).covering()

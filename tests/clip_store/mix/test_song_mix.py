import numpy as np
import pytest

from clip_store.audio.audio import Audio, Encoding, quantise
from clip_store.errors import SpliceError
from clip_store.mix.accepted import accepted_in
from clip_store.mix.song_mix import SongMix
from clip_store.splice import with_clip
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import noise


def mix_of(made, **more):
    return SongMix(accepted_in(made.store.index, made.song.digest), made.store.blobs, **more)


def whole(mix):
    return np.concatenate([block.samples for block in mix.blocks()])


def clip_of(made, take):
    return made.store.blobs.get(take.audio).samples


def same(one, other):
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


def crossfades(mix):
    return [join.span for lane in (mix.covering, *mix.adding) for join in lane.joins]


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("channels", [1, 2])
def test_two_places_and_a_comp(shelf, encoding, channels):
    made = shelf(encoding=encoding, channels=channels)
    first, second, other = made.add(1000, 4000), made.add(1000, 4000), made.add(9000, 2000)
    index = made.store.index
    assert same(whole(mix_of(made)), made.song.samples), "nothing is accepted"
    for take, part in ((first, None), (other, None), (second, Span(2000, 3000))):
        index.choose(take.id, part)
    mix = mix_of(made)
    found = whole(mix)
    expected = made.song.samples.copy()
    expected[1000:5000], expected[9000:11_000] = clip_of(made, first), clip_of(made, other)
    expected[2000:3000] = clip_of(made, second)[1000:2000]
    assert mix.form.encoding is encoding
    assert [span.start for span in crossfades(mix)] == [2000, 3000]
    for span in crossfades(mix):
        inside = found[span.start : span.end]
        assert not same(inside, expected[span.start : span.end])
        assert np.isfinite(inside).all()
        expected[span.start : span.end] = inside
    assert same(found, expected)
    Audio(found, made.rate, encoding)  # every value is one the encoding can write
    while index.history.can_undo(made.song.digest):
        index.history.undo(made.song.digest)
    assert same(whole(mix_of(made)), made.song.samples)


def test_one_take_gives_the_song_it_was_measured_in(shelf):
    made = shelf()
    for start, length in ((-700, 1500), (15_000, 4000), (20_000, 500)):
        take = made.add(start, length, task="complete")
        made.store.index.choose(take.id)
        mix = mix_of(made)
        assert same(whole(mix), with_clip(made.song, made.store.blobs.get(take.audio), start).samples)
        assert mix.span.start == min(0, start)
        made.store.index.history.undo(made.song.digest)


@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_32])
def test_a_backing_is_added_without_being_rounded_or_cut_off(shelf, encoding):
    made = shelf(encoding=encoding)
    loud = quantise(noise(3000, 2, 0.95, 5), made.rate, Encoding.FLOAT).audio
    made.store.blobs.put(loud)
    take = made.add(2000, 3000, task="accompany", stem="piano")
    made.connection.execute("UPDATE take SET audio = ?", (loud.digest,))
    made.store.index.choose(take.id)
    mix = mix_of(made)
    found = whole(mix)
    assert mix.form.encoding is (Encoding.FLOAT if encoding is Encoding.PCM_16 else Encoding.DOUBLE)
    outside = np.r_[0:2000, 5000 : made.song.frames]
    assert np.array_equal(found[outside], made.song.samples[outside])
    assert np.array_equal(found[2000:5000], (made.song.samples[2000:5000] + loud.samples).astype(found.dtype))
    assert np.abs(found).max() > 1


def test_a_part_of_a_backing_fades_from_silence(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    take = made.add(2000, 3000, task="accompany", stem="piano")
    made.store.index.choose(take.id, Span(3000, 4000))
    added = whole(mix_of(made)) - made.song.samples
    assert not added[:3000].any()
    assert not added[4000:].any()
    assert np.allclose(added[3096:3904], clip_of(made, take)[1096:1904], atol=1e-7)
    assert np.abs(added[3000:3010]).max() < np.abs(added[3096:3904]).max() / 3


def test_any_stretch_is_the_same_as_of_the_whole(shelf):
    made = shelf()
    for take in (made.add(-300, 4000), made.add(1000, 2500), made.add(3300, 900)):
        made.store.index.choose(take.id, Span(-200, 3500))
    mix = mix_of(made)
    found = whole(mix)
    random = np.random.default_rng(3)
    for _ in range(30):
        start, end = sorted(random.integers(mix.span.start, mix.span.end, 2).tolist())
        block = mix.read(Span(start, end)).samples
        assert same(block, found[start - mix.span.start : end - mix.span.start])


def test_the_sign_of_zeros_outside_is_kept(shelf):
    made = shelf(encoding=Encoding.FLOAT)
    samples = made.song.samples.copy()
    samples[:500] = -0.0
    made.song = Audio(samples, made.rate, Encoding.FLOAT)
    made.store.blobs.put(made.song)
    take = made.add(1000, 500, task="accompany", stem="piano")
    made.store.index.choose(take.id)
    assert same(whole(mix_of(made))[:1000], samples[:1000])


def test_equal_takes_join_without_a_trace(shelf):
    made = shelf()
    first, second = made.add(1000, 4000), made.add(1000, 4000)
    made.connection.execute("UPDATE take SET audio = ?", (first.audio,))
    made.store.index.choose(first.id)
    made.store.index.choose(second.id, Span(2000, 3000))
    assert same(whole(mix_of(made))[1000:5000], clip_of(made, first))


def test_in_fewer_bits_it_is_rounded_and_what_is_cut_off_is_counted(shelf):
    made = shelf(encoding=Encoding.PCM_16)
    loud = quantise(noise(3000, 2, 0.95, 5), made.rate, Encoding.FLOAT).audio
    made.store.blobs.put(loud)
    take = made.add(2000, 3000, task="accompany", stem="piano")
    made.connection.execute("UPDATE take SET audio = ?", (loud.digest,))
    made.store.index.choose(take.id)
    exact = whole(mix_of(made))
    mix = mix_of(made, encoding=Encoding.PCM_24)
    assert np.abs(whole(mix) - np.clip(exact, -1, 1 - 2**-23)).max() <= 2**-24
    assert sum(block.clipped for block in mix.blocks()) == np.count_nonzero(np.abs(exact) > 1)


def test_a_clip_of_another_rate_is_refused(shelf):
    made = shelf()
    wrong = quantise(noise(1000, 2), 44_100, made.encoding).audio
    made.store.blobs.put(wrong)
    take = made.add(2000, 1000)
    made.connection.execute("UPDATE take SET audio = ?", (wrong.digest,))
    made.store.index.choose(take.id)
    with pytest.raises(SpliceError, match="44100 Hz"):
        mix_of(made)

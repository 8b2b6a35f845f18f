import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from clip_store.audio.audio import Encoding
from clip_store.audio.audio_file import read_audio, write_wav
from clip_store.errors import SpliceError
from clip_store.likeness import correlation
from clip_store.splice import frames_with_clip, splice, stretch, with_clip
from daw_protocol.timeline.span import Span
from tests.clip_store.sounds import noise, song, tone

FRAMES = 3000
FADE = 100

REGIONS = {
    "inside": Span(1000, 2000),
    "at the very start": Span(0, 1000),
    "at the very end": Span(2000, FRAMES),
    "one frame": Span(1500, 1501),
    "the first frame": Span(0, 1),
    "the last frame": Span(FRAMES - 1, FRAMES),
    "the whole song": Span(0, FRAMES),
    "over the end": Span(2500, 3700),
    "a hair over the end": Span(FRAMES - 10, FRAMES + 1000),
    "from the end on": Span(FRAMES, 3900),
    "beyond the end": Span(3500, 4000),
    "over the start": Span(-500, 800),
    "before the start": Span(-900, -400),
    "over both ends": Span(-100, FRAMES + 100),
}


def sound_bytes(path) -> bytes:
    """The body of a WAV's data chunk, found by hand."""
    data = path.read_bytes()
    at = data.index(b"data")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    return data[at + 8 : at + 8 + size]


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
@pytest.mark.parametrize("encoding", [Encoding.PCM_16, Encoding.PCM_24, Encoding.FLOAT])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44100, 48000, 88200, 96000])
def test_the_outside_is_bit_identical_through_real_files(tmp_path, rate, channels, encoding, region):
    write_wav(tmp_path / "song.wav", song(FRAMES, channels, rate, encoding))
    old = read_audio(tmp_path / "song.wav", 10)
    render = noise(region.length, channels, seed=5)
    spliced = splice(old, render, region, FADE)
    write_wav(tmp_path / "new.wav", with_clip(old, spliced.clip, region.start))
    write_wav(tmp_path / "clip.wav", spliced.clip)

    lead = max(0, -region.start)
    first, last = (min(max(0, edge), FRAMES) for edge in (region.start, region.end))
    assert soundfile.info(tmp_path / "new.wav").frames == lead + max(FRAMES, region.end)
    assert soundfile.info(tmp_path / "clip.wav").frames == region.length

    # By soundfile: another reader than the one under test.
    before, after, clip = (
        soundfile.read(tmp_path / f"{name}.wav", dtype="float64", always_2d=True)[0]
        for name in ("song", "new", "clip")
    )
    assert np.array_equal(after[lead : lead + first], before[:first])
    assert np.array_equal(after[lead + last : lead + FRAMES], before[last:])
    assert np.array_equal(after[lead + region.start : lead + region.end], clip)

    # By bytes.
    frame = channels * encoding.bits // 8
    raw_before, raw_after = sound_bytes(tmp_path / "song.wav"), sound_bytes(tmp_path / "new.wav")
    assert raw_after[lead * frame : (lead + first) * frame] == raw_before[: first * frame]
    assert raw_after[(lead + last) * frame : (lead + FRAMES) * frame] == raw_before[last * frame :]
    silence = [*range(lead + FRAMES, lead + region.start), *range(region.length, lead)]
    assert not after[silence].any()

    # Inside and away from the fades it is the render, to half a step of the encoding.
    fade_in, fade_out = spliced.fades
    half_step = 0 if encoding.is_float else 0.5 / encoding.full_scale
    middle = slice(fade_in, region.length - fade_out)
    expected = render[middle].astype(np.float32) if encoding.is_float else render[middle]
    assert np.abs(clip[middle] - expected).max(initial=0) <= half_step


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
def test_fades_lie_inside_and_only_where_the_song_is(region):
    fades = splice(song(FRAMES), noise(region.length, seed=5), region, FADE).fades
    half = min(FADE, region.length // 2)
    expected = {
        Span(1000, 2000): (FADE, FADE),
        Span(0, 1000): (0, FADE),
        Span(2000, FRAMES): (FADE, 0),
        Span(2500, 3700): (FADE, 0),
        Span(FRAMES - 10, FRAMES + 1000): (10, 0),
        Span(-500, 800): (0, FADE),
    }.get(region, (0, 0))
    assert fades == (min(expected[0], half), min(expected[1], half))


@given(
    frames=st.integers(1, 300),
    start=st.integers(-200, 400),
    length=st.integers(1, 300),
    fade=st.integers(0, 200),
    encoding=st.sampled_from(list(Encoding)),
    channels=st.sampled_from([1, 2]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_any_region_leaves_the_outside_alone(frames, start, length, fade, encoding, channels, seed):
    old = song(frames, channels, 48000, encoding, seed=seed)
    region = Span(start, start + length)
    new = splice(old, noise(length, channels, level=2.0, seed=seed + 1), region, fade)
    whole, lead = with_clip(old, new.clip, start), max(0, -start)
    assert whole.frames == lead + max(frames, region.end)
    outside = np.ones(frames, bool)
    outside[max(0, start) : max(0, region.end)] = False
    kept = whole.samples[lead : lead + frames]
    assert np.array_equal(kept[outside], old.samples[outside])
    placed = whole.samples[lead + start : lead + region.end]
    assert np.array_equal(placed, new.clip.samples)
    assert sum(new.fades) <= length


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
def test_rendering_what_was_there_changes_nothing(encoding, region):
    old = song(FRAMES, 2, 48000, encoding)
    new = splice(old, stretch(old, region), region, FADE)
    longer = Span(min(0, region.start), max(FRAMES, region.end))
    whole = with_clip(old, new.clip, region.start)
    assert np.array_equal(whole.samples, stretch(old, longer).astype(encoding.dtype))
    for fade in (new.fade_in, new.fade_out):
        assert fade.length == 0 or fade.correlation == 1.0


def test_equal_sounds_fade_by_gains_that_sum_to_one():
    old = song(1000, 1, encoding=Encoding.DOUBLE)
    new = splice(old, stretch(old, Span(200, 800)) * 0.5, Span(200, 800), 100)
    assert new.fade_in.correlation == 1.0
    assert new.fade_in.curve == "equal-gain"
    ratio = new.clip.samples[:100, 0] / old.samples[200:300, 0]
    assert np.all(np.diff(ratio) < 0)
    assert 0.5 < ratio.min() < 0.51
    assert 0.99 < ratio.max() < 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_power_stays_level_through_the_fade_whatever_the_correlation(share):
    """Mean square over many fades of sounds with a known correlation."""
    fade = 20000
    common, one, other = (noise(60000, 1, seed=seed) for seed in (1, 2, 3))
    old = np.sqrt(share) * common + np.sqrt(1 - share) * one
    render = (np.sqrt(share) * common + np.sqrt(1 - share) * other)[20000:]
    base = song(60000, 1, encoding=Encoding.DOUBLE)
    source = type(base)(old, 48000, Encoding.DOUBLE)
    new = splice(source, render[:40000], Span(20000, 60000), fade)
    assert new.fade_in.correlation == pytest.approx(share, abs=0.03)
    parts = new.clip.samples[:fade, 0].reshape(10, -1)
    power = 10 * np.log10((parts**2).mean(axis=1) / (old**2).mean())
    assert np.abs(power).max() < 0.3
    assert new.fade_in.curve == ("equal-gain" if share > 0.5 else "equal-power")


def test_the_edge_is_continuous():
    """A fade begins at the old sound and ends at the new: no step larger than the tones' own."""
    old = tone(4800, hertz=100)
    source = type(song())(old, 48000, Encoding.DOUBLE)
    new = splice(source, -0.5 * tone(2400, hertz=130), Span(1200, 3600), 480)
    largest = np.abs(np.diff(old[:, 0])).max()
    assert np.abs(np.diff(with_clip(source, new.clip, 1200).samples[:, 0])).max() < 2 * largest
    hard = splice(source, -0.5 * tone(2400, hertz=130) - 0.2, Span(1200, 3600), 0)
    assert np.abs(np.diff(with_clip(source, hard.clip, 1200).samples[:, 0])).max() > 10 * largest


def test_clipped_samples_are_counted():
    new = splice(song(1000, 1, encoding=Encoding.PCM_16), np.full((100, 1), 1.2), Span(100, 200), 0)
    assert new.clipped == 100
    assert (
        splice(song(1000, 1, encoding=Encoding.FLOAT), np.full((100, 1), 1.2), Span(100, 200), 0).clipped == 0
    )


def test_the_render_is_not_changed_by_splicing():
    render = noise(1000)
    before = render.copy()
    splice(song(FRAMES), render, Span(500, 1500), FADE)
    assert np.array_equal(render, before)


@pytest.mark.parametrize(
    "render",
    [noise(999), noise(1001), noise(1000, 1), noise(1000)[:, 0], np.zeros((0, 2))],
    ids=["short", "long", "mono", "flat", "empty"],
)
def test_a_render_that_does_not_fit_is_refused_with_both_numbers(render):
    with pytest.raises(SpliceError, match=r"needs \[1000, 2\]"):
        splice(song(FRAMES), render, Span(500, 1500), FADE)


def test_a_render_with_a_nan_is_refused():
    render = noise(1000)
    render[10, 0] = np.nan
    with pytest.raises(SpliceError, match="not numbers"):
        splice(song(FRAMES), render, Span(500, 1500), FADE)


def test_senseless_arguments_are_refused():
    with pytest.raises(ValueError, match="fade"):
        splice(song(FRAMES), noise(10), Span(0, 10), -1)
    with pytest.raises(ValueError, match="empty"):
        splice(song(FRAMES), noise(0), Span(5, 5), 0)


def test_a_clip_of_another_rate_is_refused():
    old = song(FRAMES)
    with pytest.raises(SpliceError, match="another rate"):
        with_clip(old, song(10, rate=44100), 0)


@pytest.mark.parametrize("start", [-500, -1, 0, 2000, FRAMES, FRAMES + 7])
def test_how_long_a_song_is_with_a_clip(start):
    assert with_clip(song(FRAMES), song(1000), start).frames == frames_with_clip(FRAMES, 1000, start)


def test_correlation():
    x = noise(1000, 2)
    assert correlation(x, x, 48000) == correlation(x, 0.1 * x, 48000) == 1.0
    assert correlation(x, -x, 48000) == -1.0
    assert correlation(x, np.zeros_like(x), 48000) == 0.0
    assert abs(correlation(x, noise(1000, 2, seed=9), 48000)) < 0.1

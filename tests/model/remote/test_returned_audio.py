"""Whatever a server does to time and level outside the region is measured; what cannot be undone is refused."""

import numpy as np
import pytest

from model.acestep.latent_grid import HOP
from model.acestep.weights.capabilities import TRACKS
from model.engine import Task
from model.errors import RenderRejected
from model.remote.order import orders_of
from model.remote.returned_audio import checked, checked_alike
from tests.model.remote.requests import request, song


@pytest.fixture(scope="module")
def order():
    ((found,), _) = orders_of(request(song(8), 150_000, 200_000), TRACKS)
    return found


def rendered(order, seed: int = 3) -> np.ndarray:
    made = order.sent.samples.copy()
    first, end = order.zone
    made[first * HOP : end * HOP] = np.random.default_rng(seed).uniform(-0.2, 0.2, ((end - first) * HOP, 2))
    return made


@pytest.mark.parametrize("gain", [0.125, 0.7071, 1.0, 1.3794, 30.0])
def test_a_gain_is_undone(order, gain):
    made = rendered(order)
    found = checked(order, made * np.float32(gain), 48_000, "it")
    assert found.gain == pytest.approx(gain, rel=1e-7)
    assert np.abs(found.samples - made).max() < 1e-6
    assert found.difference < 1e-6


def test_crossfades_beside_the_zone_are_the_servers_own(order):
    made = rendered(order)
    first, end = order.zone
    made[first * HOP - 1200 : first * HOP] *= np.float32(0.5)
    made[end * HOP : end * HOP + 1200] *= np.float32(0.5)
    assert checked(order, made, 48_000, "it").gain == pytest.approx(1.0)


def spoilt(made, how):
    made = made.copy()
    match how:
        case "a sample":
            made[40_000, 0] += 1e-3
        case "shifted by a sample":
            made = np.roll(made, 1, axis=0)
        case "shifted by a frame":
            made = np.roll(made, HOP, axis=0)
        case "silent":
            made[:] = 0
        case "upside down":
            made = -made
        case "16 bit and quiet":
            made = (np.round(made * 0.001 * 2**15) / 2**15).astype(np.float32)
        case "compressed":
            made = np.tanh(2 * made).astype(np.float32)
        case "sides changed":
            made = made[:, ::-1]
    return made


@pytest.mark.parametrize(
    "how",
    [
        "a sample", "shifted by a sample", "shifted by a frame", "silent", "upside down", "16 bit and quiet",
        "compressed", "sides changed",
    ],
)  # fmt: skip
def test_what_changes_the_outside_is_refused_with_what_was_measured(order, how):
    with pytest.raises(RenderRejected, match="after a gain of"):
        checked(order, spoilt(rendered(order), how), 48_000, "it")


def test_other_refusals(order):
    made = rendered(order)
    with pytest.raises(RenderRejected, match="at 44100 Hz"):
        checked(order, made, 44_100, "it")
    with pytest.raises(RenderRejected, match="with 6 channels"):
        checked(order, np.zeros((len(made), 6), np.float32), 48_000, "it")
    with pytest.raises(RenderRejected, match="the region ends at"):
        checked(order, made[:190_000], 48_000, "it")
    with pytest.raises(RenderRejected, match="as it was"):
        checked(order, order.sent.samples * np.float32(0.5), 48_000, "it")
    made[160_000] = np.nan
    with pytest.raises(RenderRejected, match="invalid samples"):
        checked(order, made, 48_000, "it")


def test_mono_and_a_missing_end_are_made_good(order):
    mono = order.sent.samples.mean(axis=1, keepdims=True)
    with pytest.raises(RenderRejected, match="after a gain of"):
        checked(order, mono, 48_000, "it")  # of a stereo song, it is not the song any more
    made = rendered(order)
    found = checked(order, made[: -HOP - 7], 48_000, "it")
    assert np.array_equal(found.samples, made)


def test_silence_beside_the_region_leaves_the_level_open():
    given = song(8)
    quiet = given.samples.copy()
    quiet[:145_920] = quiet[205_440:] = (
        0  # the zone is 149,760 to 201,600, and its edges are the server's own
    )
    ((order,), _) = orders_of(request(type(given)(quiet, given.rate, "quiet"), 150_000, 200_000), TRACKS)
    found = checked(order, 2 * rendered(order), 48_000, "it")
    assert (found.gain, found.difference) == (1.0, None)


def through_autoencoder(order) -> np.ndarray:
    """The song a little different, and another level, with the zone new."""
    made = rendered(order)
    noise = np.random.default_rng(5).standard_normal(made.shape).astype(np.float32)
    return (0.5 * (made + 0.02 * noise)).astype(np.float32)


@pytest.mark.parametrize(
    ("start", "end", "silent", "opposed"),
    [
        (150_000, 200_000, None, False),
        (150_000, 200_000, None, True),
        (24_000, 370_000, None, False),  # under half a second of song on both sides
        (270_000, 300_000, slice(0, 265_000), False),  # the longer side says nothing
    ],
)
def test_an_autoencoders_song_is_known_again(start, end, silent, opposed):
    given = song(8)
    samples = given.samples.copy()
    if silent is not None:
        samples[silent] = 0
    if opposed:
        samples[:, 1] = -samples[:, 0]
    ((order,), _) = orders_of(request(type(given)(samples, given.rate, "given"), start, end), TRACKS)
    found = checked_alike(order, through_autoencoder(order), 48_000, "it")
    assert found.gain == pytest.approx(0.5, rel=0.01)
    with pytest.raises(RenderRejected, match=r"likeness .* at 1920 samples"):
        checked_alike(order, np.roll(through_autoencoder(order), HOP, axis=0), 48_000, "it")
    with pytest.raises(RenderRejected, match="likeness"):
        checked_alike(order, rendered(order) * 0, 48_000, "it")


def test_silence_beside_the_region_cannot_be_likened():
    given = song(8)
    quiet = given.samples.copy()
    quiet[:145_920] = quiet[205_440:] = 0
    ((order,), _) = orders_of(request(type(given)(quiet, given.rate, "quiet"), 150_000, 200_000), TRACKS)
    found = checked_alike(order, through_autoencoder(order), 48_000, "it")
    assert (found.gain, found.difference) == (1.0, None)


def test_where_everything_is_new_nothing_is_compared():
    ((order,), _) = orders_of(request(song(8, loud=2.0), 0, 200_000, Task.COVER), TRACKS)
    made = np.random.default_rng(1).uniform(-0.5, 0.5, (order.window.frames * HOP, 2)).astype(np.float32)
    found = checked(order, made, 48_000, "it")
    assert (found.gain, found.difference) == (1.0, None)
    assert np.abs(found.samples - made / np.float32(order.sent.scale)).max() < 1e-6

"""The beat tracker's adapter, with a small network behind the library's interface; and with the library where it is."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from model.ears import CannotHear, Ears, fetch_weights, weights_path
from model.errors import RenderStopped
from model.pace import Pace

torch = pytest.importorskip("torch", reason="SKIPPED: the beat tracker needs torch (extra ears)")

RATE, FRAME = 22050, 441
PACE = Pace(lambda _: None, lambda: False)


class Loudness(torch.nn.Module):
    """A network that hears a beat in each frame that is louder than a threshold, its only weight."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = torch.nn.Parameter(torch.tensor(threshold))

    def forward(self, frames):
        return frames - self.threshold


class Audio2Beats:
    """As the library's: loads weights from a path, takes (samples,) and a rate, 1500 frames at a time."""

    def __init__(self, checkpoint_path, device, dbn):
        assert (device, dbn) == ("cpu", False)  # madmom's own processing is not free for every use
        self.model = Loudness(float(torch.load(checkpoint_path, weights_only=True)["threshold"])).eval()
        self.calls = []

    def __call__(self, signal, rate):
        self.calls.append((signal.shape, str(signal.dtype), rate, float(np.abs(signal).max())))
        step = rate // 50
        frames = torch.tensor([np.abs(signal[at : at + step]).max() for at in range(0, len(signal), step)])
        with torch.inference_mode():
            heard = torch.cat([self.model(chunk) for chunk in frames.split(1500)]).numpy() > 0
        beats = np.flatnonzero(heard) / 50
        return beats, beats[::4]


@pytest.fixture
def library(monkeypatch, tmp_path):
    """The double in the library's place, with no weights yet; the module, to be changed."""
    package, inference = types.ModuleType("beat_this"), types.ModuleType("beat_this.inference")
    inference.Audio2Beats, inference.CHECKPOINT_URL = Audio2Beats, (tmp_path / "published").as_uri()
    inference.load_model = lambda path, device: Audio2Beats(path, device, False).model
    package.inference = inference
    monkeypatch.setitem(sys.modules, "beat_this", package)
    monkeypatch.setitem(sys.modules, "beat_this.inference", inference)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "cache"))
    return inference


def save(path, threshold=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"threshold": threshold}, path)


def clicks(seconds: float, every: float) -> np.ndarray:
    """Quiet mono clicks, each within one frame of 20 ms."""
    mono = np.zeros(round(seconds * RATE), np.float32)
    mono[np.round(np.arange(0.0, seconds - 0.1, every) * RATE).astype(int) + FRAME // 2] = 0.2
    return mono


def test_seconds_of_beats_at_full_level_whatever_the_songs_is(library):
    save(weights_path())
    ears = Ears()
    heard = ears.hear(clicks(70.0, 0.5), RATE, PACE)
    assert heard.beats == pytest.approx(np.arange(0.0, 69.9, 0.5), abs=0.021)
    assert heard.downbeats == pytest.approx(heard.beats[::4])
    ((shape, kind, rate, peak),) = ears._tracker.calls
    assert (shape, kind, rate, peak) == ((70 * RATE,), "float32", RATE, pytest.approx(0.9))


def test_silence_has_no_beats(library):
    save(weights_path())
    heard = Ears().hear(np.zeros(8 * RATE, np.float32), RATE, PACE)
    assert (len(heard.beats), len(heard.downbeats)) == (0, 0)


def test_it_is_loaded_once_and_says_how_far_it_is(library):
    save(weights_path())
    ears, said = Ears(), []
    for _ in range(2):
        ears.hear(clicks(95.0, 0.5), RATE, Pace(lambda now: said.append(now.fraction), lambda: False))
    assert len(ears._tracker.calls) == 2
    assert said[: len(said) // 2] == sorted(said[: len(said) // 2])
    assert len([part for part in said if 0.0 < part < 1.0]) >= 4  # between chunks of half a minute
    assert not ears._tracker.model._forward_pre_hooks


def test_it_stops_between_two_chunks(library):
    save(weights_path())
    ears, seen = Ears(), []
    with pytest.raises(RenderStopped):
        ears.hear(clicks(95.0, 0.5), RATE, Pace(seen.append, lambda: len(seen) >= 3))
    assert len(seen) == 3
    assert not ears._tracker.model._forward_pre_hooks
    assert len(ears.hear(clicks(10.0, 0.5), RATE, PACE).beats) == 20  # and it is as good as new


def test_without_the_package_nothing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "beat_this", None)
    with pytest.raises(CannotHear) as missing:
        Ears().hear(clicks(10.0, 0.5), RATE, PACE)
    assert missing.value.note == ""


def test_without_weights_it_says_how_to_get_them_and_fetches_nothing(library, monkeypatch):
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("fetched unasked"))
    with pytest.raises(
        CannotHear, match=r"no weights yet.*78 MB from cloud\.cp\.jku\.at.*takebridge models ears"
    ):
        Ears().hear(clicks(10.0, 0.5), RATE, PACE)


def test_damaged_weights_are_said_to_be_and_how_to_get_others(library):
    weights_path().parent.mkdir(parents=True)
    weights_path().write_bytes(b"<html>404</html>")
    with pytest.raises(
        CannotHear, match=r"cannot be read.*Delete beat_this-final0.ckpt.*takebridge models ears"
    ):
        Ears().hear(clicks(10.0, 0.5), RATE, PACE)


def test_a_package_that_does_not_load_is_named_with_the_reason(library, monkeypatch):
    monkeypatch.delattr(sys.modules["beat_this"], "inference")
    monkeypatch.setitem(sys.modules, "beat_this.inference", None)  # as where torchaudio is of another version
    with pytest.raises(CannotHear, match=r"does not load .*torchaudio of the same version: pip install"):
        Ears().hear(clicks(10.0, 0.5), RATE, PACE)


def test_weights_are_fetched_once_from_the_librarys_address(library, tmp_path):
    save(tmp_path / "published" / "final0.ckpt")
    assert fetch_weights() == weights_path()
    (tmp_path / "published" / "final0.ckpt").unlink()
    assert fetch_weights().is_file()  # from the cache
    assert len(Ears().hear(clicks(10.0, 0.5), RATE, PACE).beats) == 20


def test_what_cannot_be_fetched_and_what_is_no_weights_leaves_nothing(library, tmp_path):
    with pytest.raises(CannotHear, match="could not be fetched"):
        fetch_weights()
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "final0.ckpt").write_bytes(b"<html>sign in</html>")
    with pytest.raises(CannotHear, match="is not the weights"):
        fetch_weights()
    assert list(weights_path().parent.iterdir()) == []


def test_the_library_itself_takes_the_call(monkeypatch, tmp_path):
    reason = "SKIPPED: beat-this is not installed (extra ears)"
    tracker = pytest.importorskip("beat_this.model.beat_tracker", reason=reason)
    pytest.importorskip("beat_this.inference", reason=reason, exc_type=ImportError)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    torch.manual_seed(0)
    small = {"transformer_dim": 32, "n_layers": 1, "stem_dim": 16, "head_dim": 16}
    state = {f"model.{name}": value for name, value in tracker.BeatThis(**small).state_dict().items()}
    weights_path().parent.mkdir()
    torch.save({"hyper_parameters": small, "state_dict": state}, weights_path())
    assert fetch_weights() == weights_path()
    heard = Ears().hear(clicks(40.0, 0.5), RATE, PACE)  # of random weights: anything, in seconds of the song
    for times in (heard.beats, heard.downbeats):
        assert ((times >= 0.0) & (times <= 40.02)).all()
        assert times * 50 == pytest.approx(np.round(times * 50))

"""A kick is learned from its repetitions, and short notes that move are not taken for it."""

from __future__ import annotations

import numpy as np

from model.sketch.separation.channel_spectra import Framing, analyse, joint_magnitude
from model.sketch.separation.kick import hits_in, kick_magnitude, template
from model.sketch.separation.percussive import sudden_lows
from model.sketch.separation.separation_parameters import DEFAULT

RATE = 44100
FRAMING = Framing.of(RATE, DEFAULT.percussive.window_seconds)
EVERY = 0.5
TIME = np.arange(8 * RATE) / RATE


def quiet() -> None:
    """A tick nobody listens to."""


def sudden(mono: np.ndarray) -> np.ndarray:
    magnitude = joint_magnitude(analyse(mono.astype(np.float32)[:, None], FRAMING, quiet))
    return sudden_lows(magnitude, FRAMING, DEFAULT.low_band, quiet)


def kicks() -> np.ndarray:
    """A drum that falls to 55 Hz, on every beat."""
    since = TIME % EVERY
    phase = 55 * since + 2.0 * (1 - np.exp(-since / 0.02))
    return np.sin(2 * np.pi * phase) * np.exp(-since / 0.08)


def short_notes(late: float) -> np.ndarray:
    """Muted bass notes, `late` seconds after each beat, none like its neighbours."""
    since = (TIME - late) % EVERY
    number = np.maximum((TIME - late) // EVERY, 0).astype(int)
    pitch = np.array([41.2, 61.7, 82.4, 98.0, 73.4, 49.0, 110.0, 65.4])[number % 8]
    return np.sin(2 * np.pi * pitch * since) * np.exp(-since / 0.08) * (late <= TIME)


def explained(kick: np.ndarray, heard: np.ndarray) -> float:
    kept = np.minimum(DEFAULT.kick.headroom * kick / (heard + 1e-9), 1)
    return float(np.sum((kept * heard) ** 2) / np.sum(heard**2))


def test_a_kick_explains_all_of_itself_and_little_of_notes_that_move() -> None:
    drum, notes = sudden(kicks()), sudden(short_notes(0.0))
    assert explained(kick_magnitude(drum, FRAMING, DEFAULT.kick), drum) > 0.95
    assert explained(kick_magnitude(notes, FRAMING, DEFAULT.kick), notes) < 0.5


def test_a_kick_is_found_among_notes_between_its_hits() -> None:
    both = sudden(kicks() + 0.7 * short_notes(EVERY / 2))
    kick = kick_magnitude(both, FRAMING, DEFAULT.kick)
    drum, notes = (explained(kick, part) for part in (sudden(kicks()), sudden(0.7 * short_notes(EVERY / 2))))
    assert drum > 0.9
    assert notes < drum / 2


def test_a_kick_is_found_whole_where_another_drum_moves_its_peak() -> None:
    kick = np.zeros((20, 120), dtype=np.float32)
    for frame in range(4, 110, 12):
        kick[5:9, frame : frame + 2] = (1.0, 0.8)
    both = kick.copy()
    both[15, [17, 53]] = 2.0  # a frame after two of the kicks
    found = kick_magnitude(both, FRAMING, DEFAULT.kick)
    assert np.sum(np.minimum(found, kick)) > 0.95 * np.sum(kick)


def test_with_too_few_hits_everything_sudden_may_be_a_kick() -> None:
    once = sudden(kicks() * (TIME < EVERY))
    np.testing.assert_array_equal(kick_magnitude(once, FRAMING, DEFAULT.kick), once)


def test_silence_has_no_hits() -> None:
    nothing = np.zeros((20, 30), dtype=np.float32)
    assert not len(hits_in(nothing.sum(axis=0), FRAMING, DEFAULT.kick))
    assert not kick_magnitude(nothing, FRAMING, DEFAULT.kick).any()


def test_the_template_is_what_most_of_the_loud_excerpts_have() -> None:
    kick, note = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    heard = np.array([4 * kick, 4 * kick, note, note, note], dtype=np.float32)
    np.testing.assert_array_equal(template(heard, heard.sum(axis=(1, 2))), kick)

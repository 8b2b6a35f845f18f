from __future__ import annotations

from fractions import Fraction

import pytest

from daw_protocol.timeline.tempo_map import TempoMap
from daw_protocol.timeline.timecode import FRAME_RATES, AtTimecode

TIMES = [
    # 62 s and 12 frames of 1/25 s
    ("00:01:02:12@25", Fraction(62) + Fraction(12, 25)),
    ("01:00:00:00@30", Fraction(3600)),
    # Without drop the label of an hour holds 108000 frames, each 1001/30000 s: 3603.6 s.
    ("01:00:00:00@29.97", Fraction(36036, 10)),
    # With drop 2 labels go in 54 of 60 minutes, 107892 frames stay: 3599.9964 s.
    ("01:00:00;00@29.97", Fraction(107892 * 1001, 30000)),
    # The first minute loses none: label 00:00:59;29 is frame 1799, and 00:01:00;02 the one after it.
    ("00:00:59;29@29.97", Fraction(1799 * 1001, 30000)),
    ("00:01:00;02@29.97", Fraction(1800 * 1001, 30000)),
    # Ten minutes lose 9 * 2 labels: frame 18000 - 18.
    ("00:10:00;00@29.97", Fraction(17982 * 1001, 30000)),
    ("00:01:00;04@59.94", Fraction(3600 * 1001, 60000)),
    ("00:00:01:00@23.976", Fraction(24 * 1001, 24000)),
]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_time_of_a_frame_and_its_text(text: str, seconds: Fraction) -> None:
    timecode = AtTimecode.parse(text)
    assert timecode.time == seconds
    assert str(timecode) == text


def test_drop_frame_labels_count_every_frame_once() -> None:
    """Every label of eleven minutes that exists, in order: they must be the frames 0, 1, 2, ..."""
    frame = 0
    for minute in range(11):
        for second in range(60):
            for label in range(30):
                try:
                    timecode = AtTimecode(0, minute, second, label, "29.97", drop=True)
                except ValueError:
                    assert label < 2
                    assert second == 0
                    assert minute % 10
                    continue
                assert timecode.time * Fraction(30000, 1001) == frame
                frame += 1


@pytest.mark.parametrize("fps", FRAME_RATES)
def test_every_frame_rate_starts_at_zero_and_steps_by_one_frame(fps: str) -> None:
    assert AtTimecode(0, 0, 0, 0, fps).time == 0
    assert AtTimecode(0, 0, 0, 1, fps).time == 1 / FRAME_RATES[fps]


def test_resolve_rounds_to_the_nearest_sample() -> None:
    # 1 frame of 29.97 is 1001/30000 s: 1601.6 samples at 48 kHz, 1471.47 at 44.1 kHz
    timecode = AtTimecode.parse("00:00:00:01@29.97")
    assert timecode.resolve(TempoMap.constant(120), 48000) == 1602
    assert timecode.resolve(TempoMap.constant(120), 44100) == 1471


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("00:00:00:25@25", "frame must be between 0 and 24"),
        ("00:00:60:00@25", "seconds must be between 0 and 59"),
        ("00:60:00:00@25", "minutes must be between 0 and 59"),
        ("100:00:00:00@25", "hours must be between 0 and 99"),
        ("00:00:00:00@26", "fps must be one of"),
        ("00:00:00;00@25", "drop-frame exists only at 29.97 and 59.94 fps"),
        ("00:01:00;01@29.97", "does not exist"),
        ("00:01:02:12", "a timecode must look like"),
        ("1:02:12@25", "a timecode must look like"),
    ],
)
def test_labels_that_do_not_exist(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        AtTimecode.parse(text)


def test_values_of_the_wrong_kind() -> None:
    with pytest.raises(TypeError, match="fps must be text"):
        AtTimecode(0, 0, 0, 0, 25)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="drop must be"):
        AtTimecode(0, 0, 0, 0, "29.97", drop=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="hours"):
        AtTimecode("0", 0, 0, 0, "25")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a timecode must be text"):
        AtTimecode.parse(25)  # type: ignore[arg-type]

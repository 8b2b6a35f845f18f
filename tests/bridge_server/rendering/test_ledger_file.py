import json

import numpy as np
import pytest

from bridge_server.rendering.ledger_file import column_peaks, peaks_of_sound, write_ledger
from bridge_server.rendering.ledger_page import COLUMNS
from clip_store.errors import StoreError
from daw_protocol.ledger import Ledger
from tests.bridge_server.rendering.test_ledger_words import LEDGER
from tests.clip_store.sounds import song


def test_a_page_and_json_beside_each_other(tmp_path):
    first = write_ledger(LEDGER, (), tmp_path / "out", "1", 0.0)
    second = write_ledger(LEDGER, (), tmp_path / "out", "1", 0.0)
    assert [path.name for path in first.files] == ["Demo.ledger.html", "Demo.ledger.json"]
    assert [path.name for path in second.files] == ["Demo.ledger-2.html", "Demo.ledger-2.json"]
    assert Ledger.from_stored(json.loads(first.files[1].read_text("utf-8"))) == LEDGER


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError):
        write_ledger(LEDGER, (), tmp_path / "file", "1", 0.0)


def test_peaks_are_the_highest_samples_of_each_column():
    samples = np.zeros((COLUMNS * 10, 2), np.float32)
    samples[15, 1], samples[-1, 0] = -0.5, 0.25
    whole = column_peaks([(0, samples)], len(samples))
    halves = column_peaks([(0, samples[:17]), (17, samples[17:])], len(samples))
    assert whole == halves
    assert (whole[1], whole[-1], sum(whole)) == (0.5, 0.25, 0.75)


def test_a_sound_lies_where_it_begins():
    sound = song(1000, 1, 8_000)
    ledger = LEDGER.evolve(start=-1000, end=1000)
    found = peaks_of_sound(sound, 0, ledger)
    assert max(found[: COLUMNS // 2]) == 0.0
    assert max(found[COLUMNS // 2 :]) == pytest.approx(float(np.abs(sound.samples).max()), abs=1e-4)

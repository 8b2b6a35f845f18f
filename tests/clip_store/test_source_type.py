"""What takes and songs are marked as."""

import pytest

from clip_store.source_type import VOCABULARY, SourceType, of_mix, of_take

T = SourceType
TAKES = [
    # task, by a network, by Sketch, by Sketch from a song that a network had a part in
    ("repaint", T.EDITED_BY_TRAINED, T.COMPOSITE, T.WITH_SYNTHETIC),
    ("complete", T.EDITED_BY_TRAINED, T.COMPOSITE, T.WITH_SYNTHETIC),
    ("cover", T.EDITED_BY_TRAINED, T.COMPOSITE, T.WITH_SYNTHETIC),
    ("extract", T.EDITED_BY_TRAINED, T.ALTERED, T.WITH_SYNTHETIC),
    ("accompany", T.TRAINED, T.ALGORITHMIC, T.ALGORITHMIC),
    ("lego", T.TRAINED, T.ALGORITHMIC, T.ALGORITHMIC),
    ("generate", T.TRAINED, T.ALGORITHMIC, T.ALGORITHMIC),
]


@pytest.mark.parametrize(("task", "neural", "rules", "tainted"), TAKES)
def test_a_take_by_its_task_and_engine(task, neural, rules, tainted):
    assert of_take(task, neural=True) is neural
    assert of_take(task, neural=False) is rules
    assert of_take(task, neural=False, song_is_generative=True) is tainted


def test_a_band_of_recorded_sounds_is_not_made_by_rules_alone():
    assert of_take("accompany", neural=False, recordings=True) is T.COMPOSITE


@pytest.mark.parametrize(
    ("takes", "song", "found"),
    [
        ([], None, None),
        ([], T.TRAINED, T.TRAINED),
        ([T.EDITED_BY_TRAINED], None, T.EDITED_BY_TRAINED),
        ([T.EDITED_BY_TRAINED], T.TRAINED, T.WITH_SYNTHETIC),
        ([T.TRAINED], None, T.WITH_SYNTHETIC),
        ([T.EDITED_BY_TRAINED, T.ALGORITHMIC], None, T.WITH_SYNTHETIC),
        ([T.COMPOSITE], None, T.COMPOSITE),
        ([T.ALGORITHMIC], None, T.COMPOSITE),
        ([T.COMPOSITE], T.WITH_SYNTHETIC, T.WITH_SYNTHETIC),
    ],
)
def test_a_song_with_takes(takes, song, found):
    assert of_mix(takes, song) is found


def test_addresses_are_those_of_the_vocabulary():
    assert T.TRAINED.address == f"{VOCABULARY}trainedAlgorithmicMedia"
    assert all(SourceType.named(one.address) is one and SourceType.named(one.value) is one for one in T)
    assert SourceType.named("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture") is None

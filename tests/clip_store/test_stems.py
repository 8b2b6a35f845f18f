"""The stems of one separation."""

import sqlite3
from contextlib import closing
from dataclasses import replace

from clip_store.index import TakeIndex
from clip_store.stems import stems_with
from tests.clip_store.takes import stored_take

STEM = stored_take(id="t1", job="j1", task="extract", stem="drums", number=1)


def test_stems_of_one_job_and_number_belong_together():
    bass = replace(STEM, id="t2", stem="bass")
    others = (
        replace(STEM, id="t3", number=2),
        replace(STEM, id="t4", job="j2"),
        replace(STEM, id="t5", start=STEM.start + 1),
    )
    mix = replace(STEM, id="t6", task="repaint", stem="mix")
    backing = replace(STEM, id="t7", task="accompany", stem="backing")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        index = TakeIndex(connection)
        for take in (STEM, bass, *others, mix, backing):
            index.add(take)
        assert [stem.id for stem in stems_with(index, bass)] == ["t1", "t2"]
        assert stems_with(index, mix) == stems_with(index, backing) == ()

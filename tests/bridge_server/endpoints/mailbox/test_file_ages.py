import os

import pytest

from bridge_server.endpoints.mailbox.file_ages import FileAges

NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture
def folder(tmp_path):
    class Folder:
        def __init__(self):
            self.passed = 0.0
            self.ages = FileAges(lambda: 100.0 + self.passed, dated=True)

        def write(self, name, when):
            (tmp_path / name).write_text("x")
            os.utime(tmp_path / name, (when, when))

        def look(self, now, ages=None):
            with os.scandir(tmp_path) as entries:
                return (ages or self.ages).look(entries, now)

    return Folder()


def test_what_was_there_before_has_the_age_of_its_date(folder):
    folder.write("old", NOW - DAY)
    folder.write("from tomorrow", NOW + DAY)
    assert folder.look(NOW) == {"old": DAY, "from tomorrow": 0.0}
    folder.passed = 60.0
    assert folder.look(NOW + 60.0) == {"old": DAY + 60.0, "from tomorrow": 60.0}


@pytest.mark.parametrize("jump", [-2 * DAY, 2 * DAY])
def test_a_clock_that_is_set_makes_nothing_older(folder, jump):
    folder.write("before", NOW)
    folder.look(NOW)
    folder.write("after", NOW + jump)
    folder.passed = 60.0
    assert folder.look(NOW + jump + 60.0) == {"before": 60.0, "after": 0.0}
    folder.passed = 120.0  # and back again
    assert folder.look(NOW + 120.0) == {"before": 120.0, "after": 60.0}


def test_a_file_that_changes_is_new_again(folder):
    folder.write("answer", NOW - DAY)
    folder.look(NOW)
    folder.write("answer", NOW + 1)
    assert folder.look(NOW + 1) == {"answer": 0.0}


def test_dates_that_were_brought_along_do_not_count(folder):
    ages = FileAges(lambda: folder.passed, dated=False)
    folder.write("copied", NOW - DAY)
    assert folder.look(NOW, ages) == {"copied": 0.0}
    folder.passed = 5.0
    assert folder.look(NOW, ages) == {"copied": 5.0}

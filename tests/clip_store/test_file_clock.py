from clip_store.file_clock import FileClock

START = 1_800_000_000.0


class Clocks:
    """A system's clock and a steady one. set: how far the first one was set, in seconds."""

    def __init__(self) -> None:
        self.passed = self.set = 0.0
        self.file_clock = FileClock(lambda: START + self.passed + self.set, lambda: 5.0 + self.passed)


def test_it_goes_with_the_clock():
    clocks = Clocks()
    clocks.passed = 60.0
    assert clocks.file_clock() == START + 60.0


def test_a_clock_set_forward_makes_nothing_old():
    clocks = Clocks()
    clocks.passed, clocks.set = 60.0, 2 * 86400.0
    assert clocks.file_clock() == START + 60.0


def test_a_clock_set_back_dates_new_files_and_judges_them():
    clocks = Clocks()
    clocks.passed, clocks.set = 60.0, -2 * 86400.0
    assert clocks.file_clock() == START + 60.0 - 2 * 86400.0

"""What is asked of a running training by another thread. The process itself: see test_training_process."""

from __future__ import annotations

import threading

from bridge_server.training.training_child import GO_ON, PAUSE, STOP, Wishes


def test_a_pause_holds_the_training_until_it_goes_on_or_stops() -> None:
    for end, stops in ((GO_ON, False), (STOP, True)):
        wishes = Wishes()
        assert not wishes.should_stop()
        wishes.take(PAUSE)
        answers: list[bool] = []
        asking = threading.Thread(target=lambda w=wishes, a=answers: a.append(w.should_stop()))
        asking.start()
        asking.join(0.05)
        assert asking.is_alive()
        assert not answers
        wishes.take(end)
        asking.join(60)
        assert answers == [stops]


def test_a_pause_after_a_stop_does_not_hold_it_up() -> None:
    wishes = Wishes()
    wishes.take(STOP)
    wishes.take(PAUSE)
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(wishes.should_stop()), daemon=True)
    asking.start()
    asking.join(60)
    assert answers == [True]

import pytest

from model.acestep.weights.capabilities import ModelTask, Training
from model.engine import Task
from model.remote.dit_names import dit_traits, needs_base


@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("acestep-v15-turbo-Q8_0", Training.TURBO),
        ("ACE-Step/acestep-v15-turbo", Training.TURBO),
        ("acestep-v15-base-BF16", Training.BASE),
        ("acestep-v15-sft", Training.SFT),
        ("my-own-mix", Training.BASE),
    ],
)
def test_a_kind_by_its_name(name, training):
    assert dit_traits(name).training is training
    assert dit_traits(name).does(ModelTask.EXTRACT) is (training is Training.BASE)


def test_why_not():
    sentence, remedy = needs_base(Task.LEGO, "acestep-v15-turbo")
    assert "acestep-v15-turbo cannot add a track" in sentence
    assert remedy

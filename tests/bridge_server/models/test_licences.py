import pytest

from bridge_server.models.licences import licence_of
from model.checkpoints import by_name

TURBO = by_name("turbo")


@pytest.mark.parametrize("name", ["turbo", "acestep-v15-turbo"])
def test_the_licence_of_a_published_model(name):
    assert licence_of(name) == TURBO.licence != ""


def test_an_adapter_has_a_licence_of_its_own():
    assert licence_of("acestep-v15-turbo with adapter my_lora") == f"{TURBO.licence}; of the adapter unknown"


@pytest.mark.parametrize("name", ["", "my-own-model", "a" * 64, " with adapter x"])
def test_nothing_is_known_of_others(name):
    assert licence_of(name) == ""


def test_a_network_that_is_named_with_its_file():
    assert licence_of("HTDemucs 955717e8") == licence_of("HTDemucs") == licence_of("stems") != ""
    assert licence_of("HTDemucs 00000000") == ""


def test_a_model_in_several_folders_is_named_by_the_outer_one():
    assert licence_of("ACE-Step-v1-3.5B") == licence_of("v1") == "Apache 2.0"

import pytest

from bridge_server.languages.template import Template, words_in


def test_a_template_is_read_matched_and_filled_in():
    template = Template.read("Take {id} of {{all}} is {state}.")
    assert template.names == ("id", "state")
    assert template.literals == ("Take ", " of {all} is ", ".")
    values = template.match("Take t1 of {all} is here.")
    assert values == {"id": "t1", "state": "here"}
    assert Template.read("{state}: {id}").fill(values) == "here: t1"


@pytest.mark.parametrize("text", ["", "Take", "Take t1 is here", "A Take t1 of {all} is here.", "."])
def test_another_text_does_not_match(text):
    assert Template.read("Take {id} of {{all}} is {state}.").match(text) is None


def test_the_ends_are_not_used_twice():
    assert Template.read("aba{x}bab").match("abab") is None
    assert Template.read("{x} and {y}").match(" and ") == {"x": "", "y": ""}


def test_its_anchor_is_a_whole_word_of_every_match():
    assert Template.read("un{x}known thing{y} there").anchor == "there"
    assert Template.read("{a}, {b}").anchor == ""
    assert "there" in words_in("who's there?")


def test_names_of_places_do_not_matter_to_the_shape():
    assert Template.read("{a} of {b}").shape == Template.read("{x} of {y}").shape
    assert Template.read("{a} of {b}").shape != Template.read("{a} of b").shape

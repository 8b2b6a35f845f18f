"""Every language has an entry for every text of the sources, and none too many."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from bridge_server.languages.installed import SECTIONS, catalogue_of, installed_languages, language_file
from bridge_server.languages.template import Template
from tests.languages.pages import example
from tests.languages.panel_texts import texts_in_script
from tests.languages.python_texts import texts_of
from tests.languages.table import missing_in_panel, missing_sentences, shape, stale, with_other_places

LANGUAGES = installed_languages()[1:]
ADVICE = "\n`python -m tests.languages` lists what to translate; docs/languages.md says how."


def test_korean_is_there():
    assert "ko" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_has_an_entry(language):
    lacking = [f"{one.where}: {one.text}" for one in missing_sentences(language)]
    assert not lacking, "\n".join(lacking) + ADVICE


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_panel_has_an_entry(language):
    lacking = [f"{one.where}: {one.text}" for one in missing_in_panel(language)]
    assert not lacking, "\n".join(lacking) + ADVICE


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entry_is_left_over_or_fills_in_something_else(language):
    assert stale(language) == []
    assert with_other_places(language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_is_translated(language):
    """A Korean text has Hangul, except where the English one has no word of its own either."""
    file = language_file(language)
    assert set(file) == {"name", *SECTIONS}
    for section in SECTIONS:
        for english, translation in file[section].items():
            assert translation.strip(), english
            if language == "ko" and not re.search("[가-힣]", translation):
                assert section == "panel" or not re.search(r"[a-z]{4,} [a-z]{4,}", english), english


def test_no_two_entries_are_one():
    for language in LANGUAGES:
        for section in SECTIONS:
            shapes = Counter(shape(english) for english in language_file(language)[section])
            assert [one for one, count in shapes.items() if count > 1] == []


def test_a_sentence_is_found_however_it_is_put_together():
    source = '''
BAD = "No such region."
def check(field, low, given, many):
    """Docstrings are read by nobody who makes music."""
    log.warning("the log stays as it is")
    raise ProtocolError(
        code, f"{field} must be at least {low}, "
        f"got {given!r}.", "Send more of them." if many else "Send " + "one more.",
    )
'''
    assert {one.text for one in texts_of(source, "x.py")} == {
        "No such region.",
        "{field} must be at least {low}, got {given}.",
        "Send more of them.",
        "Send one more.",
    }


@pytest.mark.parametrize("letters", ["{'s' * (many > 1)}", "{'s'[: many - 1]}"])
def test_a_plural_that_no_translation_could_leave_out_is_refused(letters):
    with pytest.raises(ValueError, match="write a plural as a condition"):
        texts_of(f'raise ProtocolError(code, f"The song has {{many}} bar{letters} too few.")', "x.py")


PARTICLE = re.compile(r"\}[\"'`”’]*(?:[은는이가을를과와]|으로|로|이?라는|이?여야)(?=[ .,]|$)")


def test_a_particle_after_what_is_filled_in_leaves_both_forms():
    sentences = [one for part in SECTIONS for one in language_file("ko")[part].values()]
    assert [one for one in sentences if PARTICLE.search(one)] == []


def test_a_text_of_a_script_is_found_however_it_is_put_together():
    script = """
// "a comment says nothing"
const pattern = /["'] no text/;
setText(box, on ? "Takes are here" : `Take ${number} of ${counted(all, "song")}${late ? " is late" : ""}`);
box.append(make("p", {}, "Don't stop"), `${a ? `Bars ${first} are left` : ""}`);
"""
    assert list(texts_in_script(script)) == [
        "Takes are here",
        "Take {number} of {all} is late",
        "Take {number} of {all}",
        "is late",
        "Don't stop",
        "Bars {first} are left",
    ]


NEVER_BY_THEMSELVES = {
    "{task} ends": "a marker's name in a DAW's project",
    "{stem} (take)": "a track's name in a DAW's project",
    "{get} take {value}{stem}": "a clip's name in a DAW's project",
    "{what}, by {list}.": "written into files",
    "{task}, {where} (take {id})": "written into files",
    "{name}: loss": "written into a picture",
}
"""Entries too short to be told from a producer's words, and where those texts go: no catalogue ever reads them."""


@pytest.mark.parametrize("values", [None, "17"], ids=["examples", "figures"])
def test_a_sentence_made_of_an_entry_becomes_that_entrys_translation(values):
    file, catalogue = language_file("ko"), catalogue_of("ko")
    assert catalogue is not None
    lost = {}
    for english, translation in {**file["system"], **file["sentences"]}.items():
        template, other = Template.read(english), Template.read(translation)
        given = {name: values or example(name) for name in template.names}
        own = other.fill({name: catalogue.translate(value) for name, value in given.items()})
        if (said := catalogue.translate(template.fill(given))) != own and english not in NEVER_BY_THEMSELVES:
            lost[english] = said
    assert lost == {}

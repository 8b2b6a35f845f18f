import pytest

from bridge_server.languages.installed import (
    catalogue_of,
    checked_language,
    installed_languages,
    language_file,
    language_named,
    preferred_language,
)
from daw_protocol.errors import ProtocolError


def test_english_needs_no_table():
    assert installed_languages()[0] == "en"
    assert catalogue_of("en") is None
    with pytest.raises(KeyError):
        language_file("en")
    with pytest.raises(KeyError):
        language_file("../ko")


@pytest.mark.parametrize("tag", ["ko", "KO", "ko-KR", "ko_KR"])
def test_a_tag_with_a_region_is_its_language(tag):
    assert language_named(tag) == "ko"


@pytest.mark.parametrize("tag", ["", "xx", "korean", "../ko", "ko.json", "k" * 500])
def test_there_is_no_other(tag):
    assert language_named(tag) is None
    with pytest.raises(ProtocolError, match=r"There is no language .* Use one of: en, ko"):
        checked_language(tag)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("en-GB,en;q=0.9,ko;q=0.8", "en"),
        ("fr, ko;q=0.3, en;q=0.5", "en"),
        ("ko;q=0, en", "en"),
        ("fr,de", None),
        ("", None),
        ("ko;q=many", None),
        ("*;q=0.5,\x00,;;;", None),
    ],
)
def test_the_browsers_first_choice_counts(header, expected):
    assert preferred_language(header) == expected

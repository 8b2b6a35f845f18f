"""Whether packages of an extra are installed."""

from __future__ import annotations

import sys

import pytest

from model.errors import NotLoaded
from model.packages import missing_packages, require_packages


def test_what_is_missing_is_named_and_nothing_is_loaded() -> None:
    sys.modules.pop("wave", None)
    assert missing_packages(["nosuchpackage", "wave", "another_one"]) == ["nosuchpackage", "another_one"]
    assert "wave" not in sys.modules


def test_nothing_happens_where_all_are_there() -> None:
    require_packages(["json"], "Listening", "pip install json")


def test_the_error_says_who_needs_what_and_how_to_get_it() -> None:
    with pytest.raises(NotLoaded) as refused:
        require_packages(["json", "nosuchpackage"], "Listening", "pip install it")
    assert refused.value.sentence == "Listening needs packages that are not installed: nosuchpackage."
    assert refused.value.remedy == "pip install it"

import argparse

import pytest

from bridge_server.cli.options import gigabytes, in_help, places, port


@pytest.mark.parametrize(
    ("text", "size"), [("8", 8.0), ("5.50", 5.5), ("1e2", 100.0), ("1,5", 1.5), ("\uff18", 8.0)]
)
def test_a_size_of_memory(text, size):
    assert gigabytes(text) == size


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much", "", "1e400", "1_0", "1,500", "9" * 5000])
def test_what_is_no_size(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no size in gigabytes") as raised:
        gigabytes(text)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("text", "found"), [("0", 0), ("9125", 9125), (" 65535 ", 65535), ("\uff19\u0661", 91)]
)
def test_a_port(text, found):
    assert port(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("65536", "must be 0 to 65535, got 65536"), ("-1", "must be 0 to 65535, got -1"),
        ("9" * 5000, "must be 0 to 65535, got '9999"), ("1e400", "must be 0 to 65535, got '1e400'"),
        ("1.5", "must be a whole number, got 1.5"), ("0x10", "must be a whole number, got '0x10'"),
        ("http", "must be a whole number, got 'http'"),
    ],
)  # fmt: skip
def test_what_is_no_port(text, words):
    with pytest.raises(argparse.ArgumentTypeError, match=words) as raised:
        port(text)
    assert len(str(raised.value)) < 200


def test_places_are_a_whole_number():
    assert places("2.0") == 2
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number, got '1_0'"):
        places("1_0")


def test_a_per_cent_sign_survives_in_help():
    parser = argparse.ArgumentParser(description=in_help("100%"))
    assert "100%" in parser.format_help()

import argparse

import pytest

from bridge_server.cli.options import gigabytes, in_help


@pytest.mark.parametrize(("text", "size"), [("8", 8.0), ("5.50", 5.5), ("1e2", 100.0)])
def test_a_size_of_memory(text, size):
    assert gigabytes(text) == size


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "much", ""])
def test_what_is_no_size(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no size in gigabytes"):
        gigabytes(text)


def test_a_per_cent_sign_survives_in_help():
    parser = argparse.ArgumentParser(description=in_help("100%"))
    assert "100%" in parser.format_help()

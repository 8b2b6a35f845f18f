"""Decimal commas and typesetters' minus signs: what can only be a decimal is read, the rest is named."""

import pytest

from daw_protocol.timeline.written_number import with_points

READ = [
    ("120.5", "120.5"),
    ("120,5", "120.5"),
    ("0,125", "0.125"),
    ("0,3", "0.3"),
    ("1,5", "1.5"),
    ("120,25", "120.25"),
    ("1234,567", "1234.567"),  # four digits before it: no separator of thousands
    ("120,5000", "120.5000"),
    ("-8,5s", "-8.5s"),
    ("\N{MINUS SIGN}2s", "-2s"),
    ("7\N{FRACTION SLASH}8", "7/8"),
    ("7\N{DIVISION SLASH}8", "7/8"),
    ("1\N{RATIO}02,5", "1:02.5"),
    ("1:02,5", "1:02.5"),
    ("1\N{RATIO}02,5", "1:02.5"),
    ("7\N{FRACTION SLASH}8", "7/8"),
    ("7\N{DIVISION SLASH}8", "7/8"),
    ("1:12,500", "1:12.500"),  # seconds, of which there are sixty at most
    ("17|1|240,5", "17|1|240.5"),
    ("00:01:02;12@29,97", "00:01:02;12@29.97"),
    ("17-20", "17-20"),
    ("vocals, drums", "vocals, drums"),
    ("vocals,5", "vocals,5"),
    ("17\N{NON-BREAKING HYPHEN}20", "17-20"),
    ("17\N{HYPHEN}20", "17-20"),
    ("17\N{EN DASH}20", "17-20"),
    ("17\N{EM DASH}20", "17-20"),
    ("17\N{FULLWIDTH HYPHEN-MINUS}20", "17-20"),
    ("\N{SMALL HYPHEN-MINUS}2s", "-2s"),
    ("\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH DIGIT FIVE}", "12.5"),
    ("17\N{FULLWIDTH VERTICAL LINE}1", "17|1"),
    ("0\N{FULLWIDTH COMMA}5", "0.5"),
    ("120\N{NO-BREAK SPACE}bpm", "120 bpm"),
    ("120\N{NARROW NO-BREAK SPACE}bpm", "120 bpm"),
    ("\N{ZERO WIDTH NO-BREAK SPACE}17\N{ZERO WIDTH SPACE}", "17"),
    ("\N{RIGHT-TO-LEFT MARK}17", "17"),
    ("\N{ARABIC-INDIC DIGIT ONE}\N{ARABIC-INDIC DIGIT SEVEN}", "17"),
    (
        "\N{EXTENDED ARABIC-INDIC DIGIT ONE}\N{ARABIC DECIMAL SEPARATOR}\N{EXTENDED ARABIC-INDIC DIGIT FIVE}",
        "1.5",
    ),
    ("\N{DEVANAGARI DIGIT ONE}\N{DEVANAGARI DIGIT SEVEN}", "17"),
    ("2\N{SUPERSCRIPT TWO}", "2\N{SUPERSCRIPT TWO}"),
    ("Gr\u00f6\u00dfe", "Gr\u00f6\u00dfe"),
    ("\ud55c 1\u00bd", "\ud55c 1\u00bd"),  # one and a half is not eleven halves
]


@pytest.mark.parametrize(("written", "read"), READ)
def test_read(written, read):
    assert with_points(written) == read


REFUSED = [
    ("1,500", '"1,500" may separate decimals or thousands; write "1.500" or "1500"'),
    ("120,500", "decimals or thousands"),
    ("1,234,567", '"1,234,567" are not understood'),
    ("1.234,5", "not understood"),
    ("1,234.5", "not understood"),
    ("120,", "not understood"),
    (",5s", 'the comma in ",5" has no digit before it; write "0.5"'),
    ("-,25", 'write "0.25"'),
    (",5,5", "not understood"),
    ("1,,5", "not understood"),
    ("1," * 1000, "not understood"),
]


@pytest.mark.parametrize(("written", "words"), REFUSED, ids=lambda given: given[:12])
def test_refused(written, words):
    with pytest.raises(ValueError, match="comma") as raised:
        with_points(written)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 200

"""Chinese numbers: as amounts or digit by digit, by what stands around them."""

from __future__ import annotations

import pytest

from model.acestep_v1.conditioning.chinese_numbers import amount, by_digit, in_characters


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "零"), ("7", "七"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("100", "一百"), ("101", "一百零一"),
        ("110", "一百一十"), ("200", "两百"), ("222", "两百二十二"), ("2000", "两千"), ("2002", "两千零二"),
        ("1010", "一千零一十"),
        ("10000", "一万"), ("10001", "一万零一"), ("20000", "两万"), ("120000", "十二万"), ("100000000", "一亿"),
        ("000", ""),
        ("007", "零七"), ("3.50", "三点五零"), ("000.5", "零点五"), ("1200", "一千两百"),
        ("10200", "一万零二百"),
        ("22000", "两万两千"), ("320000", "三十二万"), ("20000000000000000000", "二" + "零" * 19),
    ],
)  # fmt: skip
def test_amounts(number: str, words: str):
    assert amount(number) == words


def test_digit_by_digit():
    assert by_digit("010-12") == "零一零一二"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024年8月24日", "二零二四年八月二十四日"),
        ("10年", "十年"),
        ("10000元", "一万元"),
        ("1234", "一二三四"),
        ("3/4", "四分之三"),
        ("50%", "百分之五十"),
        ("13812345678", "一三八一二三四五六七八"),
        ("p2p b2c", "p2p b2c"),
        ("你好，世界！", "你好,世界,"),
    ],
)
def test_in_context(text: str, words: str):
    assert in_characters(text) == words

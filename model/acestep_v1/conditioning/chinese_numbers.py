"""Numbers in Chinese lyrics, written in characters as they are sung, and the marks between phrases.

In order: years digit by digit, numbers before a unit as amounts, telephone numbers digit by digit, fractions,
percentages, numbers of four or more digits digit by digit, all others as amounts.
"""

from __future__ import annotations

import re
import string

DIGITS = "零一二三四五六七八九"
_SMALL = ("", "十", "百", "千")
_LARGE = ("", "万", "亿", "万亿")
_NUMBER = r"\d+(?:\.\d+)?"
_UNITS = (
    "美元|欧元|英镑|日元|港币|人民币|块钱|块|元|毛|角|分|"
    "千米|厘米|毫米|公里|米|千克|公斤|克|斤|吨|升|平方米|立方米|小时|分钟|秒钟|秒|点钟|点|刻|星期|周|"
    "个|位|名|只|条|头|匹|张|座|回|场|尾|件|顶|辆|架|艘|列|节|把|根|支|枝|朵|颗|粒|滴|片|层|间|栋|幢|家|所|"
    "本|册|页|篇|首|句|段|章|行|封|份|幅|束|串|双|对|套|副|群|队|排|堆|团|种|类|样|次|遍|趟|番|下|声|步|口|"
    "年|月|日|号|天|岁|夜|代|倍|度|路|楼|级|届|期|班|门|道|面|杯|瓶|碗|盒|箱|包|袋|盘|壶|桶|块"
)
_YEAR = re.compile(r"(?<!\d)([089]\d|(?:19|20)\d{2})年")
_COUNTED = re.compile(rf"({_NUMBER})(?=[多余几]?(?:{_UNITS}))")
_MOBILE = re.compile(r"(?<!\d)(?:\+?86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8}(?!\d)")
_FIXED = re.compile(r"(?<!\d)(?:0(?:10|2[1-3]|[3-9]\d{2})-?)?[1-9]\d{6,7}(?!\d)")
_FRACTION = re.compile(r"(\d+)/(\d+)")
_PERCENT = re.compile(rf"({_NUMBER})%")
_TWO_OF = re.compile(f"(?<![{DIGITS}十])二(?=[百千万亿])")
"""Two hundreds, thousands and so on have another word for two, unless a digit or ten stands before it."""
_LONG = re.compile(r"\d{4,}")
_OTHER = re.compile(rf"(?<![a-z])({_NUMBER})|(?<=[a-z])((?!2[a-z]){_NUMBER})")

_MARKS = str.maketrans(
    dict.fromkeys(
        string.punctuation
        + "＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃《》〈〉「」『』【】〔〕〖〗〘〙〚〛"
        "〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏﹑﹔·！？｡。",
        ",",
    )
)


def in_characters(text: str) -> str:
    """Chinese text, in lower case, with its numbers in characters and every mark a comma."""
    text = _YEAR.sub(lambda found: by_digit(found[1]) + "年", text)
    text = _COUNTED.sub(lambda found: amount(found[1]), text)
    text = _MOBILE.sub(lambda found: by_digit(found[0]), text)
    text = _FIXED.sub(lambda found: by_digit(found[0]), text)
    text = _FRACTION.sub(lambda found: f"{amount(found[2])}分之{amount(found[1])}", text)
    text = _PERCENT.sub(lambda found: f"百分之{amount(found[1])}", text)
    text = _LONG.sub(lambda found: by_digit(found[0]), text)
    text = _OTHER.sub(lambda found: amount(found[0]), text)
    return text.translate(_MARKS)


def by_digit(text: str) -> str:
    """Every digit by itself; what is no digit is dropped."""
    return "".join(DIGITS[int(letter)] for letter in text if letter in string.digits)


def amount(text: str) -> str:
    """A number as an amount, its decimals digit by digit; several zeros by themselves are not read."""
    whole, _, decimals = text.partition(".")
    if not decimals:
        return "" if len(whole) > 1 and not whole.strip("0") else _whole(whole)
    return f"{_whole(whole)}点{by_digit(decimals)}"


def _whole(digits: str) -> str:
    """A whole number; a zero in front of it is read."""
    kept = digits.lstrip("0")
    if not kept:
        return DIGITS[0]
    groups = [kept[max(0, end - 4) : end] for end in range(len(kept), 0, -4)]
    if len(groups) > len(_LARGE):
        return by_digit(digits)
    words = ""
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not int(group):
            continue
        if words and group.startswith("0"):
            words += DIGITS[0]
        words += _group(int(group)) + _LARGE[place]
    words = words.removeprefix("一") if words.startswith("一十") else words
    words = _TWO_OF.sub("两", words)
    return DIGITS[0] + words if len(kept) < len(digits) else words


def _group(number: int) -> str:
    """1..9999 in characters."""
    words, gap = "", False
    for place in range(3, -1, -1):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(words)
            continue
        if gap:
            words += DIGITS[0]
        words += DIGITS[digit] + _SMALL[place]
        gap = False
    return words

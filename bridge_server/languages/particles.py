"""Korean particles after a word that is filled in: "을(를)" becomes the one that fits how the word ends."""

from __future__ import annotations

import re

_CHOICES = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)라는": ("이라는", "라는"),
    "이어야(여야)": ("이어야", "여야"),
}
_CLOSING = "\"'`”’)]>.,:;"
_PARTICLE = re.compile(rf"[{re.escape(_CLOSING)}]*({'|'.join(re.escape(choice) for choice in _CHOICES)})")

FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3
FINALS = 28
"""Hangul syllables come in rows of so many: without a final consonant, then one with each."""
FINAL_L = 8
# How a figure and a Latin word end when they are read out: 1 is il, 3 is sam, drum is deureom, track is teuraek; but
# repaint, like whatever ends in two consonants, is ripeinteu. A capital is read by its name: GB ends in bi, PCM in em.
ENDS_IN_L = re.compile(r"[178lLrR]$")
ENDS_IN_CONSONANT = re.compile(r"(?:[013678lmnrLMNR]|ck|(?:^|[^A-Za-z]|[aeiouy])[bckpt])$")


def with_particles(before: str, text: str) -> str:
    """`text`, which follows `before`, with the particle it begins with settled; unchanged without one. Closing marks
    may stand between the two, as in `"{word}"(으)로`."""
    found = _PARTICLE.match(text)
    if found is None:
        return text
    consonant, vowel = _CHOICES[found[1]]
    final, is_l = _ending(before.rstrip(_CLOSING)[-2:])
    plain = not final or (is_l and found[1] == "(으)로")
    return text[: found.start(1)] + (vowel if plain else consonant) + text[found.end() :]


def _ending(end: str) -> tuple[bool, bool]:
    """Whether a word that ends in these letters is read with a final consonant, and whether that is an l."""
    last = ord(end[-1]) if end else 0
    if FIRST_SYLLABLE <= last <= LAST_SYLLABLE:
        final = (last - FIRST_SYLLABLE) % FINALS
        return final > 0, final == FINAL_L
    return ENDS_IN_CONSONANT.search(end) is not None, ENDS_IN_L.search(end) is not None

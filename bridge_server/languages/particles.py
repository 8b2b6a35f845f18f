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
}
_PARTICLE = re.compile("|".join(re.escape(choice) for choice in _CHOICES))
_CLOSING = "\"'`”’)]>.,:;"

FIRST_SYLLABLE, LAST_SYLLABLE = 0xAC00, 0xD7A3
FINALS = 28
"""Hangul syllables come in rows of so many: without a final consonant, then one with each."""
FINAL_L = 8
# How a figure and a Latin letter end when they are read out: 1 is il, 3 is sam, l is el.
ENDS_IN_L = "178lr"
ENDS_IN_CONSONANT = "013678bcklmnprt"


def with_particles(before: str, text: str) -> str:
    """`text`, which follows `before`, with the particle it begins with settled; unchanged without one."""
    found = _PARTICLE.match(text)
    if found is None:
        return text
    consonant, vowel = _CHOICES[found[0]]
    final, is_l = _ending(before.rstrip(_CLOSING)[-1:].lower())
    plain = not final or (is_l and found[0] == "(으)로")
    return (vowel if plain else consonant) + text[found.end() :]


def _ending(letter: str) -> tuple[bool, bool]:
    """Whether the letter is read with a final consonant, and whether that is an l."""
    if letter and FIRST_SYLLABLE <= ord(letter) <= LAST_SYLLABLE:
        final = (ord(letter) - FIRST_SYLLABLE) % FINALS
        return final > 0, final == FINAL_L
    return bool(letter) and letter in ENDS_IN_CONSONANT, bool(letter) and letter in ENDS_IN_L

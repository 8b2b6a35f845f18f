"""What becomes of chords while they are typed: the bars they come to lie in, or what is wrong with them."""

from __future__ import annotations

from daw_protocol.prompt_results import FollowedWords, UnfollowedWords
from daw_protocol.timeline.chord_progression import ChordProgression


def read_chords(chords: str, deaf: str) -> tuple[tuple[FollowedWords, ...], tuple[UnfollowedWords, ...]]:
    """What is played of them and what is not. deaf: the name of an engine that follows no chords, else ""."""
    typed = chords.strip()
    if not typed:
        return (), ()
    if deaf:
        return (), (UnfollowedWords(text=typed, reason=f"the {deaf} engine chooses its own chords"),)
    try:
        progression = ChordProgression.parse(typed)
    except ValueError as error:
        return (), (UnfollowedWords(text="chords", reason=str(error)),)
    return (FollowedWords(text=progression.in_bars(), effect=progression.in_words()),), ()

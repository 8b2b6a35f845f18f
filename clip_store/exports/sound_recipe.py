"""What each sound file of a project says about itself: its take's recipe, and whose the song is that it belongs to.

So the ledger of a song can be read from any one of its files, and each file compared with what it should hold.
"""

from __future__ import annotations

from clip_store.audio.audio import Audio
from clip_store.exports.project import Project, SoundFile
from clip_store.store import ORIGINATOR, recipe_of, statement


def recipe_in(project: Project, sound: SoundFile, audio: Audio) -> tuple[dict[str, object] | None, str]:
    """The recipe and the note of a sound file; no recipe where there is nothing to say.

    audio: what the file gets of the sound: less where it begins before the timeline's zero.
    """
    whole = audio.frames == sound.frames
    found: dict[str, object] = {}
    note = ""
    if sound.take is not None:
        found, note = recipe_of(sound.take), statement(sound.take)
        if not whole:
            found["audio"] = audio.digest
    elif project.ledger is not None:
        what = "comp" if sound.comp else "original"
        found = {"statement": about_sound(sound), what: list(sound.comp.takes) if sound.comp else True}
        known = (
            sound.digest if whole and not sound.comp else audio.digest
        )  # a long song is not digested again
        found |= {"title": project.title, "audio": known}
    if project.ledger is not None:
        found["ledger"] = project.ledger.to_fields()
    return found or None, note


def about_sound(sound: SoundFile) -> str:
    """How a sound that is no take's came about, in a plain sentence."""
    if sound.comp is None:
        return "The original song."
    return f"Machine-generated or machine-assisted audio by {ORIGINATOR}. {sound.comp.made_of}"

"""The words of a prompt that Sketch follows where it rearranges a song: layers, endings, which beats to prefer."""

from __future__ import annotations

from dataclasses import dataclass

from model.vocabulary import PromptReading, PromptVocabulary, Wish

LAYERS = ("keep vocals", "drums only", "fill", "no drums")
"""Values of `RenderRequest.layers` besides "all"."""

LABEL = "Sketch"
LAYER, COLOUR, MOTION, CLOSE = "layer", "colour", "motion", "close"

_VOICES = ("vocals", "vocal", "voice", "voices", "singing", "singer", "vox")
_REMOVALS = (
    "no", "without", "w o", "minus", "remove", "mute", "omit", "drop", "lose", "skip", "cut", "kill", "take out",
    "leave out", "get rid of",
)  # fmt: skip
_DRUMS = ("drums", "drum", "percussion", "beat", "drum kit", "kit")


def _each(verbs: tuple[str, ...], nouns: tuple[str, ...]) -> tuple[str, ...]:
    """Every verb with every noun, with and without an article."""
    return tuple(
        f"{verb} {article}{noun}"
        for verb in verbs
        for noun in nouns
        for article in ("", "the ", "my ", "any ")
    )


_LAYER_WISHES = (
    Wish(
        "keep vocals",
        "keeps the singing as it is and re-renders everything else",
        _each(("keep", "keeping", "leave", "preserve", "same", "don't touch", "don't change"), _VOICES),
        LAYER,
    ),
    Wish(
        "drums only",
        "re-renders the drums and keeps everything else",
        (
            *(f"{noun} only" for noun in _DRUMS),
            *_each(("only", "just", "only change", "change only", "just change", "new"), _DRUMS),
        ),
        LAYER,
    ),
    Wish(
        "no drums",
        "leaves the drums out",
        ("drumless", "drum free", *_each(_REMOVALS, _DRUMS)),
        LAYER,
    ),
    Wish(
        "fill",
        "rearranges the drums into a fill that leads into what follows",
        ("fill", "fills", "fill in", "drum fill", "drum fills", "drum roll", "roll into", "build up", "buildup"),
        LAYER,
    ),
)  # fmt: skip
_LEAN_WISHES = (
    Wish(
        "brighter",
        "prefers the song's brighter beats",
        ("brighter", "bright", "brilliant", "crisper", "crisp", "airier", "airy", "shinier", "sparkling", "more treble",
         "more highs", "less dark", "less dull", "less muffled"),
        COLOUR, "darker", "darker",
    ),
    Wish(
        "darker",
        "prefers the song's darker beats",
        ("darker", "dark", "warmer", "warm", "mellower", "mellow", "duller", "muffled", "rounder", "less bright",
         "less harsh", "less treble", "fewer highs"),
        COLOUR, "brighter", "brighter",
    ),
    Wish(
        "busier",
        "prefers the song's busier beats",
        ("busier", "busy", "denser", "dense", "fuller", "more notes", "more hits", "more going on", "more active",
         "livelier", "lively", "more movement", "less sparse", "less empty"),
        MOTION, "sparser", "sparser",
    ),
    Wish(
        "sparser",
        "prefers the song's sparser beats",
        ("sparser", "sparse", "less busy", "less dense", "calmer", "calm", "emptier", "thinner", "simpler", "simple",
         "minimal", "more minimal", "stripped down", "stripped back", "more space", "more room", "fewer notes",
         "fewer hits", "less going on"),
        MOTION, "busier", "busier",
    ),
)  # fmt: skip
_ENDING = Wish(
    "ending",
    "ends the song inside the region",
    ("ending", "outro", "end it", "end the song", "end there", "end here", "final chord", "finish it",
     "finish the song", "to an end", "conclusion", "coda"),
    CLOSE,
)  # fmt: skip

_LOUDNESS = "the loudness is matched; use the fader"
_TEMPO = "the song's own tempo stays"
_PITCH = "the song's own key stays"
_NEW_SOUND = "only sounds of the song itself are used"
_REASONS = {
    **dict.fromkeys(
        ("louder", "loud", "quieter", "quiet", "softer", "soft", "more volume", "less volume"), _LOUDNESS
    ),
    **dict.fromkeys(("faster", "fast", "slower", "slow", "half time", "halftime", "double time"), _TEMPO),
    **dict.fromkeys(("higher", "lower", "transpose", "transposed", "major", "minor", "key change"), _PITCH),
    **dict.fromkeys(
        ("guitar", "guitars", "piano", "strings", "synth", "synths", "brass", "horns", "choir", "brushes"),
        _NEW_SOUND,
    ),
}
_IN_COMPLETE_ONLY = "only Complete makes an ending"
_IN_REPAINT_ONLY = "only Repaint changes single layers"

REPAINT = PromptVocabulary(
    (*_LAYER_WISHES, *_LEAN_WISHES), _REASONS | dict.fromkeys(_ENDING.phrases, _IN_COMPLETE_ONLY)
)
COMPLETE = PromptVocabulary(
    (_ENDING, *_LEAN_WISHES),
    _REASONS | {phrase: _IN_REPAINT_ONLY for wish in _LAYER_WISHES for phrase in wish.phrases},
)
NOTHING = PromptVocabulary()
"""Tasks in which a prompt has no effect."""


@dataclass(frozen=True)
class CaptionRequest:
    """What a caption asks of Sketch.

    layers:  one of LAYERS, or "all".
    ending:  whether the caption asks for an ending.
    leans:   "brighter" or "darker", "busier" or "sparser".
    """

    layers: str
    ending: bool
    leans: tuple[str, ...]
    reading: PromptReading

    def notes(self) -> tuple[str, ...]:
        """A note that lists the words that are not followed; empty if there are none."""
        note = self.reading.note(LABEL)
        return (note,) if note else ()


def read(
    vocabulary: PromptVocabulary, caption: str, layers: str = "all", ending: bool = False
) -> CaptionRequest:
    """What a caption asks for; the request's explicit `layers` and `ending` take precedence."""
    found = vocabulary.read(caption)
    wanted = layers if layers != "all" else found.of_group(LAYER) or "all"
    leans = tuple(name for group in (COLOUR, MOTION) if (name := found.of_group(group)))
    return CaptionRequest(wanted, ending or found.asks(_ENDING.name), leans, found)

"""What a caption can switch on in Sketch: a few words mean layers or an ending; the rest is given back."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAYERS = ("keep vocals", "drums only", "fill", "no drums")
"""Values of `RenderRequest.layers` besides "all"."""

# Said either way; the first that occurs counts.
_PHRASES = {
    "keep vocals": "keep vocals",
    "keep the vocals": "keep vocals",
    "keep vocal": "keep vocals",
    "keep the voice": "keep vocals",
    "drums only": "drums only",
    "only drums": "drums only",
    "only the drums": "drums only",
    "no drums": "no drums",
    "without drums": "no drums",
    "drum fill": "fill",
    "fill": "fill",
}
_SMALL_WORDS = {"a", "an", "the", "and", "with", "of", "in", "please", "take", "another", "to", "it"}


@dataclass(frozen=True)
class Wishes:
    """What of a caption Sketch can do.

    layers:  one of LAYERS, or "all".
    ending:  the caption asks for the song's end.
    ignored: words that change nothing here, in the caption's order.
    """

    layers: str
    ending: bool
    ignored: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """The ignored words as a sentence for the result; empty when there are none."""
        if not self.ignored:
            return ()
        words = ", ".join(self.ignored)
        return (f"Sketch cannot follow these words of the caption: {words}.",)


def read(caption: str, layers: str, ending: bool) -> Wishes:
    """The wishes of a caption; what the request says explicitly (`layers`, `ending`) wins."""
    text = " ".join(re.findall(r"[\w'#-]+", caption.lower()))
    wanted = layers
    for phrase, layer in _PHRASES.items():
        if re.search(rf"\b{phrase}\b", text):
            wanted = layer if wanted == "all" else wanted
            text = re.sub(rf"\b{phrase}\b", " ", text)
    if re.search(r"\b(ending|outro)\b", text):
        ending = True
        text = re.sub(r"\b(ending|outro)\b", " ", text)
    ignored = tuple(dict.fromkeys(word for word in text.split() if word not in _SMALL_WORDS))
    return Wishes(wanted, ending, ignored)

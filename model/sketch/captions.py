"""The words of a caption that Sketch understands: layers and endings. All other words are reported as ignored."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAYERS = ("keep vocals", "drums only", "fill", "no drums")
"""Values of `RenderRequest.layers` besides "all"."""

# Accepted phrasings; the first match counts.
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
class CaptionRequest:
    """What a caption asks of Sketch.

    layers:  one of LAYERS, or "all".
    ending:  whether the caption asks for an ending.
    ignored: words without effect, in the caption's order.
    """

    layers: str
    ending: bool
    ignored: tuple[str, ...]

    def notes(self) -> tuple[str, ...]:
        """A note that lists the ignored words; empty if there are none."""
        if not self.ignored:
            return ()
        words = ", ".join(self.ignored)
        return (f"Sketch ignored these words of the prompt: {words}.",)


def read(caption: str, layers: str, ending: bool) -> CaptionRequest:
    """What a caption asks for; the request's explicit `layers` and `ending` take precedence."""
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
    return CaptionRequest(wanted, ending, ignored)

"""The recipe of a take: everything needed to render it again, and the engine's report.

It is stored with the take, in its Broadcast WAV and in a JSON file next to it, and later versions must be able to read
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from daw_protocol.fields import Flag, Real, Whole
from daw_protocol.message import Message, value
from daw_protocol.result_fields import AnyText, JsonObject, ListOf, Record


@dataclass(frozen=True, kw_only=True)
class ReferenceAudio(Message):
    """The reference audio a take was rendered with."""

    writes_defaults: ClassVar[bool] = True
    name: str = value(AnyText(), "its name", "")
    digest: str = value(AnyText(), "digest of the stored audio", "")
    consent: bool = value(Flag(), "whether the performer agreed to this use", False)


@dataclass(frozen=True, kw_only=True)
class Recipe(Message):
    """How a take was rendered. Together with the take's request it renders the take again."""

    writes_defaults: ClassVar[bool] = True
    made_by: str = value(AnyText(), "program and version", "")
    engine: str = value(AnyText(), "the engine's name in requests", "")
    engine_label: str = value(AnyText(), "the engine's display name", "")
    neural: bool = value(Flag(), "whether a neural network generated the audio", False)
    weights: str = value(
        AnyText(), "digest or name of the model's weights; empty for an engine without weights", ""
    )
    seed: int | None = value(Whole(0, 2**53), "the seed", None)
    take: int = value(Whole(0, 1000), "which take of its request, from 0", 0)
    method: str = value(AnyText(), "how the engine worked", "")
    figures: Mapping[str, object] = value(JsonObject("object of figures"), "the engine's own figures", {})
    notes: tuple[str, ...] = value(ListOf(AnyText()), "notes from plan and engine", ())
    gain_db: float = value(Real(-1e6, 1e6), "gain applied to match the loudness", 0.0)
    # Parsed only where it is used, so that an unreadable map spoils one export, not every list of takes.
    tempo_map: Mapping[str, object] | None = value(
        JsonObject("tempo map object, see above"), "the tempo map it was rendered on", None
    )
    reference: ReferenceAudio | None = value(Record(ReferenceAudio), "the reference audio, if any", None)
    blueprint: Mapping[str, object] | None = value(
        JsonObject("blueprint object, see above"),
        "what the engine says of the music in words, if it does",
        None,
    )

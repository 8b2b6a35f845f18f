"""The recipe of a take: what it takes to render it again, and what the engine said of it.

It is stored with the take, in its Broadcast WAV and beside it as JSON, and read by later versions.
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
    engine: str = value(AnyText(), "the engine, as requests name it", "")
    engine_label: str = value(AnyText(), "the engine, as people name it", "")
    neural: bool = value(Flag(), "whether a neural network made the audio", False)
    weights: str = value(AnyText(), "digest or name of the model's weights; empty for an engine without", "")
    seed: int | None = value(Whole(0, 2**53), "the seed", None)
    take: int = value(Whole(0, 1000), "which take of its request, from 0", 0)
    method: str = value(AnyText(), "how the engine worked", "")
    figures: Mapping[str, object] = value(JsonObject("object of figures"), "the engine's own figures", {})
    notes: tuple[str, ...] = value(ListOf(AnyText()), "what plan and engine had to remark", ())
    gain_db: float = value(Real(-1e6, 1e6), "gain applied to match the loudness", 0.0)
    # Read where it is used: a map that cannot be read spoils one export, not every list of takes.
    tempo_map: Mapping[str, object] | None = value(
        JsonObject("tempo map object, see above"), "the tempo map it was rendered on", None
    )
    reference: ReferenceAudio | None = value(
        Record(ReferenceAudio), "reference audio, where it had one", None
    )

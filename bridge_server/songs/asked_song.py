"""A song's file as it was when a request for it came. Jobs wait, and files are saved again meanwhile: what is rendered
then must still lie where its producer selected it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from bridge_server.songs.placement import placed
from bridge_server.songs.song_probe import SongProbe
from bridge_server.songs.sources import FileState
from daw_protocol.errors import ErrorCode, ProtocolError
from daw_protocol.requests import Render

SELECT_AGAIN = "Select the region again and send a new request."


@dataclass(frozen=True)
class AskedSong:
    """What was known of a file.

    size, modified_ns: as in FileState.
    frames, rate, channels: by its header, at the rate of the request. stamp: as in SongProbe.
    digest: of its audio; "" for a file that was never read.
    """

    size: int
    modified_ns: int
    frames: int
    rate: int
    channels: int
    stamp: Fraction | None = None
    digest: str = ""

    @classmethod
    def of(cls, state: FileState, probe: SongProbe, digest: str | None) -> AskedSong:
        return cls(
            state.size, state.modified_ns, probe.frames, probe.rate, probe.channels, probe.stamp, digest or ""
        )

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {**asdict(self), "stamp": None if self.stamp is None else str(self.stamp)}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> AskedSong:
        stamp = fields["stamp"]
        return cls(**{**fields, "stamp": None if stamp is None else Fraction(stamp)})

    def is_state(self, state: FileState) -> bool:
        """Whether the file has not been saved again since."""
        return (state.size, state.modified_ns) == (self.size, self.modified_ns)

    def refuse_elsewhere(self, now: AskedSong, name: str, request: Render) -> None:
        """Raises ProtocolError where the region would not be what was selected. now: the file; request: about it."""
        if now.rate != self.rate:
            raise _changed(
                f"{name} had {self.rate} samples a second when this was asked for and has {now.rate} now, so the "
                "region may lie elsewhere in it."
            )
        before = placed(None, self._probe()).position
        if request.source_position == before and placed(None, now._probe()).position != before:
            raise _changed(
                f"{name} has another time stamp than when this was asked for, so it lies elsewhere in the project."
            )
        selected = any(given is not None for given in (request.start, request.end, request.bars))
        if selected and now.frames != self.frames:
            raise _changed(
                f"{name} was {self.frames / self.rate:.3f} s long when this was asked for and is "
                f"{now.frames / now.rate:.3f} s long now, so the region may lie elsewhere in it."
            )

    def _probe(self) -> SongProbe:
        return SongProbe(self.frames, self.rate, self.channels, stamp=self.stamp)


def saved_again(name: str) -> str:
    """The warning of takes of a song that is not what it was."""
    return f"{name} was saved again after this was asked for. The take fits it as it is now."


def _changed(sentence: str) -> ProtocolError:
    return ProtocolError(ErrorCode.FILE_CHANGED, sentence, SELECT_AGAIN, "source")


def other_reference(name: str) -> ProtocolError:
    """For reference audio that is not what its performer agreed to."""
    return ProtocolError(
        ErrorCode.FILE_CHANGED,
        f"{name} was saved again after this was asked for, and the performer's consent was for what it was.",
        "Send the request again if the performer agrees to it as it is now.",
        "reference",
    )

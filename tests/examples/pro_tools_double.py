"""A strict double of Pro Tools' scripting interface: a gRPC server that speaks py-ptsl's copy of the protocol.

What it knows, and from where, is in pro_tools_facts.md. A request body with an unknown field, a wrong kind of
value or a name that no enumeration has is refused, and so is every command that it does not have.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import soundfile
from google.protobuf import json_format
from ptsl import PTSL_pb2 as pt
from ptsl import PTSL_pb2_grpc

from tests.examples.pro_tools_session import Session, Track

OPEN_TO_ALL = ("HostReadyCheck", "RegisterConnection")
REGISTERED = "a-session-of-the-connection"


class Refused(Exception):
    """An error of Pro Tools. name: of the protocol's CommandErrorType, without its prefix."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class ProTools(PTSL_pb2_grpc.PTSLServicer):  # type: ignore[misc]
    """Pro Tools with a session, or none. log: every command it got, in order.

    spoil: by command, what to do to its request before it is carried out, or to raise; for tests of failures.
    dialog: cleared while one of its dialogs is open, and nothing is answered.
    """

    def __init__(self, session: Session | None, version: tuple[int, int, int] = (2025, 10, 0)) -> None:
        self.session = session
        self.version = version
        self.log: list[str] = []
        self.spoil: dict[str, Callable[[Any], None]] = {}
        self.dialog = threading.Event()
        self.dialog.set()

    def SendGrpcRequest(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.dialog.wait(20)
        command = pt.CommandId.Name(request.header.command).removeprefix("CId_")
        self.log.append(command)
        header = pt.ResponseHeader(command=request.header.command, status=pt.Completed)
        try:
            body = self._carry_out(command, request)
        except Refused as refused:
            header.status = pt.Failed
            error = pt.CommandError(
                command_error_type=pt.CommandErrorType.Value(refused.name), command_error_message=str(refused)
            )
            told = json_format.MessageToJson(
                pt.ResponseError(errors=[error]), preserving_proto_field_name=True
            )
            return pt.Response(header=header, response_error_json=told)
        text = "" if body is None else json_format.MessageToJson(body, preserving_proto_field_name=True)
        return pt.Response(header=header, response_body_json=text)

    def _carry_out(self, command: str, request: Any) -> Any:
        if command not in OPEN_TO_ALL and request.header.session_id != REGISTERED:
            raise Refused("PT_Forbidden", "The connection is not registered.")
        action = getattr(self, f"_do_{command}", None)
        if action is None:
            raise Refused("PT_UnsupportedCommand", f"{command} is not supported.")
        body = self._body(command, request.request_body_json)
        if command in self.spoil:
            self.spoil[command](body)
        return action(body)

    def _body(self, command: str, text: str) -> Any:
        kind = getattr(pt, f"{command}RequestBody", None)
        if kind is None:
            if text:
                raise Refused("PT_InvalidParameter", f"{command} takes no body.")
            return None
        try:
            return json_format.Parse(text, kind())
        except json_format.ParseError as error:
            raise Refused("PT_InvalidParameter", str(error)) from error

    @property
    def _open(self) -> Session:
        if self.session is None:
            raise Refused("PT_NoOpenedSession", "There is no opened session.")
        return self.session

    # Commands, by their names

    def _do_HostReadyCheck(self, _: Any) -> Any:  # noqa: N802
        return pt.HostReadyCheckResponseBody(is_host_ready=True)

    def _do_RegisterConnection(self, body: Any) -> Any:  # noqa: N802
        if not (body.company_name and body.application_name):
            raise Refused("PT_InvalidParameter", "Names are missing.")
        return pt.RegisterConnectionResponseBody(session_id=REGISTERED)

    def _do_GetPTSLVersion(self, _: Any) -> Any:  # noqa: N802
        major, minor, revision = self.version
        return pt.GetPTSLVersionResponseBody(version=major, version_minor=minor, version_revision=revision)

    def _do_GetSessionName(self, _: Any) -> Any:  # noqa: N802
        return pt.GetSessionNameResponseBody(session_name=self._open.name)

    def _do_GetSessionPath(self, _: Any) -> Any:  # noqa: N802
        path = self._open.folder / f"{self._open.name}.ptx"
        return pt.GetSessionPathResponseBody(session_path=pt.FileLocation(path=str(path)))

    def _do_GetSessionSampleRate(self, _: Any) -> Any:  # noqa: N802
        return pt.GetSessionSampleRateResponseBody(sample_rate=pt.SampleRate.Value(f"SR_{self._open.rate}"))

    def _do_GetSessionBitDepth(self, _: Any) -> Any:  # noqa: N802
        return pt.GetSessionBitDepthResponseBody(current_setting=pt.BitDepth.Value(self._open.bits))

    def _do_GetTransportState(self, _: Any) -> Any:  # noqa: N802
        state = pt.TransportState.Value(self._open.transport)
        return pt.GetTransportStateResponseBody(current_setting=state)

    def _do_GetTrackList(self, _: Any) -> Any:  # noqa: N802
        return pt.GetTrackListResponseBody(track_list=[_described(track) for track in self._open.tracks])

    def _do_GetEditSelection(self, body: Any) -> Any:  # noqa: N802
        start, end = self._shown(self._open.edit, body.location_type)
        return pt.GetEditSelectionResponseBody(in_time=start, out_time=end)

    def _do_GetTimelineSelection(self, body: Any) -> Any:  # noqa: N802
        start, end = self._shown(self._open.timeline, body.location_type)
        return pt.GetTimelineSelectionResponseBody(in_time=start, out_time=end, play_start_marker_time=start)

    def _shown(self, selection: tuple[int, int], unit: int) -> tuple[str, str]:
        if unit == pt.TLType_Samples:
            return str(selection[0]), str(selection[1])
        start, end = (f"01:00:{sample // self._open.rate:02}:00" for sample in selection)
        return start, end

    def _do_SetTimelineSelection(self, body: Any) -> None:  # noqa: N802
        if body.location_type != pt.TLType_Samples:
            raise Refused("PT_InvalidParameter", "The times are in another unit.")
        self._open.timeline = (int(body.in_time), int(body.out_time))
        if self._open.linked:
            self._open.edit = self._open.timeline

    def _do_BounceTrack(self, body: Any) -> Any:  # noqa: N802
        track, (start, end) = self._track(body.src_track_id), self._open.timeline
        if body.HasField("in_location") or body.HasField("out_location") or start >= end:
            raise Refused("PT_CannotBeDone", "There is no content on the timeline.")
        if body.offline_bounce != pt.TB_True or body.location_info.file_destination != pt.EM_FD_Directory:
            raise Refused("PT_CannotBeDone", "This double bounces offline into a directory only.")
        if track.kind == "Vca":
            return pt.BounceTrackResponseBody()
        fader = body.automation_options.render_volume_automation
        path = Path(body.location_info.directory) / f"{body.file_name_prefix}-{track.name}.wav"
        kinds = {pt.Bit16: "PCM_16", pt.Bit24: "PCM_24", pt.Bit32Float: "FLOAT"}
        rate = body.audio_info.sample_rate
        soundfile.write(path, track.sound(start, end, fader), rate, kinds[body.audio_info.bit_depth])
        if body.location_info.import_after_bounce == pt.TB_True:
            self._open.import_file(path)
        return pt.BounceTrackResponseBody(file_paths=[str(path)])

    def _do_ImportAudioToClipList(self, body: Any) -> Any:  # noqa: N802
        entries = []
        for name in body.file_list:
            path = Path(name)
            if not path.is_file():
                raise Refused("OS_NoFilePathFound", f"{name} was not found.")
            if soundfile.info(path).samplerate != self._open.rate or body.audio_operations != pt.AddAudio:
                raise Refused("PT_CannotBeDone", "No audio files were imported.")
            made = pt.ImportAudioToClipListResponseEntryFile(
                file_id=self._open.new_id(), file_path=name,
                clip_id_list=[clip.id for clip in self._open.import_file(path)],
            )  # fmt: skip
            entries.append(
                pt.ImportAudioToClipListResponseEntry(original_input_path=name, destination_file_list=[made])
            )
        return pt.ImportAudioToClipListResponseBody(file_list=entries)

    def _do_CreateNewTracks(self, body: Any) -> Any:  # noqa: N802
        if body.number_of_tracks != 1 or body.track_type != pt.TT_Audio:
            raise Refused("PT_InvalidParameter", "This double makes one audio track at a time.")
        channels = {pt.TF_Mono: 1, pt.TF_Stereo: 2}[body.track_format]
        track = self._open.add_track(body.track_name, "Audio", channels)
        return pt.CreateNewTracksResponseBody(number_of_tracks=1, created_track_names=[track.name])

    def _do_SpotClipsByID(self, body: Any) -> None:  # noqa: N802
        place = body.dst_location_data
        if not place.HasField("location") or place.location.time_type != pt.TLType_Samples:
            raise Refused("PT_UnknownError", "location")
        clips = [self._open.bin[clip] for clip in body.src_clips if clip in self._open.bin]
        track = self._track(body.dst_track_id)
        if not clips or len(clips) > track.channels or (len(clips) == 1 and track.channels == 2):
            raise Refused(
                "PT_CannotBeDone", "Incompatibilities between selected clips and destination track."
            )
        self._open.spot(clips, track, int(place.location.location))

    def _do_SetTrackMuteState(self, body: Any) -> None:  # noqa: N802
        for track in self._open.tracks:
            if track.name in body.track_names:
                track.muted = body.enabled

    def _do_ExportSessionInfoAsText(self, body: Any) -> Any:  # noqa: N802
        if not self._open.tracks:
            raise Refused("PT_UnknownError", "assertion in the text export")
        in_samples = body.track_offset_options == pt.Samples and body.output_type == pt.ESI_String
        text = self._open.as_text() if in_samples and body.include_track_edls else ""
        return pt.ExportSessionInfoAsTextResponseBody(session_info=text)

    def _track(self, track_id: str) -> Track:
        if not track_id.startswith("{"):
            raise Refused("PT_InvalidParameter", "Could not parse Sys_TrackUID.")
        for track in self._open.tracks:
            if track.id == track_id:
                return track
        raise Refused("PT_NoTrackFound", "There is no such track.")


def _described(track: Track) -> Any:
    def state(holds: bool) -> int:
        return int(pt.TAState_SetExplicitly if holds else pt.TAState_None)

    attributes = pt.TrackAttributes(
        is_selected=state(track.selected), has_edit_selection=state(track.edit_selected), is_muted=track.muted
    )
    shape = pt.TF_Stereo if track.channels == 2 else pt.TF_Mono
    kind = pt.TrackType.Value(f"TT_{track.kind}")
    return pt.Track(name=track.name, id=track.id, type=kind, format=shape, track_attributes=attributes)


@contextlib.contextmanager
def served(double: ProTools) -> Iterator[str]:
    """The double on a free port of this machine; yields its address."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    PTSL_pb2_grpc.add_PTSLServicer_to_server(double, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        double.dialog.set()
        server.stop(None).wait()

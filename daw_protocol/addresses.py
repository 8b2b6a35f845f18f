"""The one table of commands: OSC address, WebSocket method, request type and result type of each.

The OSC parser and encoder, the JSON-RPC dispatcher, the OSCQuery tree, the JSON Schema, docs/protocol.md and the
tests all read this table; addresses are defined nowhere else.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields

from daw_protocol import (
    ledger,
    model_results,
    prompt_results,
    requests,
    results,
    song_tempo_kept,
    take_results,
    training_results,
)
from daw_protocol.message import Message
from daw_protocol.replies import AuditionState
from daw_protocol.requests import Request

PREFIX = "/bridge"


class Group(enum.Enum):
    """The subject of a command; the value is its heading in docs/protocol.md."""

    RENDER = "Rendering"
    CONTEXT = "Context: defaults for requests that omit them"
    SONG = "Songs: what is kept with them"
    WORDS = "Prompts and presets"
    JOBS = "Jobs"
    TAKES = "Takes"
    AUDITION = "Audition: playing takes in their song, through the server's sound device"
    WATCH = "Monitoring: for panels, control surfaces and scripts that display activity"
    MODELS = "Models: the weights engines render with"
    TRAINING = "Trainings: adapters from the producer's own songs"
    SERVER = "The server"


@dataclass(frozen=True)
class Command:
    """One command.

    name:       the WebSocket method; with slashes for dots, the OSC address under PREFIX.
    result:     its return value over WebSocket and mailbox; over OSC the answer is `ack` or `ok`.
    positional: the values that come first in an OSC message, in order and without their names; all others follow
                as name-value pairs. Trailing positional values may be omitted.
    example:    an OSC message in the syntax of `oscsend`, for the documentation and the tests.
    """

    name: str
    request: type[Request]
    result: type[Message]
    group: Group
    positional: tuple[str, ...]
    example: str
    osc: bool = True

    @property
    def address(self) -> str:
        return f"{PREFIX}/{self.name.replace('.', '/')}"

    @property
    def doc(self) -> str:
        return (self.request.__doc__ or "").strip()


ID = ("id",)

COMMANDS: tuple[Command, ...] = (
    Command("repaint", requests.Repaint, results.Accepted, Group.RENDER, ID,
            "/bridge/repaint sssisi source song.wav start 384000 end 576000"),
    Command("complete", requests.Complete, results.Accepted, Group.RENDER, ID,
            '/bridge/complete ssssss source song.wav length "8 bars" bpm 120'),
    Command("accompany", requests.Accompany, results.Accepted, Group.RENDER, ID,
            "/bridge/accompany ssssss source voice.wav bpm 96 prompt ballad"),
    Command("extract", requests.Extract, results.Accepted, Group.RENDER, ID,
            "/bridge/extract ssss source song.wav stems vocals,drums"),
    Command("generate", requests.Generate, results.Accepted, Group.RENDER, ID,
            '/bridge/generate ssssss prompt "slow bossa nova" length "16 bars" bpm 84'),
    Command("lego", requests.Lego, results.Accepted, Group.RENDER, ID,
            "/bridge/lego ssss source song.wav stems bass"),
    Command("cover", requests.Cover, results.Accepted, Group.RENDER, ID,
            '/bridge/cover ssss source song.wav prompt "string quartet"'),
    Command("analyse", requests.Analyse, results.Accepted, Group.RENDER, ID,
            "/bridge/analyse ss source song.wav"),
    Command("plan", requests.Plan, results.Accepted, Group.RENDER, ID,
            '/bridge/plan ssssss prompt "slow bossa nova" length "16 bars" bpm 84'),
    Command("rewrite", requests.Rewrite, results.Accepted, Group.RENDER, ID,
            '/bridge/rewrite ss prompt "bossa nova"'),
    Command("vary", requests.Vary, results.Accepted, Group.RENDER, ID,
            "/bridge/vary ssss take TAKE strength 0.8"),
    Command("tempo", requests.SetTempo, requests.SetTempo, Group.CONTEXT, ("bpm",), "/bridge/tempo f 120"),
    Command("meter", requests.SetMeter, requests.SetMeter, Group.CONTEXT, ("meter",), "/bridge/meter s 4/4"),
    Command("key", requests.SetKey, requests.SetKey, Group.CONTEXT, ("key",), '/bridge/key s "F# minor"'),
    Command("source", requests.SetSource, requests.SetSource, Group.CONTEXT, ("source", "position"),
            "/bridge/source si song.wav 0"),
    Command("select", requests.Select, requests.Select, Group.CONTEXT, ("start", "end"),
            '/bridge/select ss "17|1|0" "21|1|0"'),
    Command("transport", requests.Transport, requests.Transport, Group.CONTEXT, ("position", "rolling"),
            "/bridge/transport ii 96000 1"),
    Command("forget", requests.ForgetContext, requests.ForgetContext, Group.CONTEXT, (), "/bridge/forget"),
    Command("songs.tempo", requests.SetSongTempo, song_tempo_kept.SongTempoKept, Group.SONG, ("source",),
            "/bridge/songs/tempo ssi song.wav analysed 1"),
    Command("prompts.read", requests.ReadPrompt, prompt_results.PromptRead, Group.WORDS, ("prompt",),
            '/bridge/prompts/read sss "no drums, brighter" task repaint'),
    Command("prompts.recent", requests.RecentPrompts, prompt_results.PromptList, Group.WORDS, ("source",),
            "/bridge/prompts/recent s song.wav"),
    Command("presets.list", requests.ListPresets, prompt_results.PresetList, Group.WORDS, ID,
            "/bridge/presets/list"),
    Command("presets.save", requests.SavePreset, prompt_results.Preset, Group.WORDS, ("name", "task"),
            '/bridge/presets/save ssss "Dark, no drums" repaint prompt "no drums, darker"'),
    Command("presets.delete", requests.DeletePreset, prompt_results.DeletedPreset, Group.WORDS, ("name",),
            '/bridge/presets/delete s "Dark, no drums"'),
    Command("cancel", requests.Cancel, results.CancelledJob, Group.JOBS, ("job",), "/bridge/cancel s JOB"),
    Command("jobs.list", requests.ListJobs, results.JobList, Group.JOBS, ID, "/bridge/jobs/list"),
    Command("jobs.show", requests.ShowJob, results.JobWithTakes, Group.JOBS, ("job",),
            "/bridge/jobs/show s JOB"),
    Command("takes.list", requests.ListTakes, take_results.TakeList, Group.TAKES, ID, "/bridge/takes/list"),
    Command("takes.show", requests.ShowTake, take_results.TakeWithRecipe, Group.TAKES, ("take",),
            "/bridge/takes/show s TAKE"),
    Command("takes.rank", requests.RankTakes, take_results.RankedTakes, Group.TAKES, ID,
            "/bridge/takes/rank ss job JOB"),
    Command("takes.words", requests.HearWords, take_results.HeardTakes, Group.TAKES, ID,
            "/bridge/takes/words ss take TAKE"),
    Command("takes.fetch", requests.FetchTake, results.FileSent, Group.TAKES, ("take",), "", osc=False),
    Command("takes.choose", requests.ChooseTake, take_results.ChosenTake, Group.TAKES, ("take",),
            "/bridge/takes/choose s TAKE"),
    Command("takes.revert", requests.RevertTake, take_results.ChosenTake, Group.TAKES, ("take",),
            "/bridge/takes/revert s TAKE"),
    Command("takes.redo", requests.RedoTake, take_results.ChosenTake, Group.TAKES, ("take",),
            "/bridge/takes/redo s TAKE"),
    Command("takes.lineage", requests.ShowLineage, take_results.TakeList, Group.TAKES, ("take",),
            "/bridge/takes/lineage s TAKE"),
    Command("takes.delete", requests.DeleteTake, take_results.DeletedTake, Group.TAKES, ("take",),
            "/bridge/takes/delete s TAKE"),
    Command("takes.mark", requests.MarkTake, take_results.MarkedTake, Group.TAKES, ("take",),
            '/bridge/takes/mark ssssi TAKE name "Chorus, brighter" stars 4'),
    Command("songs.undo", requests.UndoSong, take_results.SongChange, Group.TAKES, ("song",),
            "/bridge/songs/undo s SONG"),
    Command("songs.redo", requests.RedoSong, take_results.SongChange, Group.TAKES, ("song",),
            "/bridge/songs/redo s SONG"),
    Command("songs.ledger", requests.ShowLedger, ledger.Ledger, Group.TAKES, ("song",),
            "/bridge/songs/ledger s SONG"),
    Command("export", requests.Export, take_results.ExportedProject, Group.TAKES, ("what", "name", "format"),
            "/bridge/export sss take TAKE rpp"),
    Command("audition.play", requests.PlayAudition, AuditionState, Group.AUDITION, ("take",),
            "/bridge/audition/play ssisi TAKE before 2 after 2"),
    Command("audition.stop", requests.StopAudition, AuditionState, Group.AUDITION, (),
            "/bridge/audition/stop"),
    Command("audition.ab", requests.CompareAudition, AuditionState, Group.AUDITION, ("side",),
            "/bridge/audition/ab"),
    Command("audition.next", requests.NextTake, AuditionState, Group.AUDITION, (), "/bridge/audition/next"),
    Command("audition.prev", requests.PreviousTake, AuditionState, Group.AUDITION, (),
            "/bridge/audition/prev"),
    Command("audition.loop", requests.LoopAudition, AuditionState, Group.AUDITION, ("on",),
            "/bridge/audition/loop i 1"),
    Command("audition.bars", requests.SetAuditionBars, AuditionState, Group.AUDITION, ("before", "after"),
            "/bridge/audition/bars ii 1 1"),
    Command("audition.seek", requests.SeekAudition, AuditionState, Group.AUDITION, ("position",),
            '/bridge/audition/seek s "17|1|0"'),
    Command("audition.gain", requests.SetAuditionGain, AuditionState, Group.AUDITION, ("db",),
            "/bridge/audition/gain f -6"),
    Command("audition.match", requests.MatchAudition, AuditionState, Group.AUDITION, ("on",),
            "/bridge/audition/match i 0"),
    Command("audition.follow", requests.FollowTransport, AuditionState, Group.AUDITION, ("what", "port"),
            "/bridge/audition/follow s osc"),
    Command("audition.auto", requests.AuditionRenders, AuditionState, Group.AUDITION, ("on",),
            "/bridge/audition/auto i 1"),
    Command("audition.device", requests.ChooseDevice, AuditionState, Group.AUDITION, ("name",),
            '/bridge/audition/device s "USB Audio"'),
    Command("audition.devices", requests.ListDevices, results.DeviceList, Group.AUDITION, ID,
            "/bridge/audition/devices"),
    Command("audition.show", requests.ShowAudition, AuditionState, Group.AUDITION, ID,
            "/bridge/audition/show"),
    Command("audition.passage", requests.ShowPassage, results.Passage, Group.AUDITION, ("take",), "", osc=False),
    Command("watch", requests.Watch, results.Watching, Group.WATCH, ID, "/bridge/watch si on 1"),
    Command("focus.show", requests.ShowFocus, results.Focus, Group.WATCH, ID, "/bridge/focus/show"),
    Command("songs.list", requests.ListSongs, results.SongList, Group.WATCH, ID, "/bridge/songs/list"),
    Command("models.list", requests.ListModels, model_results.ModelList, Group.MODELS, ID,
            "/bridge/models/list"),
    Command("models.get", requests.GetModel, model_results.ModelTransfer, Group.MODELS, ("model",),
            "/bridge/models/get s turbo"),
    Command("models.cancel", requests.CancelModel, model_results.ModelTransfer, Group.MODELS, ID,
            "/bridge/models/cancel"),
    Command("training.list", requests.ListTrainings, training_results.TrainingList, Group.TRAINING, ID,
            "/bridge/training/list"),
    Command("training.show", requests.ShowTraining, training_results.ShownTraining, Group.TRAINING, ("name",),
            "/bridge/training/show s my_sound"),
    Command("training.songs", requests.ReadTrainingSongs, training_results.TrainingSongs, Group.TRAINING,
            ("folder",), "/bridge/training/songs s my_songs"),
    Command("training.start", requests.StartTraining, training_results.TrainingRecord, Group.TRAINING,
            ("name", "songs"), "/bridge/training/start sssi my_sound my_songs consent 1"),
    Command("training.stop", requests.StopTraining, training_results.TrainingRecord, Group.TRAINING, ("name",),
            "/bridge/training/stop"),
    Command("training.resume", requests.ResumeTraining, training_results.TrainingRecord, Group.TRAINING,
            ("name",), "/bridge/training/resume s my_sound"),
    Command("training.discard", requests.DiscardTraining, training_results.DiscardedTraining, Group.TRAINING,
            ("name",), "/bridge/training/discard s my_sound"),
    Command("status", requests.Status, results.ServerStatus, Group.SERVER, ID, "/bridge/status"),
    Command("engines", requests.ListEngines, results.EngineList, Group.SERVER, ID, "/bridge/engines"),
    Command("store.verify", requests.VerifyStore, results.StoreProblems, Group.SERVER, ID,
            "/bridge/store/verify"),
    Command("store.sweep", requests.SweepStore, results.SweptFiles, Group.SERVER, ID,
            "/bridge/store/sweep"),
    Command("upload.begin", requests.BeginUpload, results.FileSent, Group.SERVER, ID, "", osc=False),
)  # fmt: skip

BY_NAME = {command.name: command for command in COMMANDS}
BY_ADDRESS = {command.address: command for command in COMMANDS if command.osc}
BY_REQUEST = {command.request: command for command in COMMANDS}


def field_names(command: Command) -> tuple[str, ...]:
    return tuple(entry.name for entry in fields(command.request))

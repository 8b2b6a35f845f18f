"""The one table of handlers: every request the protocol knows, and what carries it out."""

from __future__ import annotations

from bridge_server.handlers.audition import AuditionHandlers
from bridge_server.handlers.context import ContextHandlers
from bridge_server.handlers.dispatcher import AUDITION_REQUESTS, Handler
from bridge_server.handlers.exports import ExportHandlers
from bridge_server.handlers.heard_words import WordHandlers
from bridge_server.handlers.jobs import JobHandlers
from bridge_server.handlers.models import ModelHandlers
from bridge_server.handlers.prompts import PromptHandlers
from bridge_server.handlers.ranking import RankingHandlers
from bridge_server.handlers.shared_context import SharedContextHandlers
from bridge_server.handlers.song_tempo import SongTempoHandlers
from bridge_server.handlers.status import StatusHandlers
from bridge_server.handlers.submit import SubmitHandlers
from bridge_server.handlers.take_marks import TakeMarkHandlers
from bridge_server.handlers.takes import TakeHandlers
from bridge_server.handlers.trainings import TrainingHandlers
from bridge_server.handlers.uploads import begin_upload
from daw_protocol import requests
from daw_protocol.addresses import COMMANDS
from daw_protocol.context import CONTEXT_REQUESTS
from daw_protocol.requests import Render, Request

RENDER_REQUESTS = tuple(command.request for command in COMMANDS if issubclass(command.request, Render))


def handler_table(
    submit: SubmitHandlers,
    jobs: JobHandlers,
    takes: TakeHandlers,
    ranking: RankingHandlers,
    words: WordHandlers,
    marks: TakeMarkHandlers,
    models: ModelHandlers,
    trainings: TrainingHandlers,
    exports: ExportHandlers,
    context: ContextHandlers,
    shared_context: SharedContextHandlers,
    song_tempo: SongTempoHandlers,
    prompts: PromptHandlers,
    status: StatusHandlers,
    audition: AuditionHandlers,
) -> dict[type[Request], Handler]:
    """Request type -> handler."""
    return {
        **dict.fromkeys(RENDER_REQUESTS, submit.submit),
        requests.Vary: submit.vary,
        requests.Cancel: jobs.cancel,
        requests.ListJobs: jobs.list,
        requests.ShowJob: jobs.show,
        requests.ListTakes: takes.list,
        requests.ShowTake: takes.show,
        requests.RankTakes: ranking.rank,
        requests.HearWords: words.hear,
        requests.FetchTake: takes.fetch,
        requests.ChooseTake: takes.choose,
        requests.RevertTake: takes.revert,
        requests.RedoTake: takes.redo,
        requests.ShowLineage: takes.lineage,
        requests.UndoSong: takes.undo_song,
        requests.RedoSong: takes.redo_song,
        requests.DeleteTake: takes.delete,
        requests.MarkTake: marks.mark,
        requests.Watch: shared_context.watch,
        requests.ShowFocus: shared_context.show,
        requests.ListSongs: shared_context.songs,
        requests.SetSongTempo: song_tempo.apply,
        requests.ReadPrompt: prompts.read,
        requests.RecentPrompts: prompts.recent,
        requests.ListPresets: prompts.presets,
        requests.SavePreset: prompts.save,
        requests.DeletePreset: prompts.delete,
        requests.ShowLedger: exports.ledger,
        requests.Export: exports.export,
        requests.Status: status.status,
        requests.ListEngines: status.engines,
        requests.VerifyStore: status.verify,
        requests.SweepStore: status.sweep,
        requests.ListModels: models.list,
        requests.GetModel: models.get,
        requests.CancelModel: models.cancel,
        requests.ListTrainings: trainings.list,
        requests.ShowTraining: trainings.show,
        requests.ReadTrainingSongs: trainings.songs,
        requests.StartTraining: trainings.start,
        requests.StopTraining: trainings.stop,
        requests.ResumeTraining: trainings.resume,
        requests.DiscardTraining: trainings.discard,
        requests.BeginUpload: begin_upload,
        **dict.fromkeys(CONTEXT_REQUESTS, context.apply),
        **dict.fromkeys(AUDITION_REQUESTS, audition.respond),
    }

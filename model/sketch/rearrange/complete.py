"""Continuing where the song stops, or filling a gap: plans bars, then builds them from the song's own beats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.engine import Rendered, RenderRequest, Report
from model.pace import Pace
from model.sketch import captions
from model.sketch import parameters as p
from model.sketch.analysis.analysis import Analysis
from model.sketch.rearrange import assemble, leaning, passage, plan, progression, standing
from model.sketch.rearrange.layers import WholeSong
from model.sketch.rearrange.levels import Swell
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.plan import Costs, Run, Targets
from model.sketch.rearrange.standing import Standing
from model.sketch.rearrange.swell import full_beat, swell_of

METHOD = (
    "Sketch: a continuation planned bar by bar from the song's own progressions and assembled from its own beats "
    "(no neural network, no new material)."
)


def render(request: RenderRequest, analysis: Analysis, pace: Pace) -> Iterator[Rendered]:
    """Renders a COMPLETE. Raises CannotRender if the song is too short to continue."""
    song = request.required_song
    part, now = from_standing(passage.passage_of(request, song, analysis))
    passage.require_sources(part, p.MIN_BARS_TO_CONTINUE)
    pace.at("planning bars", 0.0)
    asked = captions.read(captions.COMPLETE, request.caption, ending=request.ending)
    path = choose_beats(part, now, pace, asked.leans)
    closing = closing_row(part) if asked.ending else None
    if closing is not None:
        path = with_closing(part, path, closing)
    unmet = leaning.notes(part, path, asked.leans)
    pace.at("joining bars", 0.7)
    runs = plan.runs_of(part.targets, path)
    original = passage.original_tape(part)
    laid = passage.lay_runs(part, runs, WholeSong(song.samples), original, pace)
    pace.at("matching the level", 0.9)
    fade = None if closing is None else closing_fade(part, closing)
    lead = silent_lead(part, runs[0])
    swell = None
    if now.fade is not None and not part.around.silence:
        swell = swell_of(part, now.fade, path, request.length if fade is None else fade[0])
    wanted = wanted_lufs(part, now)
    # What fades with the song is to be as loud as what it replaces, which the server sees for itself.
    goes_back = now.goes_back and np.isfinite(wanted) and (swell is None or swell.settles)
    limit = p.GAIN_LIMIT_BACK_DB if goes_back else p.GAIN_LIMIT_DB
    finished = passage.finish(part, laid, original, wanted, limit, fade=fade, lead=lead, swell=swell)
    yield from finished.pieces
    figures = {
        **passage.common_figures(part, runs),
        "longest_verbatim_bars": round(max(run.count / int(beats_per_bar(part)) for run in runs), 2),
        **finished.figures,
    }
    if goes_back:
        figures["wanted_lufs"] = round(wanted, 2)
    pace.at("rendered", 1.0)
    notes = notes_of(part, now, swell) + start_notes(part, laid.held, lead)
    yield Report(METHOD, figures, notes + unmet + asked.notes())


def beats_per_bar(part: Passage) -> int:
    """Beats in the bar where the region begins."""
    return int(part.analysis.beats.bar_beats[part.targets[0]])


def standing_of(part: Passage) -> Standing:
    """Where in the song the continuation starts from."""
    return standing.standing(part.analysis.beats, int(part.targets[0]))


def beginning_anew(part: Passage) -> Passage:
    """The passage from its first whole beat on, where nothing sounds before it but what rings out; marked so.

    A beat that began earlier could only be entered in the middle of its notes.
    """
    part = replace(part, around=replace(part.around, silence=True))
    earliest = part.start_seconds - p.JOIN_BEFORE_BEAT_SECONDS
    whole = part.targets[part.analysis.beats.seconds[part.targets] >= earliest]
    return replace(part, targets=whole) if len(whole) > 1 else part


def silent_lead(part: Passage, run: Run) -> int:
    """Frames from the region's start to just before the attack that its first run begins with, if silence precedes."""
    if not part.around.silence:
        return 0
    beats = part.analysis.beats
    late = float(np.nan_to_num(beats.late[run.source])) + assemble.run_lateness(beats, run)
    first = float(beats.seconds[run.target]) + min(late, 0.0) - p.JOIN_BEFORE_BEAT_SECONDS
    return max(round(first * part.request.rate) - part.request.start, 0)


def from_standing(part: Passage) -> tuple[Passage, Standing]:
    """The passage continued from where the song stands; a fade-out or last chord supplies no sources.

    Within a fade, what was heard last is what the take begins after, at the level it would have had; after the end, and
    after silence, nothing is.
    """
    now = standing_of(part)
    if now.goes_back and not swells(part, now):
        part = beginning_anew(part)
    elif not now.goes_back and passage.silent_at(part.analysis.listening, part.start_seconds):
        part = beginning_anew(part)
        now = standing_of(part)
    around, sources, analysis = part.around, part.sources, part.analysis
    if now.goes_back:
        last = int(part.targets[-1])
        if now.fade is not None:
            last = max(last, now.fade.end - 1)
        sources = sources[(sources <= now.beat) | (sources > last)]
    if now.fade is not None and not around.silence:
        analysis = replace(analysis, beats=standing.unfaded(analysis.beats, now.fade))
    elif now.goes_back:
        around = replace(around, before=now.beat)
    if around.silence and not now.faded:
        # Nothing has to fit what was before, least of all a last chord.
        around = replace(around, before=None)
    return replace(part, sources=sources, around=around, analysis=analysis), now


def swells(part: Passage, now: Standing) -> bool:
    """Whether the take begins within a fade that is still heard."""
    if now.fade is None or part.targets[0] > now.fade.end + 1:
        return False
    return now.fade.depth_db(part.analysis.beats, part.start_seconds) < p.SWELL_DEEPEST_DB


def followed_beat(part: Passage, now: Standing) -> int:
    """The beat whose progression the take goes on with: the last one that was heard well."""
    before, fade = part.around.before, now.fade
    if fade is None or part.around.silence or before is None:
        return now.beat
    heard = fade.depth_db(part.analysis.beats, part.start_seconds) <= p.FADE_HEARD_DB
    return before if heard else now.beat


def choose_beats(part: Passage, now: Standing, pace: Pace, leans: tuple[str, ...] = ()) -> NDArray[np.intp]:
    """Source beats of this take: each take has its own plan and pays for beats that earlier takes used; [targets]."""
    beats, request = part.analysis.beats, part.request
    jump = plan.jump_costs(beats, part.sources, pace.check)
    used = np.zeros((len(part.targets), len(part.sources)))
    path = np.zeros(0, dtype=np.intp)
    earlier: list[NDArray[np.intp]] = []
    followed = followed_beat(part, now)
    for take in range(request.take + 1):
        pace.at("planning bars", take / (request.take + 1))
        entropy = [request.seed & 0xFFFFFFFFFFFFFFFF, 2, take]
        like = progression.planned(
            beats, part.targets, part.sources, followed, request.strength, entropy, part.around.silence
        )
        unary = unary_costs(part, like, leaning.texture_cost(leans)) + leaning.costs(part, leans)
        path, used = other_path(part, unary, jump, used, earlier, pace)
        earlier.append(path)
    return part.sources[path]


def other_path(
    part: Passage, unary: Costs, jump: Costs, used: Costs, earlier: list[NDArray[np.intp]], pace: Pace
) -> tuple[NDArray[np.intp], Costs]:
    """A path that differs from earlier takes' where there is another, and the costs of what all of them used."""
    weight = p.TAKE_COST_CONTINUED
    for attempt in range(p.TAKE_TRIES + 1):
        path = capped_path(part, unary + used, jump, pace)
        used = used + weight * plan.used_costs(part.analysis.beats, part.sources, path)
        if attempt == p.TAKE_TRIES or all(plan.differs(path, old) for old in earlier):
            break
        weight *= 2.0
    return path, used


def unary_costs(part: Passage, like: NDArray[np.intp], texture_cost: float) -> Costs:
    """Costs of each source for each planned beat, neighbours outside included; [T, N]."""
    beats, targets = part.analysis.beats, Targets(part.targets, like)
    unary = (
        plan.place_costs(beats, targets, part.sources)
        + plan.likeness_costs(beats, targets, part.sources, p.LEVEL_COST, p.HARMONY_COST, texture_cost)
        + plan.texture_costs(beats, targets, part.sources, part.around)
        + plan.noise_costs(beats, targets, part.sources, part.request.seed)
    )
    entry, leave = plan.edge_costs(beats, part.sources, part.around)
    unary[0] += entry
    unary[-1] += leave
    return unary


def longest_run_beats(part: Passage) -> int:
    """How many consecutive beats may be copied from the song."""
    strong = part.request.strength > p.STRONG
    return (p.LONGEST_RUN_BARS_STRONG if strong else p.LONGEST_RUN_BARS) * beats_per_bar(part)


def capped_path(part: Passage, unary: Costs, jump: Costs, pace: Pace) -> NDArray[np.intp]:
    """The least-cost path with no run longer than the cap, as one column per row.

    The second half of an over-long run is penalised for its displacement, so that the run breaks where that is cheap;
    after some rounds it is cut at the cap.
    """
    unary, cap = unary.copy(), longest_run_beats(part)
    path = plan.least_path(unary, jump, pace.check)
    if part.source_bars * beats_per_bar(part) <= cap:
        return path  # so short a song can only loop
    for attempt in range(p.RUN_TRIES):
        runs = plan.runs_of(np.arange(len(path)), part.sources[path])
        over = [run for run in runs if run.count > cap]
        if not over:
            break
        for run in over:
            middle = run.target + (run.count // 2 if attempt < p.RUN_TRIES // 2 else cap)
            rows = np.arange(middle, run.target + run.count)
            column = np.searchsorted(part.sources, run.source + rows - run.target)
            unary[rows, column] += p.RUN_COST if attempt < p.RUN_TRIES // 2 else p.RUN_CUT_COST
        path = plan.least_path(unary, jump, pace.check)
    return path


def closing_row(part: Passage) -> int:
    """Target index of the downbeat the song ends on: the last one with room for a beat after it."""
    beats = part.analysis.beats
    room = part.end_seconds - beats.seconds[part.targets]
    fits = (beats.position[part.targets] == 0) & (room > np.diff(beats.seconds)[part.targets])
    rows = np.flatnonzero(fits)
    return int(rows[-1]) if len(rows) else 0


def with_closing(part: Passage, path: NDArray[np.intp], row: int) -> NDArray[np.intp]:
    """The path with the closing chord from `row` on, ringing as it does in the song."""
    analysis = part.analysis
    beat = progression.closing_beat(
        analysis.beats, part.sources, analysis.key.tonic_chord, analysis.listening.envelope
    )
    ringing = np.minimum(beat + np.arange(len(path) - row), len(analysis.beats) - 1)
    return np.concatenate([path[:row], ringing.astype(np.intp)])


def closing_fade(part: Passage, row: int) -> tuple[int, int]:
    """First and last frame of the final fade, from the region's start: over the closing bar, at most 8 s."""
    beats, request = part.analysis.beats, part.request
    beat = part.targets[row]
    first = beats.seconds[beat] + 0.5 * (beats.seconds[beat + 1] - beats.seconds[beat])
    last = min(part.end_seconds, first + p.ENDING_FADE_SECONDS)
    return round(first * request.rate) - request.start, round(last * request.rate) - request.start


def wanted_lufs(part: Passage, now: Standing) -> float:
    """Loudness of the surrounding bars, or of those before the fade or the end if the song fades out or has ended.

    Of as many seconds either way: the last bars before an end are often louder or softer than the song there.
    """
    if not now.goes_back:
        return passage.context_lufs(part, p.LEVEL_SECONDS)
    beats = part.analysis.beats
    end = float(beats.seconds[now.beat + 1])
    bars = float(beats.seconds[max(now.beat - p.MATCH_BARS * beats_per_bar(part), 0)])
    return passage.span_lufs(part, max(min(bars, end - p.LEVEL_SECONDS), 0.0), end)


def start_notes(part: Passage, held: bool, lead: int) -> tuple[str, ...]:
    """How the music begins after silence or a last chord; held: within notes, lead: frames before its first beat."""
    if not part.around.silence:
        return ()
    silent = passage.silent_at(part.analysis.listening, part.start_seconds)
    notes = []
    if lead >= p.EDGE_SLIVER_SECONDS * part.request.rate:
        notes.append(
            "The song is silent here, so the music begins with the next beat."
            if silent
            else "What rings out here is left to ring, and the music begins with the next beat."
        )
    if held:
        notes.append(
            "The song is silent here, and no bar that fits begins with a new note: "
            "the music is faded in within held notes."
            if silent
            else "No bar that fits begins with a new note, so the music is faded in within held notes."
        )
    return tuple(notes)


def notes_of(part: Passage, now: Standing, swell: Swell | None) -> tuple[str, ...]:
    """What the producer should know about this continuation."""
    notes: list[str] = []
    if now.fade is not None:
        notes.extend(_fade_notes(part, now, swell))
    if now.ended:
        bar = int(part.analysis.beats.bar[now.beat])
        notes.append(
            f"The song has ended here, so it continues from before its end (bar {bar}), at full level."
        )
    if part.source_bars < p.FEW_BARS:
        notes.append(
            f"The song offers only {part.source_bars:.0f} bars, so the continuation mostly loops them."
        )
    return tuple(notes)


def _fade_notes(part: Passage, now: Standing, swell: Swell | None) -> tuple[str, ...]:
    beats = part.analysis.beats
    bar = int(beats.bar[now.beat])
    if swell is None:
        return (f"The song fades out here, so it continues from before the fade (bar {bar}), at full level.",)
    if not swell.settles:
        return (
            f"The song fades out here, so the take, made of what plays before the fade (bar {bar}), fades with it.",
        )
    beat = full_beat(part, swell)
    if beat is None:
        comes_back = "The song fades out here, so the music comes back in as it went."
    else:
        full, place = int(beats.bar[beat]), int(beats.position[beat]) + 1
        comes_back = (
            f"The song fades out here, so the music comes back in as it went and is at full level from bar {full} on."
            if place == 1
            else "The song fades out here, so the music comes back in as it went and is at full level from beat "
            f"{place} of bar {full} on."
        )
    return comes_back, f"For a continuation without a fade, start the region at bar {bar} or before."

"""How a continuation that begins within a fade-out comes back in: from the level heard there, as steep as it fell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.sketch import parameters as p
from model.sketch.rearrange.levels import Swell
from model.sketch.rearrange.passage import Passage
from model.sketch.rearrange.standing import Fade


def swell_of(part: Passage, fade: Fade, path: NDArray[np.intp], room: int) -> Swell:
    """The swell of a take that plays the beats of `path` [targets].

    It is over within `room` frames; with hardly any, as before an ending that fades at once, the take stays as soft as
    it begins.
    """
    beats, rate = part.analysis.beats, part.request.rate
    first_db, after_db = -_depth_db(part, fade, path), depth_after_db(part, fade)
    if after_db is not None:
        return Swell(part.request.length, first_db, -min(fade.depth_db(beats, part.end_seconds), after_db))
    if room < p.SWELL_LEAST_ROOM_SECONDS * rate:
        return Swell(part.request.length, first_db, first_db)
    seconds = _seconds(part, fade, min(room / rate, 0.5 * (part.end_seconds - part.start_seconds)))
    return Swell(max(round(seconds * rate), 1), first_db)


def depth_after_db(part: Passage, fade: Fade) -> float | None:
    """How far down the song is in the bar after the region; None where it is back at its level, silent or over."""
    beats, after = part.analysis.beats, int(part.targets[-1]) + 1
    rows = np.arange(after, min(after + int(beats.bar_beats[part.targets[0]]), len(beats)))
    rows = rows[beats.inside[rows]]
    if part.request.end >= part.song.frames or len(rows) == 0:
        return None
    # The beats stand here as if they had not faded.
    heard = float(np.percentile(beats.level[rows] - fade.fallen_db(beats, rows), 75))
    depth, least = fade.level_db - heard, fade.depth_db(beats, part.start_seconds) - p.FADE_LAST_DB
    return depth if max(least, p.SWELL_LEAST_DB) <= depth <= p.SWELL_DEEPEST_DB else None


def _depth_db(part: Passage, fade: Fade, path: NDArray[np.intp]) -> float:
    """How far below its own level a take begins, so that its first bar is as loud as the song's last bar has become."""
    beats, first = part.analysis.beats, int(part.targets[0])
    expected = fade.depth_db(beats, part.start_seconds)
    bar = int(beats.bar_beats[first])
    # The beats before the region stand here as if they had not faded.
    heard = np.percentile(beats.level[max(first - bar, 0) : first], 75) - fade.level_db
    begins = np.percentile(beats.level[path[:bar]], 75) - np.percentile(beats.level[path], 75)
    louder = float(np.clip(begins - heard, -p.SWELL_FIRST_BAR_DB, p.SWELL_FIRST_BAR_DB))
    return float(np.clip(expected + louder, 0.0, p.SWELL_DEEPEST_DB))


def _seconds(part: Passage, fade: Fade, room: float) -> float:
    """As long as the fade took, up to the bar line or beat nearest to that; at most `room`."""
    beats, start = part.analysis.beats, part.start_seconds
    bar = int(beats.bar_beats[part.targets[0]])
    beat = float(np.median(np.diff(beats.seconds)[part.targets]))
    least, longest = p.SWELL_LEAST_BEATS * beat, min(room, p.SWELL_LONGEST_BARS * bar * beat)
    wanted = min(max(fade.depth_db(beats, start) / fade.slope_db, least), longest)
    ahead = part.targets[1:]
    for ends in (ahead[beats.position[ahead] == 0], ahead):
        after = beats.seconds[ends] - start
        after = after[(after >= least - p.EDGE_SLIVER_SECONDS) & (after <= longest + p.EDGE_SLIVER_SECONDS)]
        if len(after) and np.abs(after - wanted).min() <= max(0.5 * wanted, beat):
            return min(float(after[np.abs(after - wanted).argmin()]), room)
    return wanted


def full_beat(part: Passage, swell: Swell) -> int | None:
    """The first beat of which the take is at full level from its beginning; None where none begins in the region."""
    full = (part.request.start + swell.frames) / part.request.rate - p.EDGE_SLIVER_SECONDS
    later = part.targets[part.analysis.beats.seconds[part.targets] >= full]
    return int(later[0]) if len(later) else None

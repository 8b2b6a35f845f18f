"""What the producer has selected in Live, in samples of the file under it: read only, nothing is changed here.

Live shows scripts no time selection of the Arrangement; the loop brace and the clip in the Clip View stand in for
it. It shows no tempo automation either, only that there is some; where that makes positions uncertain we refuse.
"""

import os
from fractions import Fraction

from .messages import Refused
from .song_time import SongTime, exact, nearest_sample, tempo_as_text

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
# Live's scale names -> the bridge's modes. A key in any other scale is left out rather than sent wrongly.
MODES = {
    "Major": "major", "Minor": "minor", "Dorian": "dorian", "Phrygian": "phrygian", "Lydian": "lydian",
    "Mixolydian": "mixolydian", "Locrian": "locrian",
}  # fmt: skip
# Encoders put silence before the music, and decoders leave out more or less of it: others measured a clip of an MP3 in
# Live to begin 84.6 ms away from what ffmpeg decodes.
PADDED = (".mp3", ".m4a", ".aac")
# Live's tempo parameter: 0 none, 1 playing, 2 overridden (Live.DeviceParameter.AutomationState).
NO_AUTOMATION = 0
# A warp marker may lie this far from the straight line, in samples: Live keeps beats as floats.
STRAIGHT = Fraction(1, 4)


class Selection:
    """A stretch of one audio clip.

    clip, track:      Live's own, and `lane` True when the clip lies in the Arrangement, False for Session.
    path, rate:       the clip's file and its sampling rate in Hz; all samples here are counted at that rate.
    time:             SongTime, the one tempo that holds.
    clip_start:       where the clip starts, in beats of the Arrangement (Fraction); 0 for a Session clip.
    file_start:       which sample of the file plays there.
    source_position:  where the file's first sample would lie on the timeline, in samples; may be negative.
    start, end:       the region, in samples of the timeline.
    notes:            what the producer should know about it, a sentence each.
    """

    def __init__(self, clip, track, time, clip_start, file_start, region, in_arrangement, notes):
        self.clip = clip
        self.track = track
        self.path = clip.file_path
        self.rate = time.rate
        self.time = time
        self.clip_start = clip_start
        self.file_start = file_start
        self.source_position = time.sample_at(clip_start) - file_start
        self.start, self.end = region
        self.in_arrangement = in_arrangement
        self.notes = notes

    def beats_of(self, position):
        """Where a sample of the timeline lies in Live, in beats: exactly where Live plays that sample of the file.

        Counted from the start of the clip and not from zero, so that a clip which starts between two samples
        keeps its takes on its own samples. `time.sample_at` of the result is `position` again.
        """
        return self.clip_start + self.time.beats_in(position - self.source_position - self.file_start)


def read_selection(song, in_session=False, beyond_the_end=False):
    """The selection in a Live Set. Raises Refused.

    in_session:     whether the Session View is in front: a Session clip is meant then, and the loop brace is not.
    beyond_the_end: the task goes on after the clip.
    """
    if set_path(song) == "":
        raise Refused(
            "This Live Set has not been saved.",
            "Save it first: Live moves the samples of an unsaved set when saving.",
        )
    clip = song.view.detail_clip
    if in_session and clip is not None and clip.is_session_clip and clip.is_audio_clip:
        brace = None
    else:
        brace = _brace(song)
        clip = _clip(song, brace)
    notes = []
    _check_clip(clip, notes)
    rate = round(clip.sample_rate)
    time = SongTime(tempo_as_text(song.tempo), rate)
    # A Session clip has no place on the timeline: it starts at 0, and its start_time says when it was launched.
    in_arrangement = bool(clip.is_arrangement_clip)
    clip_start = exact(clip.start_time) if in_arrangement else Fraction(0)
    first, last = _stretch(clip, time)
    _check_tempo(song, clip, time, notes)
    file_start = nearest_sample(first, rate)
    clip_samples = nearest_sample(last, rate) - file_start
    track = _track(clip)
    begin = time.sample_at(clip_start)
    region = (begin, begin + clip_samples)
    if brace is not None and in_arrangement:
        region = _in_clip(region, brace, time, beyond_the_end, notes)
    elif beyond_the_end:
        region = (region[1], None)
        if file_start + clip_samples < clip.sample_length:
            notes.append("The sample continues after the clip's end; the takes replace that part.")
    if track.mute:
        notes.append("The track is muted.")
    return Selection(clip, track, time, clip_start, file_start, region, in_arrangement, notes)


def set_path(song):
    """Where the set lies on the disk; "" when it was never saved, None where this Live does not know."""
    return getattr(song, "file_path", None)


def meter(song):
    """The meter at the playhead, such as "4/4"."""
    return f"{song.signature_numerator}/{song.signature_denominator}"


def key(song):
    """The set's scale as the bridge writes keys, such as "F# minor"; "" when none is switched on, or it has no name.

    Live shows C Major by default; only its Scale switch says that a scale was chosen.
    """
    if not getattr(song, "scale_mode", False):
        return ""
    mode = MODES.get(song.scale_name, "")
    return f"{NOTES[int(song.root_note) % 12]} {mode}" if mode else ""


def _brace(song):
    """Start and end of the loop brace in beats, or None while it is switched off."""
    if not song.loop:
        return None
    start, length = exact(song.loop_start), exact(song.loop_length)
    if length <= 0:
        raise Refused("The loop brace is empty.", "Drag it over the bars you want, or switch Loop off.")
    return start, start + length


def _clip(song, brace):
    """The clip meant: the one in the Clip View, else the one under the brace on the selected track."""
    clip = song.view.detail_clip
    if clip is not None and clip.is_audio_clip and (brace is None or _overlaps(clip, brace)):
        return clip
    if brace is None:
        if clip is not None and clip.is_midi_clip:
            raise Refused(
                "The selected clip is a MIDI clip.", "Click an audio clip, or freeze and flatten this one."
            )
        raise Refused(
            "Nothing is selected.", "Click an audio clip; set the loop brace to use only a part of it."
        )
    track = song.view.selected_track
    under = [one for one in track.arrangement_clips if one.is_audio_clip and _overlaps(one, brace)]
    if not under:
        raise Refused(
            "There is no audio under the loop brace on the selected track.",
            "Select the track of the clip, or switch Loop off and click the clip.",
        )
    if len(under) > 1:
        raise Refused(
            f"The loop brace covers {len(under)} clips.",
            "Click one of them, or consolidate them (Edit > Consolidate).",
        )
    return under[0]


def _overlaps(clip, brace):
    if not clip.is_arrangement_clip:
        return False
    return exact(clip.start_time) < brace[1] and exact(clip.end_time) > brace[0]


def _track(clip):
    """The track a clip is on: a Session clip's parent is its slot, one in a take lane has its lane between."""
    parent = clip.canonical_parent
    while not hasattr(parent, "clip_slots"):
        parent = parent.canonical_parent
    return parent


def _check_clip(clip, notes):
    if clip.is_recording:
        raise Refused("The clip is being recorded.", "Stop recording first.")
    if not clip.file_path or not os.path.isfile(clip.file_path):
        raise Refused("The clip's sample is missing on disk.", "Use File > Manage Files > Locate.")
    ending = os.path.splitext(clip.file_path)[1].lower()
    if ending in PADDED:
        raise Refused(
            f"The clip's file is {ending[1:].upper()}: Live starts such files at another place than other decoders do, "
            "so a take would lie beside the music.",
            "Consolidate the clip (Edit > Consolidate), which makes a WAV of it.",
        )
    if clip.pitch_coarse or clip.pitch_fine:
        raise Refused(
            "The clip is transposed, so its file is not what you hear.",
            "Set Pitch to 0 st 0 ct, or freeze and flatten the track.",
        )
    if clip.muted:
        notes.append("The clip is muted.")
    if not clip.gain_display_string.lstrip("-").startswith("0.0"):
        notes.append(f"The clip's gain ({clip.gain_display_string}) applies to the takes too.")


def _stretch(clip, time):
    """Where the clip starts and ends in its file, in exact seconds. Raises Refused unless it plays at its own speed."""
    # With Loop off Live plays from loop start to loop end once; with Loop on it begins at the start marker.
    start = exact(clip.start_marker if clip.looping else clip.loop_start)
    end = exact(clip.loop_end)
    seconds = (
        _straight_line(clip, time) if clip.warping else Fraction
    )  # unwarped: the markers are seconds already
    first = seconds(start)
    last = seconds(end)
    if clip.is_arrangement_clip:
        last = first + time.seconds_at(exact(clip.end_time) - exact(clip.start_time))
        if clip.looping and last > seconds(end):
            raise Refused(
                "The clip repeats its loop, so a position in it has no single position in its file.",
                "Consolidate it (Edit > Consolidate), or switch the clip's Loop off.",
            )
    return first, min(last, Fraction(clip.sample_length, time.rate))


def _straight_line(clip, time):
    """Beats of a warped clip -> seconds of its file, where warping leaves it alone. Raises Refused where it stretches.

    What Live records is warped on one straight line at the set's tempo: it sounds as it is in the file. Live's last
    warp marker is a hidden one that only holds the tempo behind the last visible one; it must lie straight as well.
    """
    markers = [(exact(one.beat_time), exact(one.sample_time)) for one in clip.warp_markers]
    if not markers:
        raise Refused("The clip is warped, and Live does not report how.", "Switch its Warp off.")
    beat, second = markers[0]

    def seconds(beats):
        return second + time.seconds_at(beats - beat)

    for at, sounds in markers[1:]:
        if abs(sounds - seconds(at)) * time.rate > STRAIGHT:
            raise Refused(
                "The clip is warped: Live stretches its file, and scripts cannot read the result.",
                "Switch its Warp off (it then plays at its own speed), or freeze and flatten the track.",
            )
    return seconds


def _check_tempo(song, clip, time, notes):
    """Raises Refused when the tempo is automated and does not hold over the clip, as far as Live shows it."""
    parameter = song.master_track.mixer_device.song_tempo
    if int(parameter.automation_state) == NO_AUTOMATION:
        return
    if not clip.is_arrangement_clip or clip.warping:
        raise Refused(
            "The tempo of this set is automated, and scripts cannot read the automation.",
            "Switch the clip's Warp off, or delete the automation (right-click Tempo > Delete Automation).",
        )
    # An unwarped clip lasts as long as its file: beats and seconds of it together say the tempo it lies in.
    beats = exact(clip.end_time) - exact(clip.start_time)
    seconds = exact(clip.loop_end) - exact(clip.loop_start)
    if abs(time.seconds_at(beats) - seconds) * time.rate > 1:
        mean = float(beats * 60 / seconds) if seconds > 0 else 0.0
        raise Refused(
            f"The tempo changes: it is {time.tempo} BPM at the playhead and {mean:.2f} BPM on average over the "
            "clip, and scripts cannot read where.",
            "Split the clip where the tempo changes, and put the playhead in the part you want.",
        )
    notes.append(f"The tempo is automated; {time.tempo} BPM is assumed for the whole clip.")


def _in_clip(clip, brace, time, beyond_the_end, notes):
    """The brace in samples, cut to the clip unless the task goes beyond it."""
    start, end = time.sample_at(brace[0]), time.sample_at(brace[1])
    if beyond_the_end:
        return start, end
    cut = (max(start, clip[0]), min(end, clip[1]))
    if cut[0] >= cut[1]:
        raise Refused(
            "The loop brace does not overlap the clip.", "Drag it over the clip, or switch Loop off."
        )
    if cut != (start, end):
        notes.append("The loop brace extends beyond the clip; only the part inside it is used.")
    return cut

"""The project files a song or a take can be written as, and what each one cannot carry."""

from __future__ import annotations

import enum

from clip_store.exports.project import Project


class Format(enum.Enum):
    """The value is what one types; the DAWs are in docs/any-daw.md."""

    DAWPROJECT = "dawproject"  # one file for Bitwig, Studio One, Cubase and others
    RPP = "rpp"  # a folder with a REAPER project and its audio
    AAF = "aaf"  # one file for Pro Tools, Logic, Nuendo and video editors
    MIDI = "midi"  # the tempo map with meters, key and markers, for any sequencer
    WAV = "wav"  # Broadcast WAV files with time stamps, for whatever opens sound files


def limits(project: Project, kind: Format) -> tuple[str, ...]:
    """What of this very project the format has no place for, in sentences for the producer."""
    ramps = any(point.ramp for point in project.tempo_map.points[:-1])
    tempos = len(project.tempo_map.points) > 1 or len(project.tempo_map.meters) > 1
    muted = any(track.muted for track in project.tracks)
    found = {
        Format.DAWPROJECT: [
            (ramps, "Tempo ramps are written as steps, eight to the quarter note."),
            (
                tempos,
                "Clips are placed in seconds. A DAW that reads tempo changes otherwise than they are meant shows "
                "clips off its grid; compare the clip's start with the marker.",
            ),
        ],
        Format.RPP: [],
        Format.AAF: [
            (
                True,
                "AAF knows seconds and no tempo: the tempo map and the markers stay behind (export `midi` as well).",
            ),
            (
                muted,
                'AAF has no mute: the tracks of takes that are not chosen have "(mute)" in their names. '
                "Mute them before you press play.",
            ),
            (True, "Stereo is written as two mono tracks, and the sound as 24 bits at most."),
        ],
        Format.MIDI: [
            (True, "MIDI carries the tempo map, meters, key and markers, and no sound."),
            (ramps, "Tempo ramps become steps of an eighth of a quarter note."),
        ],
        Format.WAV: [
            (True, "WAV files carry their position as a time stamp, but no tempo map (also export midi)."),
            (muted, "Files cannot be muted: takes that are not chosen have their own files; leave them out."),
        ],
    }[kind]
    return tuple(text for holds, text in found if holds)

"""Whether this Live does what the script relies on: known audio on a track of its own, unwarped, in a lane, and sent.

It runs in steps, one a tick: Live shows some things only a tick later. Each check is a line of a report to paste, which
lies next to the takes; in the end the test undoes what it made, which is a check as well.
"""

import math
import os
import struct
from fractions import Fraction

from . import selection
from .bridge_link import BridgeLink
from .messages import Refused
from .placement import FOLDER, LENGTH_TOLERANCE
from .song_time import SongTime, tempo_as_text

RATE = 44100
FIRST = 4  # where the known audio begins, in beats, and how long it is
BEATS = 32
REGION = (12, 16)  # the beats that the server renders; its sketch engine wants four bars around them
PATTERN = 12  # beats after which the tones come again
SOUND = "Takebridge self-test.wav"
REPORT = "Takebridge self-test.txt"
TASK = "repaint"


class SelfTest:
    """One run, for whoever asked for it: sender, as in OscInput. `tick` is called on every tick, until it is true."""

    def __init__(self, song, application, settings, clock, sender):
        path = selection.set_path(song)
        if not path:
            raise Refused(
                "This Live Set has not been saved.", "Save it first: the test's audio goes next to it."
            )
        self.sender = sender
        self.summary = ""
        version = ".".join(
            str(getattr(application, f"get_{part}_version")()) for part in ("major", "minor", "bugfix")
        )
        self.lines = [f"Takebridge self-test, Live {version}, tempo {tempo_as_text(song.tempo)}"]
        self._song = song
        self._folder = os.path.join(os.path.dirname(path), FOLDER)
        self._time = SongTime(tempo_as_text(song.tempo), RATE)
        self._link = BridgeLink(
            settings["bridge_host"], settings["bridge_port"], settings["token"], self, clock
        )
        self._take = None
        self._ended = ""
        self._steps = self._run()

    def tick(self):
        """Goes on a step; returns whether it has ended."""
        self._link.poll()
        try:
            next(self._steps)
        except StopIteration:
            self._finish()
        except (RuntimeError, ValueError, OSError, Refused) as error:
            self._line("WRONG", f"the test ended early: {error}")
            self._finish()
        return bool(self.summary)

    def close(self):
        self._link.close()

    # The steps: a `yield` is the end of a tick.

    def _run(self):
        tracks = list(self._song.tracks)
        sound = self._write_sound()
        track, clips = self._make(sound)
        yield
        yield
        for what, clip in clips:
            self._measure(what, clip)
        yield from self._go_further(track, clips)
        yield from self._ask(sound)
        self._song.undo()
        yield
        self._song.undo()
        yield
        self._truth(
            "two Undos remove what the test made",
            list(self._song.tracks) == tracks,
            "delete its track by hand",
        )

    def _make(self, sound):
        self._song.begin_undo_step()
        try:
            track = self._song.create_audio_track(-1)
            track.name = "Takebridge self-test"
            clips = [("a clip", self._create(track, sound, FIRST))]
            if hasattr(track, "create_take_lane"):
                clips.append(("a clip in a take lane", self._create(track.create_take_lane(), sound, FIRST)))
            else:
                self._line("SKIPPED", "take lanes: scripts have none in this version of Live")
        finally:
            self._song.end_undo_step()
        return track, clips

    def _create(self, where, sound, beat):
        clip = where.create_audio_clip(sound, float(beat))
        self._line("NOTE", "a clip arrives {}".format("warped" if clip.warping else "unwarped"))
        clip.warping = False
        return clip

    def _measure(self, what, clip):
        self._truth(f"{what} starts on its beat", clip.start_time == FIRST, f"at {clip.start_time}")
        length = clip.end_time - clip.start_time
        self._truth(
            f"{what} is as long as its file", abs(length - BEATS) < LENGTH_TOLERANCE, f"{length:.4f} beats"
        )
        self._truth(f"{what} is not warped", not clip.warping, "it is")

    def _go_further(self, track, clips):
        """What `next` needs, and what must not happen: a clip made over another."""
        after = float(FIRST + BEATS + 4)
        self._song.begin_undo_step()
        try:
            if len(clips) > 1:
                copy = track.duplicate_clip_to_arrangement(clips[1][1], after)
                self._truth(
                    "a clip of a lane is copied to its beat",
                    copy.start_time == after,
                    f"at {copy.start_time}",
                )
            before = len(track.arrangement_clips)
            over = track.create_audio_clip(clips[0][1].file_path, float(FIRST + 4))
            over.warping = False
        finally:
            self._song.end_undo_step()
        yield
        cut = clips[0][1].end_time == FIRST + 4
        rest = len(track.arrangement_clips) - before - 1
        self._line("NOTE", "a clip over another {}, {} of it is left behind".format(
            "cuts it" if cut else "does not cut it", "a part" if rest > 0 else "nothing"))  # fmt: skip

    def _ask(self, sound):
        start, end = (self._time.sample_at(Fraction(beat)) for beat in REGION)
        position = self._time.sample_at(Fraction(FIRST))
        values = {"source": sound, "source_position": position, "start": start, "end": end, "rate": RATE,
                  "bpm": self._time.tempo, "meter": "4/4", "takes": 1, "seed": 1, "title": "self-test"}  # fmt: skip
        self._link.request(TASK, f"live-selftest-{os.urandom(4).hex()}", values, self)
        while not self._ended:
            yield
        if self._ended != "done":
            self._line("WRONG", f"the server renders: {self._ended}")
            return
        fits = self._take and (self._take["position"], self._take["length"]) == (start, end - start)
        self._truth("a take is where it was asked for, and as long", fits, str(self._take))

    # Replies (see BridgeLink)

    def waiting(self, pending):
        """The link tries on."""

    silent = alive = waiting

    def acknowledged(self, pending, values):
        """What counts is the end."""

    progress = acknowledged

    def take(self, pending, values):
        self._take = values

    def ended(self, pending, how, values):
        words = " ".join(str(values.get(name, "")) for name in ("sentence", "remedy")).strip()
        self._ended = how if how == "done" else (words or how)

    def no_server(self, pending):
        self._ended = "the server is not responding"

    def answered(self, name, id, values):
        """Nothing else is asked."""

    # The report

    def _line(self, mark, text):
        self.lines.append(f"{mark:7} {text}")

    def _truth(self, what, holds, found):
        self._line("OK" if holds else "WRONG", what if holds else f"{what}: {found}")

    def _finish(self):
        self._link.close()
        wrong = sum(line.startswith("WRONG") for line in self.lines)
        self.summary = "self-test: {}.".format(f"{wrong} wrong" if wrong else "all is well")
        path = os.path.join(self._folder, REPORT)
        try:
            os.makedirs(self._folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(self.lines) + "\n")
        except OSError as error:
            self.summary += f" The report is in Live's Log.txt only ({error.strerror})."
        else:
            self.summary += f" The report is in {path}"

    def _write_sound(self):
        """A mono file of 32-bit floats: a tone on each beat that dies away; returns its path."""
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, SOUND)
        frames = self._time.sample_at(Fraction(BEATS))
        beat = self._time.sample_at(Fraction(1))
        tones = [tone(number, beat) for number in range(PATTERN)]
        data = b"".join(tones * (BEATS // PATTERN + 2))[: 4 * frames]
        head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVEfmt ", 16, 3, 1, RATE, 4 * RATE, 4, 32,
                           b"data", len(data))  # fmt: skip
        with open(path, "wb") as file:
            file.write(head + data)
        return path


def tone(number, frames):
    """A beat's tone, which dies away, as the bytes of 32-bit floats; a bar's first one is louder."""
    hertz = 110 * 2 ** (number * 7 % 12 / 12)
    level = 0.3 if number % 4 else 0.5
    turn = 2 * math.pi * hertz / RATE
    fall = -6 / RATE
    return struct.pack(
        f"<{frames}f", *(level * math.exp(fall * frame) * math.sin(turn * frame) for frame in range(frames))
    )

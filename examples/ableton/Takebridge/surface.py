"""The control surface: buttons, pads and OSC messages in, status lines and clips out. Everything runs on Live's tick.

Live calls `update_display` some ten times a second on its main thread. There is no thread of ours, and nothing waits.
"""

import os
import time

import Live
from _Framework.ControlSurface import ControlSurface

from . import selection
from .asked import Asked
from .bridge_link import BridgeLink
from .messages import START_THE_SERVER, Refused
from .osc_input import PREFIX, OscInput
from .placement import ALONGSIDE, Take, into_project, place, step, wrong_length
from .selftest import SelfTest
from .settings import read_settings

TASKS = ("repaint", "complete", "accompany", "extract", "lego", "cover")
OTHERS = ("next", "compare", "cancel", "place", "status", "set", "selftest")
NOTE_ON = 0x90
# Values of a request that the script knows itself; whoever triggers it may not contradict the set.
OURS = ("id", "client", "reply_port", "token", "source", "source_position", "start", "end", "bars", "rate", "bpm",
        "meter", "tempo_map")  # fmt: skip
# Values that only some tasks know: as a usual setting they are left out of the others.
ONLY_FOR = {
    "strength": ("repaint", "complete", "accompany", "cover"), "layers": ("repaint",), "ending": ("complete",),
    "instruments": ("accompany",), "stems": ("extract", "lego"),
}  # fmt: skip
COMPLETE_LENGTH = "8 bars"
SHOW_EVERY = 0.4  # seconds between two progress messages


class Takebridge(ControlSurface):
    """Live's end of the bridge."""

    def __init__(self, c_instance, settings_file=None, clock=time.monotonic):
        ControlSurface.__init__(self, c_instance)
        self._clock = clock
        self._settings, mistakes = read_settings(*([settings_file] if settings_file else []))
        self._defaults = dict(self._settings["request"])
        self._link = BridgeLink(
            self._settings["bridge_host"], self._settings["bridge_port"], self._settings["token"], self, clock
        )
        self._osc_input = OscInput(self._settings["listen_port"], self.perform, self.log_message)
        if self._osc_input.mistake:
            mistakes.append(self._osc_input.mistake)
        self._last = None  # the Asked whose takes came last
        self._placed = None
        self._unmeasured = []  # new clips with their takes: Live knows their length on the next tick
        self._status_askers = {}
        self._test = None  # the SelfTest that runs
        self._numbers = 0
        self._run = os.urandom(3).hex()
        self._say(" ".join(mistakes) or "Takebridge is ready.")

    # Live's side

    def update_display(self):
        ControlSurface.update_display(self)
        # An error escaping from here would repeat ten times a second; it is shown once and logged in full.
        try:
            self._measure()
            self._go_on_testing()
            self._osc_input.poll()
            self._link.poll()
        except Exception as error:
            self._bug(error)

    def build_midi_map(self, midi_map_handle):
        ControlSurface.build_midi_map(self, midi_map_handle)
        channel = self._settings["midi_channel"] - 1
        for note in self._settings["notes"].values():
            Live.MidiMap.forward_midi_note(self._c_instance.handle(), midi_map_handle, channel, note)

    def receive_midi(self, midi_bytes):
        if len(midi_bytes) != 3 or midi_bytes[0] != NOTE_ON | (self._settings["midi_channel"] - 1):
            return
        if midi_bytes[2] == 0:  # velocity 0 is a note off
            return
        for action, note in self._settings["notes"].items():
            if note == midi_bytes[1]:
                self.perform(action, {}, None)

    def disconnect(self):
        for pending in self._link.pending.values():
            self.log_message(f"Live closed during job {pending.job}; its takes stay in the Takebridge store.")
        self._link.close()
        if self._test is not None:
            self._test.close()
        self._osc_input.close()
        ControlSurface.disconnect(self)

    # Commands

    def perform(self, action, values, sender):
        """One action by name, with values that override the usual ones. sender: where to answer, or None."""
        try:
            if action in TASKS:
                self._request(action, values, sender)
            elif action in OTHERS:
                getattr(self, "_" + action)(values, sender)
            else:
                known = ", ".join(TASKS + OTHERS)
                raise Refused(f"There is no {PREFIX}{action}.", f"Available: {known}.")
        except Refused as refused:
            self._say(f"{refused.sentence} {refused.remedy}")
            self._answer(sender, "failed", "sentence", refused.sentence, "remedy", refused.remedy)
        except Exception as error:  # a bug must neither stop Live's tick nor stay unseen
            self._bug(error)
            self._answer(
                sender, "failed", "sentence", "Internal error in the script.", "remedy", "See Live's Log.txt."
            )

    def _request(self, task, values, sender):
        for name in values:
            if name in OURS:
                raise Refused(f"{name} is read from the Live Set.", "Omit it; select the region in Live.")
        song = self.song()
        selected = selection.read_selection(
            song,
            in_session=self.application().view.focused_document_view == "Session",
            beyond_the_end=task == "complete",
        )
        usual = {name: given for name, given in self._defaults.items() if task in ONLY_FOR.get(name, TASKS)}
        if task == "extract":
            usual["takes"] = 1  # stems are found, not made up: a second take would be the same
        fields = {
            **usual,
            **values,
            "source": selected.path,
            "source_position": selected.source_position,
            "start": selected.start,
            "rate": selected.rate,
            "bpm": selected.time.tempo,
            "meter": selection.meter(song),
            "title": selected.clip.name or "clip",
            "track": selected.track.name,
        }
        if selected.end is None:
            fields.setdefault("length", COMPLETE_LENGTH)
        else:
            fields["end"] = selected.end
        key = selection.key(song)
        if key:
            fields.setdefault("key", key)
        self._numbers += 1
        id = f"live-{self._run}-{self._numbers}"
        asked = Asked(task, selected, selection.set_path(song), sender)
        pending = self._link.request(task, id, fields, asked)
        self._answer(sender, "asked", "id", pending.id)
        self._say(" ".join([f"Takebridge: {task} sent.", *asked.notes]))

    def _cancel(self, values, sender):
        if not self._link.pending:
            raise Refused("Nothing is being rendered.")
        pending = list(self._link.pending.values())[-1]
        self._link.cancel(pending)
        self._say(f"Takebridge: cancelling {pending.about.task}.")

    def _set(self, values, sender):
        if not values:
            raise Refused("There is nothing to set.", 'For example: /ace/set prompt "warm strings" takes 2')
        for name in values:
            if name in OURS:
                raise Refused(
                    f"{name} is read from the Live Set.", "Set prompt, takes, strength, seed, engine ..."
                )
        self._defaults.update(values)
        text = ", ".join("{} {}".format(*entry) for entry in self._defaults.items())
        self._say(f"Takebridge: every request now uses {text}.")
        self._answer(sender, "ok", "text", text)

    def _status(self, values, sender):
        self._numbers += 1
        id = f"status-{self._run}-{self._numbers}"
        self._status_askers[id] = (sender, self._clock())
        self._link.ask_status(id)
        rendering = [pending.about.task for pending in self._link.pending.values()]
        doing = ", ".join(rendering) + " rendering" if rendering else "idle"
        self._say(f"Takebridge: {doing}; querying the server.")

    def _selftest(self, values, sender):
        if self._test is not None:
            raise Refused("The self-test is running.")
        self._test = SelfTest(self.song(), self.application(), self._settings, self._clock, sender)
        self._say("Takebridge: the self-test is running.")

    def _go_on_testing(self):
        if self._test is not None and self._test.tick():
            test, self._test = self._test, None
            for line in test.lines:
                self.log_message(line)
            self._say(f"Takebridge: {test.summary}")
            self._answer(test.sender, "ok", "text", test.summary)

    def _place(self, values, sender):
        if self._last is None or not self._last.takes:
            raise Refused("There are no takes to place.", "Request some first.")
        self._put(self._last)

    def _next(self, values, sender):
        if self._placed is not None and self._placed.lane_clips:
            if self._placed.original not in list(self.song().tracks):
                raise Refused("The tracks of the takes no longer exist.", "/ace/place places them again.")
            self._say(f"Takebridge: {step(self.song(), self._placed)}.")
            return
        tracks = self._switchable()
        sounding = [number for number, track in enumerate(tracks) if not track.mute]
        following = (sounding[0] + 1) % len(tracks) if sounding else 0
        self._switch(following, tracks)

    def _compare(self, values, sender):
        tracks = self._switchable()
        original = self._placed.original
        if original is None:
            raise Refused("These takes play alongside the song.", "Mute their tracks to compare.")
        if original.mute:
            original.mute = False
            for track in tracks:
                track.mute = True
            self._say("Takebridge: original.")
        else:
            self._switch(0, tracks)

    def _switchable(self):
        if self._placed is None:
            raise Refused("No takes have been placed yet.", "Request some first.")
        if not self._placed.take_tracks:
            raise Refused(
                "None of these takes plays on a track of its own.",
                "Press next for takes in lanes; launch those in Session slots with the mouse.",
            )
        living = list(self.song().tracks)
        tracks = [track for track in self._placed.take_tracks if track in living]
        if not tracks or self._placed.original not in [None, *living]:
            raise Refused("The tracks of the takes no longer exist.", "/ace/place places them again.")
        return tracks

    def _switch(self, number, tracks):
        if self._placed.original is not None:
            self._placed.original.mute = True
        for other, track in enumerate(tracks):
            track.mute = other != number
        self._say(f"Takebridge: {tracks[number].name}.")

    def _measure(self):
        """Whether the clips of the last tick are as long as their takes."""
        wrong = [wrong_length(clip, take) for clip, take in self._unmeasured]
        self._unmeasured = []
        for text in filter(None, wrong):
            self._say(f"Takebridge: {text}")

    # Replies (see BridgeLink)

    def acknowledged(self, pending, values):
        self._say("Takebridge: {} queued. {}".format(pending.about.task, values.get("note", "")))

    def progress(self, pending, values):
        asked = pending.about
        self._answer(
            asked.sender,
            "progress",
            "fraction",
            values.get("fraction", 0.0),
            "stage",
            values.get("stage", ""),
        )
        now = self._clock()
        if now - asked.shown >= SHOW_EVERY:
            asked.shown = now
            left = values.get("seconds_left")
            left = f", {left:.0f} s left" if left else ""
            percent = 100 * values.get("fraction", 0.0)
            self._say(f"Takebridge: {asked.task} {percent:.0f}% {values.get('stage', '')}{left}", log=False)

    def take(self, pending, values):
        asked = pending.about
        if not values.get("path"):
            asked.notes.append("Take {} has a path too long for OSC.".format(values.get("number")))
            return
        if not values.get("passed"):
            asked.notes.append(
                "Take {}: {}".format(values.get("number"), values.get("warning", "its receipt has a warning"))
            )
        selected = asked.selected
        if values["rate"] != selected.rate or values["position"] != selected.start:
            asked.notes.append(
                "Take {} does not match the selection and was not placed.".format(values.get("number"))
            )
            return
        stem = values.get("stem", "mix")
        name = " ".join(
            part
            for part in (asked.task.capitalize(), str(values["number"]), "" if stem == "mix" else stem)
            if part
        )
        path = values["path"]
        if self._settings["copy_into_project"] and asked.set_path:
            try:
                path = into_project(path, "{} {}".format(selected.clip.name or "clip", name), asked.set_path)
            except OSError as error:
                asked.notes.append(
                    f"The take stays in the Takebridge store: copying it failed ({error.strerror})."
                )
        beats = float(selected.beats_of(values["position"]))
        gain = None if asked.task in ALONGSIDE else selected.clip.gain
        length = float(selected.beats_of(values["position"] + values["length"])) - beats
        asked.takes.append(Take(path, name, beats, length, gain, stem, values["number"]))

    def ended(self, pending, how, values):
        asked = pending.about
        if how == "done":
            self._last = asked
            self._put_or_say(asked)
        elif how == "cancelled":
            self._say(f"Takebridge: {asked.task} cancelled. Nothing was changed.")
            self._answer(asked.sender, "cancelled")
        else:
            sentence = values.get("sentence", "No reason was given.")
            remedy = values.get("remedy", "")
            if values.get("code") == "outside_roots":
                remedy = (
                    f'Start the server with: takebridge serve --root "{os.path.dirname(asked.selected.path)}"'
                )
            self._say(f"Takebridge: {asked.task} failed. {sentence} {remedy}")
            self._answer(asked.sender, "failed", "sentence", sentence, "remedy", remedy)

    def waiting(self, pending):
        self._say("Takebridge: no reply from the server yet; still trying. Is it running?")

    def no_server(self, pending):
        sentence = "The server is not responding."
        self._say(f"Takebridge: {sentence} {START_THE_SERVER}")
        self._answer(pending.about.sender, "failed", "sentence", sentence, "remedy", START_THE_SERVER)

    def silent(self, pending):
        self._say(
            f"Takebridge: the server has stopped. Start it again (takebridge serve) to resume the "
            f"{pending.about.task}. /ace/cancel or the cancel pad drops it."
        )

    def alive(self, pending):
        self._say(f"Takebridge: the server is back; resuming the {pending.about.task}.")

    def answered(self, name, id, values):
        sender, _ = self._status_askers.pop(id, (None, None))
        if id.startswith("status-"):
            text = values.get("text") or values.get("sentence", "")
            self._say(f"Takebridge: {text}")
            self._answer(sender, "ok", "text", text)
        elif name == "failed":  # a cancel the bridge does not know, for instance
            self._say("Takebridge: {} {}".format(values.get("sentence", ""), values.get("remedy", "")))

    # Placing

    def _put_or_say(self, asked):
        try:
            self._put(asked)
        except Refused as refused:
            self._say(f"Takebridge: {refused.sentence} {refused.remedy}")
            self._answer(asked.sender, "failed", "sentence", refused.sentence, "remedy", refused.remedy)

    def _put(self, asked):
        song = self.song()
        selected = asked.selected
        if not asked.takes:
            raise Refused("No take can be placed.", " ".join(asked.notes))
        if selection.set_path(song) != asked.set_path:
            raise Refused("Another Live Set is open now.", "Open the original set, then send /ace/place.")
        if selected.track not in list(song.tracks):
            raise Refused("The clip's track no longer exists.", "The takes are in the Takebridge store.")
        tempo = selection.tempo_as_text(song.tempo)
        if tempo != selected.time.tempo:
            raise Refused(
                f"The takes were made at {selected.time.tempo} BPM, but the tempo is now {tempo}.",
                "Set the tempo (or the playhead) back, then send /ace/place.",
            )
        takes = sorted(asked.takes, key=lambda take: take.number)
        self._placed = place(
            song, asked.task, selected.track, takes, selected.in_arrangement, self._settings["place"]
        )
        self._unmeasured = list(self._placed.clips)
        text = f"{len(takes)} {'take' if len(takes) == 1 else 'takes'} {self._placed.how}."
        self._say(" ".join([f"Takebridge: {asked.task} done,", text, *asked.notes]))
        self._answer(asked.sender, "done", "takes", len(takes), "text", " ".join([text, *asked.notes]))

    def _answer(self, sender, name, *arguments):
        self._osc_input.answer(sender, name, *arguments)

    def _say(self, text, log=True):
        text = " ".join(text.split())
        self.show_message(text)
        if log:
            self.log_message(text)

    def _bug(self, error):
        import traceback

        self.log_message(traceback.format_exc())
        self.show_message(f"Takebridge: internal error ({type(error).__name__}); see Live's Log.txt.")

// Takebridge for Bitwig Studio 5.2 and newer: requests takes of the arranger loop and puts them into free
// launcher slots of the selected track. Copy this file to Bitwig's Controller Scripts folder; README.md says how.
//
// Plain ES5, because Bitwig has changed its JavaScript engine before. Every value goes out as text, because a
// JavaScript number becomes now an int and now a double on its way through Java, and the bridge reads texts anyway.

loadAPI(19); // the first that knows whether the tempo is automated; Bitwig refuses calls newer than what is asked for here
host.setShouldFailOnDeprecatedUse(true);
host.defineController("Takebridge", "Takebridge", "0.1", "5b2f9c1e-7d44-4b0a-9a53-2f6c8de41b07", "The Takebridge developers");
host.defineMidiPorts(0, 0);

// The ports of the server and of this script. Change them here if they are in use.
var BRIDGE_PORT = 9124;
var OWN_PORT = 9129;

var CLIENT = "bitwig";
var SLOTS = 32; // launcher slots of the selected track that are checked
var TICK = 200; // milliseconds
// Milliseconds, the same in every script of Takebridge. A machine that renders with all cores may take seconds over a
// reply: a request is sent again after 1, 3 and 7 seconds, and given up after 15.
var WAITS = [1000, 2000, 4000, 8000];
var SHOWN_FROM = 3; // from this attempt on we show that there is no reply yet: after 3 seconds
var SILENCE = 4000; // milliseconds without news of a running job
var REMIND_AFTER = 15000;
var SHOW_EVERY = 400;
var INSERT_TRIES = 25; // ticks until a slot must have taken its file
// A clip may be off by so many beats before we say that it was stretched; Bitwig keeps lengths as floats.
var SAME_LENGTH = 0.01;
var START_THE_SERVER = "Start it in a terminal: takebridge serve --root FOLDER (the folder with your song).";

var transport, tempo, track, slots, clip, bridge;
var songFile, songStart, prompt, takeCount, strength;
var asked = null; // the request under way
var last = null; // the last one that came back with takes
var counter = 0;
var run = String(Math.floor(Math.random() * 1e9));

function init() {
   transport = host.createTransport();
   tempo = transport.tempo();
   tempo.value().markInterested();
   tempo.hasAutomation().markInterested();
   transport.timeSignature().numerator().markInterested();
   transport.timeSignature().denominator().markInterested();
   transport.isArrangerLoopEnabled().markInterested();
   transport.arrangerLoopStart().markInterested();
   transport.arrangerLoopDuration().markInterested();

   track = host.createCursorTrack("takebridge", "Takebridge", 0, SLOTS, true);
   track.exists().markInterested();
   track.name().markInterested();
   track.trackType().markInterested();
   track.mute().markInterested();
   var bank = track.clipLauncherSlotBank();
   slots = [];
   for (var n = 0; n < SLOTS; n++) {
      var slot = bank.getItemAt(n);
      slot.exists().markInterested();
      slot.hasContent().markInterested();
      slots.push(slot);
   }
   clip = host.createLauncherCursorClip(1, 1);
   clip.exists().markInterested();
   clip.getLoopLength().markInterested();

   // In the Studio I/O panel, kept with the project.
   var state = host.getDocumentState();
   songFile = state.getStringSetting("Song file", "Song", 255, "");
   songFile.markInterested();
   songStart = state.getNumberSetting("File starts at bar", "Song", 1, 999, 1, "", 1);
   songStart.markInterested();
   prompt = state.getStringSetting("Prompt", "Takes", 200, "");
   prompt.markInterested();
   takeCount = state.getNumberSetting("Takes", "Takes", 1, 8, 1, "", 3);
   takeCount.markInterested();
   strength = state.getNumberSetting("Strength", "Takes", 0, 1, 0.05, "", 0.5);
   strength.markInterested();
   button(state, "Repaint the loop", "Repaint", "repaint");
   button(state, "Continue into the loop", "Continue", "complete");
   button(state, "Accompany the loop", "Accompany", "accompany");
   button(state, "Split the loop into stems", "Extract", "extract");
   button(state, "Cancel the render", "Cancel", "cancel");
   button(state, "Insert the last takes again", "Insert", "place");
   button(state, "Prove that all this works here", "Self-test", "selftest");

   var osc = host.getOscModule();
   var space = osc.createAddressSpace();
   space.setName("Takebridge");
   space.registerDefaultMethod(function (source, message) {
      guarded(function () { receive(message); });
   });
   osc.createUdpServer(space).start(OWN_PORT);
   bridge = osc.connectToUdpServer("127.0.0.1", BRIDGE_PORT, osc.createAddressSpace());
   host.scheduleTask(tick, TICK);
   say("Takebridge is ready.");
}

function flush() {}

function exit() {
   if (asked !== null) {
      println("Bitwig closed during job " + asked.job + "; its takes stay in the Takebridge store.");
   }
}

function button(state, label, action, command) {
   state.getSignalSetting(label, "Request", action).addSignalObserver(function () {
      guarded(function () { perform(command); });
   });
}

// Commands

function perform(command) {
   if (command === "cancel") {
      cancel();
   } else if (command === "place") {
      if (last === null) {
         throw refused("There are no takes to insert.", "Request some first.");
      }
      place(last);
   } else if (command === "selftest") {
      request("repaint", 1);
      asked.report = [];
   } else if (command === "repaint" || command === "complete" || command === "accompany" || command === "extract") {
      request(command);
   } else {
      throw refused("There is no /ace/" + command + ".", "Available: repaint, complete, accompany, extract, cancel, place, selftest.");
   }
}

// count: how many takes, for those who do not want what is set in the panel.
function request(task, count) {
   if (asked !== null) {
      throw refused("A request is already running.", "Wait for it, or press Cancel.");
   }
   var where = selection();
   counter += 1;
   asked = {
      id: "bitwig-" + run + "-" + counter, task: task, job: "", takes: [], notes: where.notes, where: where,
      trackName: track.name().get(), acknowledged: false, silent: false, attempts: 1,
      replied: now(), sent: now(), reminded: 0, shown: 0
   };
   // Stems are found, not made up: a second take would be the same.
   asked.count = count || (task === "extract" ? 1 : Math.round(takeCount.getRaw()));
   asked.prompt = prompt.get();
   asked.strength = decimal(strength.getRaw());
   send(asked);
   say(["Takebridge: " + task + " sent."].concat(where.notes).join(" "));
}

// The arranger loop, tempo and meter, and the file they are about. Throws what a producer can act on.
function selection() {
   var file = songFile.get().replace(/^\s+|\s+$/g, "");
   if (file === "") {
      throw refused("No song file is set. (Scripts cannot read which file a clip plays, nor whether it is stretched or muted.)",
         "Export the song or the track as WAV, as you hear it, and enter its path in Song file (Studio I/O panel).");
   }
   if (!transport.isArrangerLoopEnabled().get()) {
      throw refused("The arranger loop is off.", "Switch it on and drag it over the bars you want.");
   }
   var start = transport.arrangerLoopStart().get();
   var length = transport.arrangerLoopDuration().get();
   if (!(length > 0)) {
      throw refused("The arranger loop is empty.", "Drag it over the bars you want.");
   }
   if (tempo.hasAutomation().get()) {
      throw refused("The tempo is automated, and scripts can read only the current tempo.",
         "Export the project as MIDI and use: takebridge repaint SONG --tempo-map MAP.mid, then a .dawproject.");
   }
   if (!track.exists().get()) {
      throw refused("No track is selected.", "Select the audio track for the takes.");
   }
   var type = track.trackType().get();
   if (type !== "Audio" && type !== "Hybrid") {
      throw refused("The selected track is not an audio track (its type is " + type + ").", "Select an audio track.");
   }
   var numerator = transport.timeSignature().numerator().get();
   var denominator = transport.timeSignature().denominator().get();
   var barLength = numerator * 4 / denominator;
   return {
      file: file,
      fileStart: decimal((songStart.getRaw() - 1) * barLength) + "b",
      start: decimal(start) + "b",
      end: decimal(start + length) + "b",
      bpm: decimal(tempo.value().getRaw()),
      meter: numerator + "/" + denominator,
      bar: barName(start, barLength),
      notes: track.mute().get() ? ["The track is muted."] : []
   };
}

function cancel() {
   if (asked === null) {
      throw refused("Nothing is being rendered.", "");
   }
   bridge.sendMessage("/bridge/cancel", asked.job || asked.id, "client", CLIENT, "reply_port", String(OWN_PORT));
   say("Takebridge: cancelling " + asked.task + ".");
}

// A request as it stands; sent again, the bridge answers it from memory and does nothing twice. The values are
// written out one by one: a list cannot be handed to a Java method that takes any number of them.
function send(one) {
   var at = one.where;
   if (one.task === "extract") {
      bridge.sendMessage("/bridge/extract", one.id, "client", CLIENT, "reply_port", String(OWN_PORT), "source", at.file,
         "source_position", at.fileStart, "start", at.start, "end", at.end, "bpm", at.bpm, "meter", at.meter,
         "track", one.trackName, "prompt", one.prompt, "takes", String(one.count));
   } else {
      bridge.sendMessage("/bridge/" + one.task, one.id, "client", CLIENT, "reply_port", String(OWN_PORT), "source",
         at.file, "source_position", at.fileStart, "start", at.start, "end", at.end, "bpm", at.bpm, "meter", at.meter,
         "track", one.trackName, "prompt", one.prompt, "takes", String(one.count), "strength", one.strength);
   }
}

// Replies

function receive(message) {
   var address = String(message.getAddressPattern());
   if (address.indexOf("/ace/") === 0) {
      // A button of a surface sends 1 when it is pressed and 0 when it is let go.
      var words = argumentsOf(message);
      if (words.length !== 1 || words[0]) {
         perform(address.substring(5));
      }
      return;
   }
   var values = argumentsOf(message);
   if (address.indexOf("/bridge/") !== 0 || asked === null || values[0] !== asked.id) {
      return; // about something older
   }
   var reply = {};
   for (var n = 1; n + 1 < values.length; n += 2) {
      reply[values[n]] = values[n + 1];
   }
   asked.replied = now();
   asked.attempts = 0;
   if (asked.silent) {
      asked.silent = false;
      say("Takebridge: the server is back; resuming the " + asked.task + ".");
   }
   understand(address.substring(8), reply);
}

function understand(name, reply) {
   var one = asked;
   if (name === "ack") {
      one.job = reply.job || "";
      if (!one.acknowledged) {
         one.acknowledged = true;
         check(one, true, "the server answers", now() - one.sent + " ms after it was asked");
         say("Takebridge: " + one.task + " queued.");
      }
   } else if (name === "progress") {
      if (now() - one.shown >= SHOW_EVERY) {
         one.shown = now();
         host.showPopupNotification("Takebridge: " + one.task + " " + Math.round(100 * reply.fraction) + "% " + reply.stage);
      }
   } else if (name === "take") {
      take(one, reply);
   } else if (name === "done") {
      if (one.takes.length < reply.takes) {
         send(one); // a take's datagram was lost: the server sends all of them again
         return;
      }
      asked = null;
      last = one;
      place(one);
   } else if (name === "cancelled") {
      asked = null;
      say("Takebridge: " + one.task + " cancelled. Nothing was changed.");
   } else if (name === "failed") {
      asked = null;
      var remedy = reply.remedy || "";
      if (reply.code === "outside_roots") {
         remedy = 'Start the server with: takebridge serve --root "' + folderOf(one.where.file) + '"';
      }
      say("Takebridge: " + one.task + " failed. " + (reply.sentence || "No reason was given.") + " " + remedy);
   }
}

function take(one, reply) {
   for (var n = 0; n < one.takes.length; n++) {
      if (one.takes[n].id === reply.take) {
         return; // sent again after a repeated request
      }
   }
   if (!reply.passed) {
      one.notes.push("Take " + reply.number + ": " + (reply.warning || "its receipt has a warning") + ".");
   }
   var stem = reply.stem === "mix" ? "" : " " + reply.stem;
   one.takes.push({
      id: reply.take, path: reply.path || "", beats: reply.length / reply.rate * Number(one.where.bpm) / 60,
      name: one.task.charAt(0).toUpperCase() + one.task.slice(1) + " " + reply.number + stem + " @ bar " + one.where.bar
   });
}

// Into launcher slots, one after the other: Bitwig does what it is asked a moment later, and says nothing when it
// does not do it at all, so each slot is looked at until it has content.

function place(one) {
   if (one.takes.length === 0) {
      throw refused("The server returned no takes.", one.notes.join(" "));
   }
   if (track.name().get() !== one.trackName) {
      throw refused("The takes are ready, but another track is selected now.",
         "Select " + one.trackName + " and press Insert.");
   }
   var free = [];
   for (var n = 0; n < slots.length; n++) {
      if (slots[n].exists().get() && !slots[n].hasContent().get()) {
         free.push(slots[n]);
      }
   }
   if (free.length < one.takes.length) {
      throw refused("There are " + one.takes.length + " takes but only " + free.length + " free slots on " + one.trackName + ".",
         "Add scenes and press Insert.");
   }
   insertNext(one, free, 0, []);
}

function insertNext(one, free, number, stretched) {
   if (number === one.takes.length) {
      conclude(one);
      var words = ["Takebridge: " + one.task + " done, " + number + (number === 1 ? " take" : " takes") + " in launcher slots of " +
         one.trackName + ". Drag one to bar " + one.where.bar + " of the arranger."].concat(one.notes);
      // Bitwig plays inserted files from where they lie, and does not show scripts where the project lies.
      words.push("When you save the project, use File > Collect and Save to copy their files into it.");
      if (stretched.length > 0) {
         words.push("Bitwig stretched " + stretched.join(", ") + ": set Mode to Raw in the Inspector before dragging.");
      }
      say(words.join(" "));
      return;
   }
   var slot = free[number];
   var what = one.takes[number];
   var began = now();
   slot.replaceInsertionPoint().insertFile(what.path);
   waitFor(function () { return slot.hasContent().get(); }, function () {
      check(one, true, "a slot shows an inserted file", now() - began + " ms later");
      began = now();
      slot.select();
      waitFor(function () { return clip.exists().get() && clip.getLoopLength().get() > 0; }, function () {
         clip.setName(what.name);
         check(one, true, "the cursor clip follows a selected slot", now() - began + " ms later");
         check(one, Math.abs(clip.getLoopLength().get() - what.beats) <= SAME_LENGTH, "an inserted file is not stretched",
            decimal(clip.getLoopLength().get()) + " beats, the file has " + decimal(what.beats));
         if (Math.abs(clip.getLoopLength().get() - what.beats) > SAME_LENGTH) {
            stretched.push(what.name);
         }
         insertNext(one, free, number + 1, stretched);
      }, function () {
         check(one, false, "the cursor clip follows a selected slot", "not within " + INSERT_TRIES * TICK + " ms");
         insertNext(one, free, number + 1, stretched); // there, but without its name
      }, INSERT_TRIES);
   }, function () {
      check(one, false, "a slot shows an inserted file", "not within " + INSERT_TRIES * TICK + " ms");
      conclude(one);
      say("Takebridge: Bitwig did not insert " + what.path + " into the slot. Drag it in from the file browser.");
   }, INSERT_TRIES);
}

function waitFor(condition, then, otherwise, tries) {
   host.scheduleTask(function () {
      guarded(function () {
         if (condition()) {
            then();
         } else if (tries > 1) {
            waitFor(condition, then, otherwise, tries - 1);
         } else {
            otherwise();
         }
      });
   }, TICK);
}

// The self-test: a request like any other whose steps are written down

function check(one, holds, what, found) {
   if (one.report) {
      one.report.push((holds ? "OK      " : "WRONG   ") + what + ": " + found);
   }
}

// Prints the report, line by line, so that it can be copied from the console.
function conclude(one) {
   if (!one.report) {
      return;
   }
   var wrong = 0;
   println("Takebridge self-test, Bitwig Studio " + host.getHostVersion() + ", API " + host.getHostApiVersion());
   for (var n = 0; n < one.report.length; n++) {
      println(one.report[n]);
      wrong += one.report[n].indexOf("WRONG") === 0 ? 1 : 0;
   }
   println("NOTE    loop from beat " + one.where.start + " to " + one.where.end + " at " + one.where.bpm + " BPM in " + one.where.meter);
   host.showPopupNotification("Takebridge self-test: " + (wrong === 0 ? "everything is OK." : wrong + " WRONG.") +
      " The report is in the Control Surface Console (View menu). Delete the clip it made.");
}

// Silence: a datagram may get lost, and the bridge may die

function tick() {
   guarded(actOnSilence);
   host.scheduleTask(tick, TICK);
}

function actOnSilence() {
   var one = asked;
   if (one === null) {
      return;
   }
   var wait = one.attempts > 0 ? WAITS[Math.min(one.attempts, WAITS.length) - 1] : SILENCE;
   if (now() - Math.max(one.replied, one.sent) < wait) {
      return;
   }
   if (one.attempts >= WAITS.length) {
      if (!one.acknowledged) {
         asked = null;
         say("Takebridge: the server is not responding. " + START_THE_SERVER);
         return;
      }
      remind(one);
   }
   one.attempts += 1;
   one.sent = now();
   send(one);
   if (one.attempts === SHOWN_FROM && !one.acknowledged) {
      say("Takebridge: no reply from the server yet; still trying. Is it running?");
   }
}

// Shows that the server has gone, at once and then now and again: a notification soon disappears.
function remind(one) {
   if (!one.silent || now() - one.reminded > REMIND_AFTER) {
      one.silent = true;
      one.reminded = now();
      say("Takebridge: the server has stopped. Start it again (takebridge serve) to resume the " + one.task + ".");
   }
}

// Small things

// The values of an OSC message, by its type tags: Bitwig hands them out through Java.
function argumentsOf(message) {
   var tags = String(message.getTypeTag()).replace(",", "");
   var values = [];
   for (var n = 0; n < tags.length; n++) {
      var tag = tags.charAt(n);
      if (tag === "s") { values.push(String(message.getString(n))); }
      else if (tag === "i") { values.push(Number(message.getInt(n))); }
      else if (tag === "h") { values.push(Number(message.getLong(n))); }
      else if (tag === "f") { values.push(Number(message.getFloat(n))); }
      else if (tag === "d") { values.push(Number(message.getDouble(n))); }
      else if (tag === "T" || tag === "F") { values.push(tag === "T"); }
      else { values.push(null); }
   }
   return values;
}

// A number as the bridge reads it: never 1e-7, and 120 rather than 120.000000000.
function decimal(number) {
   return number.toFixed(9).replace(/\.?0+$/, "");
}

// "17" on the bar line, "17.3" on its third beat, as Bitwig writes positions.
function barName(beats, barLength) {
   var bar = Math.floor(beats / barLength + 1e-9);
   var beat = beats - bar * barLength;
   return String(bar + 1) + (beat > 1e-6 ? "." + decimal(Math.round((beat + 1) * 1000) / 1000) : "");
}

function folderOf(path) {
   return path.replace(/[\\\/][^\\\/]*$/, "");
}

function refused(sentence, remedy) {
   return { refused: true, text: (sentence + " " + remedy).replace(/\s+$/, "") };
}

function guarded(work) {
   try {
      work();
   } catch (error) {
      if (error.refused) {
         say("Takebridge: " + error.text);
      } else {
         // A bug ends this one thing, never the script.
         host.errorln("Takebridge: " + error + (error.stack ? "\n" + error.stack : ""));
         host.showPopupNotification("Takebridge: internal error; see the Control Surface Console.");
      }
   }
}

function now() {
   return new Date().getTime();
}

function say(text) {
   println(text);
   host.showPopupNotification(text);
}

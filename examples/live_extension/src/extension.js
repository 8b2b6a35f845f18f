"use strict";

/** The extension's door: Live calls `activate` once, and a command whenever the producer picks it in a context menu. */

const { NAMES, askHeight, askPage, messagePage, reportPage, settingsPage } = require("./dialogs.js");
const { Live } = require("./live.js");
const { Cancelled, Refused } = require("./refused.js");
const { key, meter, readSelection, tempo } = require("./selection.js");
const { SelfTest } = require("./selftest.js");
const { Server } = require("./server.js");
const { Settings } = require("./settings.js");
const { TaskRun } = require("./task.js");

const ARRANGEMENT = "AudioTrack.ArrangementSelection";
const TRACK = "AudioTrack";

class Takebridge {
  constructor(activation) {
    this.live = new Live(activation);
    this.last = Promise.resolve();
  }

  register() {
    for (const task of Object.keys(NAMES)) {
      this.offer(`${NAMES[task]}...`, `takebridge.${task}`, [ARRANGEMENT], (argument) => this.render(task, argument));
    }
    this.offer("Settings...", "takebridge.settings", [ARRANGEMENT, TRACK], () => this.changeSettings());
    this.offer("Self-test...", "takebridge.selftest", [ARRANGEMENT, TRACK], () => this.test());
  }

  /** One command after the other: Live has one window of each kind. */
  offer(title, id, scopes, action) {
    this.live.commands.registerCommand(id, (argument) => {
      this.last = this.last.then(() => this.guarded(() => action(argument)));
    });
    for (const scope of scopes) this.live.ui.registerContextMenuAction(scope, `Takebridge: ${title}`, id, () => {});
  }

  /** Runs a command; whatever goes wrong is said in a window, and never ends the host, which other extensions share. */
  async guarded(action) {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Cancelled)) await this.complain(error);
    }
  }

  async complain(error) {
    if (!(error instanceof Refused)) console.error("[takebridge]", error?.stack ?? error);
    const lines =
      error instanceof Refused
        ? [error.sentence, error.remedy].filter(Boolean)
        : [`Internal error in the extension (${error?.message ?? error}).`, "Live's file ExtensionHost.txt says more."];
    try {
      await this.live.dialog(messagePage("Takebridge", lines), 440, 200);
    } catch (problem) {
      console.error("[takebridge]", lines.join(" "), problem);
    }
  }

  async render(task, argument) {
    const { live } = this;
    const selection = readSelection(live, argument);
    const settings = await Settings.open(live.environment.storageDirectory);
    const server = new Server(settings.values.address, settings.values.token);
    await server.call("status", {});
    const bpm = tempo(live);
    const found = { bpm, key: key(live), meter: settings.values.meter || meter(live) || "4/4" };
    const facts = factsOf(selection, found);
    const several = selection.tracks.length > 1;
    const page = askPage(task, settings.values, facts, several);
    const answer = answerOf(await live.dialog(page, 460, askHeight(task, several, selection.notes.length)));
    if (!answer) return;
    await settings.change(answer);
    const values = { ...settings.values, meter: found.meter };
    const made = await live.withProgress(`Takebridge: ${NAMES[task]}`, (show, abort) =>
      new TaskRun({ live, server, task, selection, values, bpm, key: found.key, show, abort }).run(),
    );
    if (settings.values.summary || made.notes.length) {
      await live.dialog(messagePage(`Takebridge: ${NAMES[task]}`, summary(made)), 440, 220 + 20 * made.notes.length);
    }
  }

  async changeSettings() {
    const settings = await Settings.open(this.live.environment.storageDirectory);
    const answer = answerOf(await this.live.dialog(settingsPage(settings.values, meter(this.live)), 520, 340));
    if (answer) await settings.change(answer);
  }

  async test() {
    const settings = await Settings.open(this.live.environment.storageDirectory);
    const test = new SelfTest(this.live, settings);
    const text = await this.live.withProgress("Takebridge: Self-test", (show, abort) => test.run(show, abort));
    const where = "Copy this and paste it into your report. What the test made in the set, it has removed again.";
    await this.live.dialog(reportPage("Takebridge: Self-test", text, where), 640, 480);
  }
}

/** What a dialog sent; null when it was closed. */
function answerOf(content) {
  try {
    const answer = JSON.parse(content);
    return answer?.ok ? answer.values : null;
  } catch {
    return null;
  }
}

/** The line that says what was read from the set. */
function factsOf(selection, { bpm, key: scale, meter: signature }) {
  const beats = selection.end - selection.start;
  const names = selection.tracks.map((track) => track.name).join(", ");
  const parts = [`${names}: ${Number(beats.toFixed(3))} beats at ${bpm} BPM`, signature, scale].filter(Boolean);
  return [`${parts.join(", ")}.`, ...selection.notes].join(" ");
}

/** What came of a render, in sentences. */
function summary({ count, inLanes, steps, notes }) {
  const takes = count === 1 ? "1 take is" : `${count} takes are`;
  const where = inLanes
    ? `${takes} in take lanes. To see them: right-click the track header > Show Take Lanes.`
    : `${takes} on new tracks, in place. Those that would double what already plays are muted.`;
  const again = steps > 1 ? `; Undo again removes the new ${inLanes ? "lanes" : "tracks"}` : "";
  return [`${where} Undo removes the takes${again}.`, ...notes];
}

/** Called by Live. */
function activate(activation) {
  new Takebridge(activation).register();
  console.log(`[takebridge] ready, host API ${activation.hostApiVersion}`);
}

module.exports = { activate };

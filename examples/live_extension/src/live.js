"use strict";

/**
 * Live, as the Extension Host shows it: the calls of its API 1.0.0, with promises where it has callbacks.
 *
 * Objects are handles; they are asked for again rather than kept, since deleting, moving or undoing invalidates them.
 * Everything that changes the set happens in `transaction`: one of them is one step in Live's undo history. What a
 * transaction creates can be used only after it, so what is created and filled takes two.
 */

const { Refused } = require("./refused.js");

/** How long Live may take to close a progress window, in milliseconds; nothing is waited for after that. */
const CLOSING = 2000;

class Live {
  constructor(activation) {
    const host = activation.initializeExtensionHost({ apiVersion: "1.0.0" });
    this.commands = host.commands;
    this.model = host.dataModel;
    this.environment = host.environment;
    this.resources = host.resources;
    this.ui = host.ui;
  }

  get song() {
    return this.model.rootGetSong(this.model.getRoot());
  }

  is(handle, className) {
    return this.model.getObjectIsOfClass(handle, className);
  }

  /** One step in the undo history. work is synchronous; what it returns is returned. */
  transaction(work) {
    return this.model.withinTransaction(work);
  }

  /** A promise of what a call of the model creates. Call it inside `transaction`. Rejects with Refused. */
  create(method, ...given) {
    return this.answered(`Live refused ${DOING[method] ?? method}.`, (resolve, reject) =>
      this.model[method](...given, resolve, reject),
    );
  }

  /** A track's audio between two beats, before its effects; the promise is of the path of a WAV file. */
  render(track, start, end) {
    const sentence = `Live could not render the track ${this.model.trackGetName(track)}.`;
    return this.answered(
      sentence,
      (resolve, reject) => this.resources.renderPreFxAudio(track, { startTime: start, endTime: end }, resolve, reject),
      "Live renders audio tracks that are no groups. If this is one: quit Live, start it again and try once more.",
    );
  }

  /** Copies a file into the set's project; the promise is of the copy's path. */
  importFile(path) {
    return this.answered("Live could not copy a take into the project.", (resolve, reject) =>
      this.resources.importIntoProject(path, resolve, reject),
    );
  }

  /** A window with a page; the promise is of what the page sends, or of null when it was closed. */
  dialog(html, width, height) {
    const url = `data:text/html;charset=utf-8,${encodeURIComponent(html)}`;
    return new Promise((resolve) =>
      this.ui.showModalDialog(url, width, height, (content) => resolve(content || null), () => resolve(null)),
    );
  }

  /**
   * Live's progress window while work runs. work gets (show, abort): show(text, percent), and abort, whose `aborted`
   * is true once the producer pressed Cancel; `abort.when(f)` calls f at that moment.
   */
  async withProgress(text, work) {
    const abort = new Abort();
    const window = await new Promise((resolve) =>
      this.ui.showProgressDialog({ text, progress: 0 }, resolve, () => abort.now()),
    );
    const show = (words, percent) => {
      if (!abort.aborted) window.update({ text: words, progress: Math.max(0, Math.min(100, percent)) });
    };
    try {
      return await work(show, abort);
    } finally {
      // A window that never says that it has closed must not keep what comes after it.
      await Promise.race([new Promise((resolve) => window.close(resolve)), pause(CLOSING)]);
    }
  }

  /** A promise of a call with two callbacks. Live gives no reason at all, a text or an Error; it is kept. */
  answered(sentence, call, remedy = "") {
    return new Promise((resolve, reject) => {
      const refuse = (reason) => {
        const words = reason instanceof Error ? reason.message : reason;
        reject(new Refused(words ? `${sentence.replace(/\.$/, "")}: ${words}` : sentence, remedy));
      };
      try {
        call(resolve, refuse);
      } catch (error) {
        refuse(error);
      }
    });
  }
}

/** What is refused, in words, when a call of the model fails. */
const DOING = {
  songCreateAudioTrack: "to make a track",
  songDeleteTrack: "to delete the test's track",
  takelaneCreateAudioClip: "to put a take into its lane",
  trackCreateAudioClip: "to put a take onto its track",
  trackCreateTakeLane: "to make a take lane",
};

/** Whether the producer has cancelled, and who wants to know. */
class Abort {
  constructor() {
    this.aborted = false;
    this.waiting = [];
  }

  now() {
    this.aborted = true;
    for (const action of this.waiting.splice(0)) action();
  }

  when(action) {
    if (this.aborted) action();
    else this.waiting.push(action);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

module.exports = { Abort, Live, pause };

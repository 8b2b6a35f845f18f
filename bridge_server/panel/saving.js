/** "Save the song" and "All stems": has the server write a file, and hands it to the browser. */

import { byId, setText } from "./dom.js";
import { counted } from "./words.js";

export class Saving {
  constructor(store, bridge, notices) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.button = byId("save-song");
    this.label = this.button.querySelector("span");
    this.writing = false;
    /** What cancels the file being written; null until it has taken a second, and once it is used. */
    this.cancel = null;
    this.button.addEventListener("click", () => (this.cancel ? this.#stop() : this.save()));
    store.watch(["takes", "takesOf"], () => this.#changed());
  }

  #changed() {
    const accepted = this.store.get("takes").some((take) => take.chosen);
    this.button.disabled = this.writing ? !this.cancel : !accepted;
    this.button.classList.toggle("writing", this.writing);
    this.button.title = accepted ? "Save the song with every accepted take, as a WAV file" : "Accept a take first";
    if (this.writing) this.button.title = "Cancel saving; no file is written";
  }

  #stop() {
    const cancel = this.cancel;
    this.cancel = null;
    this.#changed();
    cancel();
  }

  #moved(fraction) {
    setText(this.label, `${this.cancel ? "Cancel saving ·" : "Saving …"} ${Math.round(fraction * 100)} %`);
  }

  async save() {
    const song = this.store.get("takesOf");
    if (!song || this.button.disabled) return;
    this.writing = true;
    this.#changed();
    setText(this.label, "Saving …");
    let reached = 0;
    const moved = (fraction) => this.#moved((reached = fraction));
    const lasting = (cancel) => {
      this.cancel = cancel;
      this.#moved(reached);
      this.#changed();
    };
    const done = await this.bridge.export({ what: "song", name: song, format: "mix" }, moved, lasting);
    this.writing = false;
    this.cancel = null;
    setText(this.label, "Save the song");
    this.#changed();
    if (!done) return;
    this.#download(done);
    const regions = done.receipt.regions?.length ?? 0;
    const outside = done.receipt.outside_identical ? "outside bit-identical to the original" : "the outside has CHANGED";
    this.notices.say(`Saved with ${counted(regions, "accepted region")}, ${outside}.`, done.notes.join(" "));
  }

  /** All stems of a stem's separation in one ZIP file. lasting: as Bridge.export has it. */
  async saveStems(take, lasting) {
    const done = await this.bridge.export({ what: "take", name: take, format: "stems" }, undefined, lasting);
    if (!done) return;
    this.#download(done);
    this.notices.say("All stems are saved in one ZIP file, named after the song and the stem.");
  }

  /** A link that is followed once: the browser saves the file where it saves all others. */
  #download({ url, path }) {
    const link = document.createElement("a");
    link.href = this.bridge.locate(url.slice(1));
    link.download = path.split(/[\\/]/).at(-1);
    link.click();
  }
}

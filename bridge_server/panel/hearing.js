/**
 * Audition settings: where takes play, device, pre-roll and post-roll, the DAW's transport, automatic playback. The server
 * keeps those of the bridge's machine, this browser its own.
 */

import { button, byId, make, setText, show } from "./dom.js";
import { counted } from "./words.js";

const MAX_BARS = 64;

/** What playback can follow: its name in the list, in a sentence, and a note. */
const FOLLOWED = {
  none: ["nothing (free-running loop)", "", ""],
  osc: ["the DAW, over OSC", "the DAW", "Takes play at the DAW's playhead while its transport rolls. Mute the song's tracks there, or you hear them twice."],
  midi: ["MIDI clock", "MIDI clock", "Takes play at the MIDI song position while the clock runs. Mute the song's tracks in the DAW."],
  link: ["Ableton Link", "Ableton Link", "The song begins at its first bar with each start in the Link session, on the next bar line. Link does not share where in the song the others are."],
  jack: ["JACK transport", "JACK", "Takes play at JACK's transport position while it rolls. Mute the song's tracks in the DAW."],
};

const HERE = "Only you hear it: other panels and the bridge's machine stay as they are. Syncing with the DAW needs the bridge's machine.";

/** "in sync with the DAW"; empty if playback follows nothing. */
export function inSyncWith(follow) {
  const name = FOLLOWED[follow]?.[1];
  return name ? `in sync with ${name}` : "";
}

export class Hearing {
  constructor(store, listening) {
    this.store = store;
    this.listening = listening;
    this.box = make("section", { id: "hearing", role: "dialog", "aria-labelledby": "hearing-title", hidden: true });
    this.opener = button("Audition settings", {
      picture: "settings", id: "hearing-button", title: "Audition settings: where takes play, pre-roll, sync (h)", "aria-haspopup": "dialog",
      "aria-expanded": "false", "aria-controls": "hearing", onclick: (event) => this.toggle(event.detail === 0),
    });
    this.#build();
    // A click elsewhere closes it, and so does Tab out of it: nothing has the focus under it. Escape closes this before it
    // cancels a render.
    const elsewhere = (event) => !this.box.hidden && !event.composedPath().some((one) => one === this.box || one === this.opener);
    document.addEventListener("pointerdown", (event) => elsewhere(event) && this.close());
    document.addEventListener("focusin", (event) => elsewhere(event) && this.#open(false));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.box.hidden || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }, { capture: true });
    store.watch(["audition", "devices", "place"], () => this.#changed());
  }

  /** focus: whether the keys go on inside, as after a key that opened it. */
  toggle(focus = true) {
    if (!this.box.hidden) {
      this.close();
      return;
    }
    if (this.opener.disabled) return;
    this.came = document.activeElement;
    this.listening.bridge.refreshAudition(); // what was plugged in meanwhile
    this.#open(true);
    if (focus) this.places[this.listening.place].focus();
  }

  close() {
    const inside = this.box.contains(document.activeElement);
    this.#open(false);
    if (!inside) return;
    // Back to where the keys were: after `h` that is the page, whose space plays.
    document.activeElement.blur();
    this.came?.focus();
  }

  #open(open) {
    show(this.box, open);
    this.opener.setAttribute("aria-expanded", open);
  }

  /** Requests a change; if it is refused, the field shows the old value again. */
  async #ask(method, params) {
    await this.listening.call(`audition.${method}`, params);
    this.#changed(true);
  }

  #build() {
    const field = (label, input) => make("div", {}, make("label", { class: "label", for: input.id }, label), input);
    const list = (id, entries, changed) => make("select", { id, onchange: (event) => changed(event.target.value) }, ...entries.map(([value, text]) => make("option", { value }, text)));
    this.#places();
    this.device = list("device", [], (name) => this.#ask("device", { name }));
    this.before = this.#stepper("before", "Pre-roll, bars");
    this.after = this.#stepper("after", "Post-roll, bars");
    this.follow = list("follow", Object.entries(FOLLOWED).map(([name, [text]]) => [name, text]), (what) => this.#ask("follow", { what }));
    this.port = make("input", { id: "follow-port", type: "text", maxLength: 256, placeholder: "the first one", onchange: () => this.#ask("follow", { what: "midi", port: this.port.value.trim() }) });
    this.portField = field("MIDI input: its name or part of it", this.port);
    this.note = make("p", { class: "quiet" });
    this.measured = make("p", { class: "quiet", id: "follow-measured" });
    this.auto = make("input", { id: "auto", type: "checkbox", onchange: () => this.#ask("auto", { on: this.auto.checked }) });
    this.figures = make("p", { class: "quiet", id: "device-figures" });
    this.box.append(
      make("div", { class: "title-row" }, make("h2", { id: "hearing-title" }, "Audition settings"), button("Close", { picture: "close", class: "plain small", onclick: () => this.close() })),
      make("div", {}, make("span", { class: "label", id: "places-label" }, "Play"), this.placesBox),
      (this.deviceField = field("Sound device of the bridge's machine", this.device)),
      this.figures,
      (this.bars = make("div", { class: "pair" }, this.before.field, this.after.field)),
      (this.followField = field("Sync to", this.follow)),
      this.portField, this.note, this.measured,
      (this.autoField = make("label", { class: "check", for: "auto" }, this.auto, make("span", {}, "play renders as soon as their first bar is there"))));
    byId("transport").append(this.box);
  }

  #places() {
    const place = (name, text) => make("button", { type: "button", "aria-pressed": "false", onclick: () => this.listening.choose(name) }, text);
    this.places = { here: place("here", "here (this browser)"), bridge: place("bridge", "on the bridge's machine") };
    this.placesBox = make("div", { class: "segments", id: "places", role: "group", "aria-labelledby": "places-label" }, this.places.here, this.places.bridge);
  }

  #stepper(name, label) {
    const set = (value) => this.#ask("bars", { [name]: Math.min(MAX_BARS, Math.max(0, Math.round(Number(value)) || 0)) });
    const input = make("input", { id: `bars-${name}`, type: "number", min: 0, max: MAX_BARS, step: 1, inputMode: "numeric", onchange: () => set(input.value) });
    const step = (by) => set((this.store.get("audition")?.[name] ?? 0) + by);
    const box = make("div", { class: "stepper" },
      button(`${label}: one less`, { picture: "minus", onclick: () => step(-1) }), input, button(`${label}: one more`, { picture: "plus", onclick: () => step(1) }));
    return { input, field: make("div", {}, make("label", { class: "label", for: input.id }, label), box) };
  }

  /** force: also what is being typed. */
  #changed(force = false) {
    const { audition, devices } = this.store.values;
    this.opener.disabled = !audition;
    if (this.opener.disabled) {
      this.#open(false);
      return;
    }
    const here = Boolean(audition.here);
    for (const [name, element] of Object.entries(this.places)) element.setAttribute("aria-pressed", name === this.listening.place);
    const none = audition.state === "none";
    for (const element of [this.deviceField, this.followField]) show(element, !here && !none);
    for (const element of [this.bars, this.autoField]) show(element, !none);
    this.#devices(devices, audition);
    const write = (input, value) => {
      if ((force || document.activeElement !== input) && input.value !== String(value ?? "")) input.value = value ?? "";
    };
    write(this.before.input, audition.before);
    write(this.after.input, audition.after);
    write(this.port, audition.port);
    this.follow.value = audition.follow;
    this.auto.checked = Boolean(audition.auto);
    show(this.portField, audition.follow === "midi");
    setText(this.note, here ? HERE : FOLLOWED[audition.follow]?.[2] ?? "");
    show(this.note, this.note.textContent !== "");
    setText(this.measured, measured(audition));
    show(this.measured, this.measured.textContent !== "");
    setText(this.figures, figures(audition));
    show(this.figures, this.figures.textContent !== "");
  }

  #devices(devices, audition) {
    const own = devices.find((device) => device.default);
    const entries = [["", own ? `system default (${own.name})` : "system default"], ...devices.map((device) => [device.name, device.name])];
    const chosen = audition.output ?? "";
    if (!entries.some(([name]) => name === chosen)) entries.push([chosen, `${chosen} (not connected)`]);
    const key = JSON.stringify(entries);
    if (this.device.dataset.entries !== key) {
      this.device.dataset.entries = key;
      this.device.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
    }
    this.device.value = chosen;
  }
}

/** The open device in figures. */
function figures({ device, output, rate, channels, latency_ms: latency, underruns }) {
  if (!device) return "";
  const through = output && device !== output ? `playing through ${device}, ` : "";
  return `${through}${rate / 1000} kHz, ${counted(channels, "channel")}, ${Math.round(latency)} ms latency, ${counted(underruns, "underrun")}`;
}

/** How closely playback follows the transport. */
function measured({ follow, offset_ms: offset, drift_ppm: drift }) {
  if (follow === "none" || offset === undefined || offset === null) return "";
  const apart = Math.abs(offset) < 0.05 ? "in sync" : `${Math.abs(offset).toFixed(1)} ms ${offset > 0 ? "ahead" : "behind"}`;
  const faster = drift === undefined || drift === null ? "" : `, its clock ${Math.abs(drift).toFixed(0)} ppm ${drift < 0 ? "slower" : "faster"} than this machine's`;
  return `Measured: ${apart}${faster}.`;
}

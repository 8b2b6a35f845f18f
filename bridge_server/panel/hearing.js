/** How takes are heard: device, bars around them, the DAW's transport, renders by themselves. The server keeps it all. */

import { button, byId, make, setText, show } from "./dom.js";
import { counted } from "./words.js";

const MAX_BARS = 64;

/** What can be followed: its name in a list, in a sentence, and what to know about it. */
const FOLLOWED = {
  none: ["nothing: a loop of its own", "", ""],
  osc: ["the DAW, over OSC", "the DAW", "Takes are heard where the DAW's playhead is, while it rolls. Mute the song's tracks there, or you hear it twice."],
  midi: ["MIDI clock", "MIDI clock", "Takes are heard where MIDI clock and song position say, while they run. Mute the song's tracks in the DAW."],
  jack: ["JACK transport", "JACK", "Takes are heard where JACK's transport is, while it rolls. Mute the song's tracks in the DAW."],
};

/** "in time with the DAW"; empty where nothing is followed. */
export function inTimeWith(follow) {
  const name = FOLLOWED[follow]?.[1];
  return name ? `in time with ${name}` : "";
}

export class Hearing {
  constructor(store, bridge) {
    this.store = store;
    this.bridge = bridge;
    this.box = make("section", { id: "hearing", role: "dialog", "aria-labelledby": "hearing-title", hidden: true });
    this.opener = button("How takes are heard", {
      picture: "settings", id: "hearing-button", title: "How takes are heard: device, bars, the DAW's time (h)", "aria-haspopup": "dialog",
      "aria-expanded": "false", "aria-controls": "hearing", onclick: (event) => this.toggle(event.detail === 0),
    });
    this.#build();
    // Whoever clicks elsewhere is done here. Escape closes this before it cancels a render.
    document.addEventListener("pointerdown", (event) => {
      if (!this.box.hidden && !event.composedPath().some((one) => one === this.box || one === this.opener)) this.close();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.box.hidden || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }, { capture: true });
    store.watch(["audition", "devices"], () => this.#changed());
  }

  /** focus: whether the keys go on inside, as after a key that opened it. */
  toggle(focus = true) {
    if (!this.box.hidden) {
      this.close();
      return;
    }
    if (this.opener.disabled) return;
    this.came = document.activeElement;
    this.bridge.refreshAudition(); // what was plugged in meanwhile
    this.#open(true);
    if (focus) this.device.focus();
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

  /** Asks for a change; what was refused is shown as it is again. */
  async #ask(method, params) {
    await this.bridge.call(`audition.${method}`, params);
    this.#changed(true);
  }

  #build() {
    const field = (label, input) => make("div", {}, make("label", { class: "label", for: input.id }, label), input);
    const list = (id, entries, changed) => make("select", { id, onchange: (event) => changed(event.target.value) }, ...entries.map(([value, text]) => make("option", { value }, text)));
    this.device = list("device", [], (name) => this.#ask("device", { name }));
    this.before = this.#stepper("before", "Bars before the take");
    this.after = this.#stepper("after", "Bars after the take");
    this.follow = list("follow", Object.entries(FOLLOWED).map(([name, [text]]) => [name, text]), (what) => this.#ask("follow", { what }));
    this.port = make("input", { id: "follow-port", type: "text", maxLength: 256, placeholder: "the first one", onchange: () => this.#ask("follow", { what: "midi", port: this.port.value.trim() }) });
    this.portField = field("MIDI input, its name or a part of it", this.port);
    this.note = make("p", { class: "quiet" });
    this.measured = make("p", { class: "quiet", id: "follow-measured" });
    this.auto = make("input", { id: "auto", type: "checkbox", onchange: () => this.#ask("auto", { on: this.auto.checked }) });
    this.figures = make("p", { class: "quiet", id: "device-figures" });
    this.box.append(
      make("div", { class: "title-row" }, make("h2", { id: "hearing-title" }, "How takes are heard"), button("Close", { picture: "close", class: "plain small", onclick: () => this.close() })),
      field("Sound device of the bridge's machine", this.device),
      this.figures,
      make("div", { class: "pair" }, this.before.field, this.after.field),
      field("In time with", this.follow),
      this.portField, this.note, this.measured,
      make("label", { class: "check", for: "auto" }, this.auto, "play renders while they are made"));
    byId("transport").append(this.box);
  }

  #stepper(name, label) {
    const set = (value) => this.#ask("bars", { [name]: Math.min(MAX_BARS, Math.max(0, Math.round(Number(value)) || 0)) });
    const input = make("input", { id: `bars-${name}`, type: "number", min: 0, max: MAX_BARS, step: 1, inputMode: "numeric", onchange: () => set(input.value) });
    const step = (by) => set((this.store.get("audition")?.[name] ?? 0) + by);
    const box = make("div", { class: "stepper" },
      button(`${label}: one fewer`, { picture: "minus", onclick: () => step(-1) }), input, button(`${label}: one more`, { picture: "plus", onclick: () => step(1) }));
    return { input, field: make("div", {}, make("label", { class: "label", for: input.id }, label), box) };
  }

  /** force: also what is being typed. */
  #changed(force = false) {
    const { audition, devices } = this.store.values;
    this.opener.disabled = !audition || audition.state === "none";
    if (this.opener.disabled) {
      this.#open(false);
      return;
    }
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
    setText(this.note, FOLLOWED[audition.follow]?.[2] ?? "");
    show(this.note, this.note.textContent !== "");
    setText(this.measured, measured(audition));
    show(this.measured, this.measured.textContent !== "");
    setText(this.figures, figures(audition));
    show(this.figures, this.figures.textContent !== "");
  }

  #devices(devices, audition) {
    const own = devices.find((device) => device.default);
    const entries = [["", own ? `the system's own (${own.name})` : "the system's own"], ...devices.map((device) => [device.name, device.name])];
    const chosen = audition.output ?? "";
    if (!entries.some(([name]) => name === chosen)) entries.push([chosen, `${chosen} (not there now)`]);
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

/** How well the transport is followed. */
function measured({ follow, offset_ms: offset, drift_ppm: drift }) {
  if (follow === "none" || offset === undefined || offset === null) return "";
  const apart = Math.abs(offset) < 0.05 ? "on time" : `${Math.abs(offset).toFixed(1)} ms ${offset > 0 ? "ahead" : "behind"}`;
  const faster = drift === undefined || drift === null ? "" : `, its clock ${Math.abs(drift).toFixed(0)} ppm ${drift < 0 ? "slower" : "faster"} than this machine's`;
  return `Measured now: ${apart}${faster}.`;
}

/** The audition transport and the playheads. Shows the state of what plays, wherever that is, and requests changes. */

import { button, byId, icon, make, setText, show } from "./dom.js";
import { Hearing, inSyncWith } from "./hearing.js";
import { translated } from "./language.js";
import { sampleAt, xOf } from "./viewport.js";
import { clock, counted, decibels, NEARLY, placeName } from "./words.js";

/** How far a rolling DAW's playhead is drawn on without news from it, in seconds. */
const LONGEST_GUESS = 1.5;

/** What plays in this browser, in words: less room is left than for what plays elsewhere. */
function heardHere({ state, job, device, latency_ms: latency, underruns }) {
  if (state === "waiting") return [job ? "waiting for the render" : "loading …"];
  if (!device) return ["in this browser"];
  return ["in this browser", `${Math.round(latency)} ms`, ...(underruns ? [counted(underruns, "gap")] : [])];
}

export class Transport {
  constructor(store, arranger, listening, actions) {
    this.store = store;
    this.arranger = arranger;
    this.listening = listening;
    this.actions = actions;
    this.running = false;
    this.#build();
    store.watch(["audition", "silent", "selected", "takes", "focus", "connection"], () => this.#changed());
    store.watch(["audition", "focus", "view", "playheadAt", "connection"], () => this.#roll());
  }

  get playing() {
    const { audition, connection } = this.store.values;
    return (connection === "open" || audition?.here) && (audition?.state === "playing" || audition?.state === "waiting");
  }

  /** Where the audition is now, in samples of the timeline; null when it does not play. */
  position(now = performance.now()) {
    const { audition, auditionAt } = this.store.values;
    if (!this.playing || audition.position === undefined || audition.position === null) return null;
    if (audition.state !== "playing") return audition.position;
    const passed = ((now - auditionAt) / 1000) * this.arranger.rate;
    const at = audition.position + passed;
    if (audition.end === undefined || audition.end === null || at < audition.end) return at;
    const length = audition.end - audition.start;
    return audition.loop && length > 0 ? audition.start + ((at - audition.start) % length) : audition.end;
  }

  #build() {
    const act = (name, params) => () => this.listening.call(name, params?.() ?? {});
    const audition = () => this.store.get("audition") ?? {};
    this.play = button("Play", { picture: "play", id: "play", class: "primary", title: "Play or stop (space)", onclick: () => this.actions.playOrStop() });
    this.next = button("Next take", { picture: "next", id: "next", title: "Next take (↓)", onclick: () => this.actions.step(1) });
    this.prev = button("Previous take", { picture: "prev", id: "prev", title: "Previous take (↑)", onclick: () => this.actions.step(-1) });
    this.loop = button("Loop", { picture: "loop", title: "Loop (l)", "aria-pressed": "false", onclick: () => this.actions.loop() });
    this.original = make("button", { type: "button", "aria-pressed": "false", title: "Play the original (a)", onclick: () => this.actions.side("original") }, make("kbd", { "aria-hidden": "true" }, "A"), "Original");
    this.take = make("button", { type: "button", "aria-pressed": "true", title: "Play the take (b)", onclick: () => this.actions.side("take") }, make("kbd", { "aria-hidden": "true" }, "B"), (this.takeName = make("span", { dir: "auto" }, translated("Take"))));
    this.place = make("span", {});
    this.time = make("small", {});
    const gain = make("input", { id: "gain", type: "range", min: -36, max: 12, step: 0.5, value: 0, "aria-label": "Audition level" });
    this.gainShown = make("output", { for: "gain" });
    gain.addEventListener("input", () => {
      setText(this.gainShown, decibels(Number(gain.value)));
      clearTimeout(this.gainTimer);
      this.gainTimer = setTimeout(() => this.listening.call("audition.gain", { db: Number(gain.value) }), 60);
    });
    gain.addEventListener("dblclick", act("audition.gain", () => ({ db: 0 })));
    this.gain = gain;
    this.match = make("button", { type: "button", class: "small", "aria-pressed": "false", title: "Match the loudness of take and original, so that the louder one does not win (m)", onclick: () => this.actions.match() }, "Match");
    this.words = make("span", {});
    this.silent = icon("silent");
    this.state = make("span", { id: "audition-state" }, this.silent, this.words);
    this.hearing = new Hearing(this.store, this.listening);
    byId("transport").prepend(
      make("div", { class: "group" }, this.play, this.prev, this.next, this.loop),
      make("div", { id: "position", role: "timer", "aria-label": "Position" }, this.place, this.time),
      make("div", { class: "segments", id: "sides", role: "group", "aria-label": "Original or take" }, this.original, this.take),
      make("span", { class: "push" }),
      this.state,
      make("div", { id: "level" }, icon("speaker"), gain, this.gainShown, this.match),
      this.hearing.opener,
    );
    this.controls = [this.loop, this.original, this.take, gain, this.match];
    this.current = audition;
  }

  #changed() {
    const { audition, selected, takes, focus } = this.store.values;
    const none = !audition || audition.state === "none";
    const playing = this.playing;
    this.play.querySelector("use").setAttribute("href", `#i-${playing ? "stop" : "play"}`);
    this.play.setAttribute("aria-label", playing ? "Stop" : "Play");
    for (const control of this.controls) control.disabled = none;
    this.play.disabled = none || !(playing || focus?.song);
    byId("transport").classList.toggle("none", none || (!playing && Boolean(this.store.get("silent"))));
    const side = audition?.side ?? "take";
    const shown = takes.find((take) => take.take === (audition?.take || selected)) ?? null;
    this.original.setAttribute("aria-pressed", !none && side === "original");
    this.take.setAttribute("aria-pressed", !none && side === "take");
    setText(this.takeName, shown?.name || translated(shown ? `Take ${shown.number}` : "Take"));
    this.loop.setAttribute("aria-pressed", Boolean(audition?.loop));
    this.match.setAttribute("aria-pressed", Boolean(audition?.match));
    if (document.activeElement !== this.gain && audition?.gain_db !== undefined) this.gain.value = audition.gain_db;
    setText(this.gainShown, decibels(Number(this.gain.value)));
    this.gain.setAttribute("aria-valuetext", this.gainShown.textContent);
    this.#state(audition, none);
  }

  #state(audition, none) {
    const silent = this.playing ? "" : this.store.get("silent");
    const message = audition?.message || silent;
    const parts = [];
    if (!audition) parts.push("");
    else if (none || message) parts.push(message);
    else {
      const together = inSyncWith(audition.follow);
      if (audition.here) parts.push(...heardHere(audition));
      else if (audition.state === "waiting") parts.push(audition.job || !together ? "waiting for the render" : "waiting for the transport");
      else if (together) parts.push(together);
      if (audition.device && !audition.here) parts.push(`${Math.round(audition.latency_ms)} ms`, counted(audition.underruns, "underrun"));
    }
    setText(this.words, parts.join(" · "));
    this.state.title = this.words.textContent;
    this.silent.toggleAttribute("hidden", !(message && (none || silent)));
    this.state.classList.toggle("message", Boolean(audition) && Boolean(none || message));
    // A machine without sound is no error; trouble with a device or a render is.
    this.state.classList.toggle("bad", Boolean(audition?.message) && !none);
    if (audition?.here && audition.message && audition.message !== this.announced) this.listening.notices.announce(audition.message);
    this.announced = audition?.message;
  }

  /** Moves the playheads while anything moves; nothing runs when nothing does. */
  #roll() {
    this.#heads();
    if (this.running) return;
    const step = () => {
      this.#heads();
      this.running = this.playing || Boolean(this.store.get("focus")?.rolling);
      if (this.running) requestAnimationFrame(step);
    };
    this.running = true;
    requestAnimationFrame(step);
  }

  #heads() {
    const { focus, playheadAt, grid } = this.store.values;
    const now = performance.now();
    const audition = this.position(now);
    this.#head("playhead", audition);
    let daw = focus?.song ? focus.playhead ?? null : null;
    if (daw !== null && focus.rolling) daw += Math.min(LONGEST_GUESS, (now - playheadAt) / 1000) * this.arranger.rate;
    this.#head("daw-playhead", daw);
    const shown = audition ?? daw ?? this.arranger.region?.start ?? null;
    setText(this.place, shown === null ? "–" : placeName(shown, grid, this.arranger.rate).replace(NEARLY, ""));
    setText(this.time, shown === null || !grid ? "" : clock(shown / this.arranger.rate));
    if (audition !== null && this.playing) this.#follow(audition);
  }

  #head(id, sample) {
    const element = byId(id);
    const { view, width } = this.arranger;
    const x = sample === null || !view ? -1 : xOf(view, sample);
    show(element, x >= 0 && x <= width);
    if (!element.hidden) element.style.transform = `translateX(${byId("original-time").offsetLeft + x}px)`;
  }

  /** Turns the page when the playhead leaves it, unless the user scrolls there. */
  #follow(sample) {
    const { view, width } = this.arranger;
    const last = sampleAt(view, width);
    if (this.followed !== undefined && this.followed <= last && sample > last && sample < last + width * view.scale * 0.2) {
      this.arranger.show({ ...view, first: sample - width * view.scale * 0.08 });
    }
    this.followed = sample;
  }
}

/** The tempo kept with the song: found from its audio, accepted, halved, doubled, tapped, moved; or a dropped MIDI file's. */

import { button, make, setText, show } from "./dom.js";
import { clock } from "./words.js";

const LEAST_TAPS = 4;
/** Milliseconds after which a tap begins a new count. */
const PAUSE = 2500;
const LIKELY = 0.8;
const LISTENING = "Listening to the song …";

/** "97.5 BPM (or 195), 4/4, bar 1 at 0:00.70" */
export function inWords({ bpm, other, meter, barOne, tempos = 1 }) {
  const tempo = `${tempos > 1 ? `${tempos} tempos, ` : ""}${Number(bpm.toFixed(2))} BPM${tempos > 1 ? " at bar 1" : ""}`;
  return [`${tempo}${other ? ` (or ${Number(other.toFixed(2))})` : ""}`, meter, `bar 1 at ${clock(Math.max(0, barOne), 2)}`].join(", ");
}

/** Beats a minute of taps (milliseconds, ascending), by their median distance; null while there are too few. */
export function tapped(times) {
  if (times.length < LEAST_TAPS) return null;
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  return 60000 / gaps[Math.floor((gaps.length - 1) / 2)];
}

/**
 * Taps as the server takes them: seconds from the song's first sample, the first one on bar 1. places: samples of the
 * timeline at which the song was when they came, null where it did not play. Null where they do not ascend, as in a loop.
 */
export function onBeats(places, song) {
  if (places.length < LEAST_TAPS || places.some((place, index) => place === null || (index > 0 && place <= places[index - 1]))) return null;
  return places.map((place) => ((place - song.position) / song.rate).toFixed(4)).join(" ");
}

export class SongTempo {
  constructor(store, bridge, notices) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.asked = new Set(); // songs whose producer was asked on this page
    this.job = null;
    this.where = () => null; // (now) => the sample of the timeline that is heard then; null while nothing plays
    this.taps = [];
    this.places = [];
    this.text = make("p", { id: "tempo-found", role: "status" });
    this.find = button("Find the tempo", { id: "tempo-find", class: "primary", onclick: () => this.#find() });
    this.accept = button("Accept", { id: "tempo-accept", class: "primary", onclick: () => this.#change({ analysed: true }, "Accepted: the song keeps this tempo.") });
    const edits = make("div", { class: "ways-row", id: "tempo-edits" },
      button("Halve", { onclick: () => this.#change({ times: 0.5 }) }),
      button("Double", { onclick: () => this.#change({ times: 2 }) }),
      button("A beat earlier", { onclick: () => this.#change({ shift: -1 }) }),
      button("A beat later", { onclick: () => this.#change({ shift: 1 }) }),
      button("This is bar 1", { title: "Bar 1 begins at the selection, or else at the playhead", onclick: () => this.#barOne() }));
    this.edits = edits;
    this.tap = button("Tap", { id: "tempo-tap", title: "Press on every beat while you listen. While the song plays here, the first tap is bar 1", onclick: () => this.#tapped() });
    this.box = make("section", { id: "song-tempo", "aria-label": "Tempo of the song" }, this.text, make("div", { class: "ways-row" }, this.find, this.accept, this.tap), edits);
    store.watch(["jobs"], ({ jobs }) => this.#moved(jobs));
  }

  get source() {
    return this.store.get("focus")?.song?.source;
  }

  /** Whether the producer should be asked before a region is selected: once for each song whose tempo nobody knows. */
  mustAsk() {
    const { focus } = this.store.values;
    if (!focus?.song || focus.tempo_known !== false || this.asked.has(focus.song.digest)) return false;
    this.asked.add(focus.song.digest);
    return true;
  }

  async refresh() {
    if (!this.source) return;
    const kept = await this.bridge.read("songs.tempo", { source: this.source });
    if (kept) this.#show(kept);
  }

  #show(kept) {
    // A description of the song in words, without a measurement, has no place for bar 1.
    const found = kept.analysis?.downbeat == null ? null : kept.analysis;
    this.meter = kept.known ? kept.meter : null;
    const doubtful = found && Math.min(...["tempo", "octave", "downbeat"].map((name) => found.confidence?.[name] ?? 0)) < LIKELY;
    if (kept.known) setText(this.text, `Kept with the song: ${inWords({ bpm: kept.bpm, meter: kept.meter, barOne: kept.bar_one, tempos: kept.tempos })}.`);
    else if (found) setText(this.text, `Found: ${inWords({ bpm: found.tempo, other: found.other_tempo, meter: found.meter, barOne: found.downbeat })}${found.beats?.length ? ", changing" : ""}.${doubtful ? " Check it: play the song and watch the bar lines." : ""}${(found.notes ?? []).map((note) => ` ${note}`).join("")}`);
    else setText(this.text, this.store.get("focus")?.tempo_known === false ? "The song's tempo is not known, so its bars are not either. Find it, tap it, enter it, or drop a MIDI file with the tempo map." : "No tempo is kept with the song.");
    show(this.find, !found);
    show(this.accept, Boolean(found) && !kept.known);
    show(this.edits, kept.known || Boolean(found));
  }

  async #find() {
    const before = this.text.textContent;
    setText(this.text, LISTENING);
    this.find.disabled = true;
    this.job = await this.bridge.analyse(this.source);
    if (this.job) return;
    this.find.disabled = false;
    setText(this.text, before);
  }

  #moved(jobs) {
    const job = this.job && jobs?.get(this.job);
    if (job?.progress && job.state === "running") setText(this.text, `${LISTENING} ${Math.round(job.progress.fraction * 10) * 10} %`);
    if (!job || !["done", "failed", "cancelled"].includes(job.state)) return;
    this.job = null;
    this.find.disabled = false;
    if (job.state === "failed") setText(this.text, `${job.failure?.sentence ?? "The analysis failed."} ${job.failure?.remedy ?? ""}`);
    else this.refresh();
  }

  async #change(values, said) {
    const kept = await this.bridge.songTempo({ source: this.source, ...values });
    if (!kept) return;
    this.#show(kept);
    this.notices.announce(said ?? `${inWords({ bpm: kept.bpm, meter: kept.meter, barOne: kept.bar_one, tempos: kept.tempos })}.`);
  }

  #barOne() {
    const { focus, audition } = this.store.values;
    const place = focus.selection?.start ?? this.where(performance.now()) ?? audition?.position ?? focus.playhead;
    if (place === null || place === undefined) {
      this.notices.say("There is no place for bar 1.", "Select from its downbeat on (Alt ignores the grid), or play the song and stop there.");
      return;
    }
    this.#change({ bar_one: `${((place - focus.song.position) / focus.song.rate).toFixed(6)}s` });
  }

  #tapped() {
    const now = performance.now();
    if (this.taps.length && now - this.taps.at(-1) > PAUSE) {
      this.taps = [];
      this.places = [];
    }
    this.taps.push(now);
    this.places.push(this.where(now));
    const bpm = tapped(this.taps);
    setText(this.tap.querySelector("span"), bpm ? `Tap: ${bpm.toFixed(1)} BPM` : "Tap");
    clearTimeout(this.timer);
    if (bpm) this.timer = setTimeout(() => this.#keepTaps(bpm), PAUSE);
  }

  /** Keeps what was tapped: tempo and bar 1 where the song played meanwhile, else the tempo alone. */
  async #keepTaps(bpm) {
    const taps = onBeats(this.places, this.store.get("focus").song);
    await this.#change(taps ? { taps, ...(this.meter ? { meter: this.meter } : {}) } : { bpm: Math.round(bpm * 10) / 10 });
    setText(this.tap.querySelector("span"), "Tap");
    if (!taps) this.notices.say("The tempo is kept; bar 1 stays where it was.", "Tap while the song plays here, from a downbeat on, or select from its downbeat and press This is bar 1.");
  }
}

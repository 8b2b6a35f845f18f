/**
 * The audition in this browser: the same commands as the bridge's, and a state of the same form, for this page alone.
 * What to play, where it loops and how loud is asked from the server; the sound is played here.
 */

import { Chunks, Outdated } from "./playback/chunks.js";
import { Player } from "./playback/player.js";
import { Scene } from "./playback/scene.js";
import { RenderFollowing } from "./playback/render_following.js";

const KEPT = "takebridge.audition";
/** Bytes of audio in memory; half as many where a browser says that there is little. */
const MOST = 96e6;
const PREFETCHED = 16; // takes
const MAX_BARS = 64;
/** Milliseconds that half a megabyte may take. */
const PATIENCE = 20000;

const BLOCKED = "The browser allows sound only after a click or touch on the page. If it stays silent, check this machine's sound device.";

export const NAME = "this browser";

/** Why nothing can be played in this browser; empty where it can. */
export const cannotPlay = () => (globalThis.AudioContext ? "" : "This browser cannot play audio from a page.");

export class BrowserAudition {
  /** neighbours(scene): ids of the takes a listener may switch to next, the nearest first. */
  constructor(store, bridge, notices, neighbours) {
    Object.assign(this, { store, bridge, notices, neighbours });
    const most = (navigator.deviceMemory ?? 8) <= 2 ? MOST / 2 : MOST;
    this.chunks = new Chunks((address) => this.#load(address), most, (error) => this.#arrived(error));
    this.player = new Player(this.chunks, openContext, {
      began: () => this.#began(),
      ended: () => this.#stopped(""),
      failed: (error) => this.#failed(error),
      blocked: (on) => this.#set({ message: on ? BLOCKED : "" }),
    });
    this.renders = new RenderFollowing((params) => bridge.connection.call("audition.passage", params), (job) => isUnderWay(store.get("jobs").get(job)), {
      grown: (passage) => this.#grown(passage),
      finished: (passage) => this.#finished(passage),
      failed: (error) => this.#stopped(`Playback stopped. ${error.message}`),
    });
    this.declined = ""; // the job whose render was stopped by hand
    this.turn = 0;
    this.scene = null;
    this.passages = new Map();
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    this.settings = { loop: true, match: true, gain_db: 0, before: 2, after: 2, auto: false, ...kept };
    this.changes = { state: "stopped", take: "", job: "", song: "", side: "take", message: "" };
    for (const gesture of ["pointerdown", "keydown"]) {
      addEventListener(gesture, () => this.player.held && this.player.unlock(this.scene.rate), { capture: true });
    }
    store.watch(["takes"], () => this.#takesChanged());
    store.watch(["opened"], () => this.chunks.forgive());
    store.watch(["lastEnded"], ({ lastEnded }) => lastEnded && this.#jobEnded(lastEnded));
    store.watch(["jobs", "place"], () => this.#autoplay());
    this.#publish();
  }

  // Commands, as the server has them

  async play({ take, job, source, side = "take", stems = [], start, end }) {
    const turn = this.#turn();
    this.player.unlock(this.store.get("focus")?.song?.rate ?? 48000);
    this.renders.end();
    if (job) {
      this.player.stop();
      this.scene = null;
      this.#set({ state: "waiting", job, take: "", side, message: "" });
      this.#follow(job);
      return;
    }
    if (this.changes.state === "stopped") this.#set({ state: "waiting", take: take ?? "", job: "", side, message: "" });
    this.asked = { take, source, stems, start, end };
    const scene = await this.#scene(this.asked);
    if (turn !== this.turn) return;
    if (!scene) {
      if (!this.scene) this.#stopped("");
      return;
    }
    const now = this.scene;
    const continues = this.player.playing && now?.place === scene.place && (now.take !== scene.take || String(now.stems) !== String(scene.stems));
    this.#set({ side, job: "" });
    await this.#show(scene, continues ? null : scene.start);
  }

  stop() {
    this.declined = this.renders.job;
    this.renders.end();
    this.#turn();
    this.player.stop();
    this.#stopped("");
  }

  async ab({ side }) {
    if (!this.scene) return;
    const wanted = side ?? (this.changes.side === "take" ? "original" : "take");
    if (!this.scene.sides[wanted]) {
      this.notices.say(this.scene.take || this.scene.job ? "There is no original to compare with: the take has no source song." : "Only the song is playing, no take.");
      return;
    }
    this.#set({ side: wanted });
    await this.#again();
  }

  loop({ on }) {
    return this.#configure({ loop: on });
  }

  match({ on }) {
    return this.#configure({ match: on });
  }

  gain({ db }) {
    return this.#configure({ gain_db: db });
  }

  auto({ on }) {
    return this.#configure({ auto: on });
  }

  async bars({ before = this.settings.before, after = this.settings.after }) {
    const bars = [before, after].map((value) => Math.min(MAX_BARS, Math.max(0, value)));
    await this.#configure({ before: bars[0], after: bars[1] });
    if (!this.scene?.take) return;
    const turn = this.#turn();
    const scene = await this.#scene(this.asked);
    if (!scene || turn !== this.turn) return;
    const { position } = this.player;
    await this.#show(scene, position >= scene.start && position < scene.end ? null : scene.start);
  }

  async seek({ position }) {
    if (this.scene) await this.#show(this.scene, Math.round(position));
  }

  // What plays

  get options() {
    const { loop, match, gain_db: gain } = this.settings;
    return { side: this.changes.side, loops: loop, match, gain_db: gain };
  }

  #turn() {
    this.turn += 1;
    return this.turn;
  }

  async #show(scene, position) {
    this.scene = scene;
    this.#set({ take: scene.take, job: scene.job, song: scene.song });
    this.#prefetch(scene);
    await this.player.show(scene, this.options, position);
  }

  async #again() {
    if (this.scene && this.changes.state !== "stopped") await this.player.show(this.scene, this.options);
  }

  async #configure(changes) {
    Object.assign(this.settings, changes);
    localStorage.setItem(KEPT, JSON.stringify(this.settings));
    this.#publish();
    if (!("auto" in changes) && !("before" in changes)) await this.#again();
  }

  /** What the server would play; undefined when it refuses, which is then shown. */
  async #scene({ take, source, stems = [], start, end }) {
    const { before, after } = this.settings;
    const given = take ? { take, before, after, ...(stems.length ? { stems } : {}) } : { source, ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
    const key = JSON.stringify(given);
    const known = take && this.passages.get(key);
    if (known) return new Scene(known, this.chunks);
    const found = await this.bridge.read("audition.passage", given);
    if (!found) {
      if (this.store.get("connection") !== "open") this.notices.say("The bridge cannot be reached.", "The page reconnects automatically.");
      return undefined;
    }
    this.passages.set(key, found);
    return new Scene(found, this.chunks);
  }

  /** The sound of the takes next to this one, so that a switch to them is immediate. */
  async #prefetch(scene) {
    const turn = this.turn;
    const { before, after } = this.settings;
    const also = new Map([["", scene.all()]]);
    this.player.also = scene.all();
    for (const take of this.neighbours(scene).slice(0, PREFETCHED)) {
      const key = JSON.stringify({ take, before, after });
      const found = this.passages.get(key) ?? (await this.bridge.connection.call("audition.passage", { take, before, after }).catch(() => null));
      if (turn !== this.turn || this.scene !== scene) return;
      if (!found) continue;
      this.passages.set(key, found);
      if (found.place === scene.place) also.set(take, new Scene(found, this.chunks).own());
      this.player.also = [...also.values()].flat();
    }
  }

  // A render in progress

  #follow(job) {
    this.renders.begin(job, () => ({ before: this.settings.before, after: this.settings.after }));
  }

  /** There is more of a render: what plays goes on, and now plays up to there. */
  #grown(passage) {
    const scene = new Scene(passage, this.chunks);
    const plays = this.player.playing;
    const asked = this.changes.state !== "stopped";
    if (!asked && !this.#playsByItself()) return;
    if (scene.silent || (scene.waits && !asked)) return;
    if (!asked) this.#set({ state: "waiting", side: "take", message: "" });
    this.asked = null;
    const { position } = this.player;
    this.#show(scene, plays && position >= scene.start && position < scene.end ? null : scene.start).catch((error) => this.#unable(error));
  }

  /** The take continues where its render plays. */
  #finished(passage) {
    const plays = this.player.playing;
    const asked = this.changes.state !== "stopped";
    if (!asked && !this.#playsByItself()) return;
    if (!asked) this.#set({ state: "waiting", side: "take", message: "" });
    this.asked = { take: passage.take };
    this.#show(new Scene(passage, this.chunks), plays ? null : passage.start).catch((error) => this.#unable(error));
  }

  /** Without an output for its rate nothing of it can be played. */
  #unable(error) {
    this.stop();
    this.notices.error(error);
  }

  #playsByItself() {
    return this.settings.auto && this.store.get("place") === "here";
  }

  /** With `auto` a render plays as soon as its first bar is there, unless something else does. */
  #autoplay() {
    if (!this.#playsByItself() || this.changes.state !== "stopped" || this.renders.job) return;
    const running = [...this.store.get("jobs").values()].find((job) => job.state === "running" && !["analyse", "plan", "rewrite"].includes(job.command) && job.job !== this.declined);
    if (running) this.#follow(running.job);
  }

  async #load(address) {
    const patience = AbortSignal.timeout?.(PATIENCE);
    const answer = await fetch(this.bridge.locate(address), { signal: patience }).catch(() => {
      throw new Error("The bridge cannot be reached.");
    });
    if (answer.status === 409) throw new Outdated();
    if (!answer.ok) throw new Error((await answer.text()).trim().slice(0, 300));
    return answer.arrayBuffer();
  }

  #began() {
    this.#set({ state: this.player.scene.waits ? "waiting" : "playing", message: "" });
    this.reporting ??= setInterval(() => this.#publish(), 100);
  }

  #stopped(message) {
    clearInterval(this.reporting);
    this.reporting = null;
    this.scene = null;
    this.#set({ state: "stopped", take: "", job: "", message });
  }

  #arrived(error) {
    if (error instanceof Outdated) this.#renew();
    this.player.tick();
  }

  /** Other takes were accepted meanwhile: what plays continues as the song is now. */
  async #renew() {
    if (!this.scene || this.renewing || this.renders.job) return; // a render's passage is asked for anyway
    this.renewing = true;
    this.passages.clear();
    const { turn } = this;
    const scene = await this.#scene(this.asked);
    this.renewing = false;
    if (!scene || turn !== this.turn || !this.scene) return;
    await this.#show(scene, null);
  }

  /** A switch that failed leaves what plays as it is; what cannot go on ends. Both with words. */
  #failed(error) {
    if (error instanceof Outdated && this.renders.job) return; // what it is by now comes at once
    if (!this.player.playing) {
      this.renders.end();
      this.#stopped(`Playback stopped. ${error.message}`);
      return;
    }
    this.scene = this.player.scene;
    this.#set({ take: this.scene.take, side: this.player.options.side });
    this.notices.error(new Error(`This cannot be played. ${error.message}`));
  }

  #takesChanged() {
    const { takes } = this.store.values;
    const accepted = takes.filter((take) => take.chosen).map((take) => take.take).join(" ");
    const changed = accepted !== this.accepted;
    this.accepted = accepted;
    if (changed) {
      this.passages.clear();
      this.#renew();
    } else if (this.scene?.take && this.changes.state === "playing") this.#prefetch(this.scene);
  }

  #jobEnded(job) {
    if (this.renders.job === job.job) {
      if (job.state === "done") return; // its take comes with the next question
      this.renders.end();
      this.player.stop();
      if (this.changes.state !== "stopped") this.#stopped(`The render ${job.state === "failed" ? "failed" : "was cancelled"}; playback stopped.`);
    } else if (job.state === "done" && job.job !== this.declined && this.#playsByItself() && this.changes.state === "stopped") {
      this.#playOf(job.job); // over before its first bar was asked for
    }
  }

  async #playOf(job) {
    await this.bridge.refreshTakes();
    const take = this.store.get("takes").find((one) => one.job === job);
    if (take) await this.play({ take: take.take });
  }

  // State

  #set(changes) {
    Object.assign(this.changes, changes);
    this.#publish();
  }

  #publish() {
    const { player, scene, changes, settings } = this;
    const stands = scene ?? { start: 0, end: 0, song: "" };
    this.store.set({
      hereAuditionAt: performance.now(),
      hereAudition: {
        ...settings, ...changes, here: true, side: scene?.side(changes.side) ?? changes.side, song: stands.song, stems: (scene?.stems ?? []).join(", "), follow: "none", output: "",
        start: stands.start, end: stands.end, position: Math.round(player.position),
        match_db: scene && settings.match ? scene.matchDb(changes.side) : 0,
        device: changes.state === "playing" ? NAME : "", rate: player.context?.sampleRate ?? 0, channels: scene?.channels ?? 0,
        latency_ms: player.latency * 1000, underruns: player.underruns,
      },
    });
  }
}

/** Whether a job may still get a take; one that is not listed yet has just been asked for. */
const isUnderWay = (job) => !job || job.state === "queued" || job.state === "running";

/** Throws an Error in words where the browser has no output at this rate. */
function openContext(rate) {
  try {
    return new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
  } catch {
    const error = new Error(`This browser cannot play audio at ${rate / 1000} kHz.`);
    throw Object.assign(error, { remedy: "Play on the bridge's machine: audition settings, H." });
  }
}

/**
 * The page's link to the server: fetches everything the page shows, updates it from notifications,
 * and sends the producer's commands. The server is the only source of truth.
 */

import { Connection, Lost, Refused } from "./connection.js";
import { Grid, barsNamed } from "./grid.js";
import { pageName } from "./owners.js";
import { Sha256 } from "./sha256.js";
import { troublesOf } from "./words.js";

const PAGE = 250;
const MAX_TAKES = 5000;
const PIECE = 1 << 20;
/** What takes so many milliseconds can be cancelled. */
const LASTING = 1000;
const TOKEN = "takebridge.token";
/** Milliseconds: a network that has gone may keep a question for minutes. */
const HELLO_PATIENCE = 10000;
/** Until a server that listens to no token, or is away, is asked again, where it does not say when. */
const LATE_SECONDS = 6;
const TERMINAL = { done: "done", failed: "failed", cancelled: "cancelled" };

export class Bridge {
  /** notices: {error(error), say(sentence), announce(text)}. */
  constructor(store, notices) {
    this.store = store;
    this.notices = notices;
    this.wrongWithHosts = new Set();
    this.selecting = 0;
    this.refreshing = new Map();
    this.uploads = new Map();
    this.following = new Map();
    this.asked = new Set();
    const token = tokenOf(location.search) ?? sessionStorage.getItem(TOKEN) ?? "";
    this.token = token;
    if (token) sessionStorage.setItem(TOKEN, token);
    // In English, whatever the server was started with: the page translates by itself, and has more to translate.
    const query = new URLSearchParams({ client: pageName(), language: "en" });
    if (token) query.set("token", token);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.connection = new Connection(`${scheme}://${location.host}/?${query}`, {
      admitted: () => this.#admitted(),
      opened: () => this.#opened(),
      changed: (state) => this.#connection(state),
      notified: (name, values) => this.#notified(name, values),
    });
  }

  /** Connects, now and whenever the connection is lost. */
  open() {
    return this.connection.begin();
  }

  /**
   * Whether the server lets this page in, or the milliseconds until it listens. If it wants a token that the page does not
   * have, `locked` says so.
   */
  async #admitted() {
    // A token that is known to be wrong is not sent again: the server would count it, and in the end listen to nobody here.
    const wrong = this.store.get("locked") === "wrong";
    try {
      const address = wrong ? new URL("hello.json", document.baseURI).href : this.locate("hello.json");
      const answer = await fetch(address, { signal: AbortSignal.timeout(HELLO_PATIENCE) });
      if (answer.status === 429) {
        // Wrong tokens came from this tablet, or another program on it, until the server listens to none: not even to the right one.
        this.store.set({ locked: "late", lockedWords: (await answer.text()).trim(), connection: "lost" });
        return 1000 * (Number(answer.headers.get("Retry-After")) || LATE_SECONDS);
      }
      const hello = await answer.json();
      if (hello.token_needed && (wrong || !hello.admitted)) {
        this.store.set({ locked: this.token ? "wrong" : "needed", connection: "lost" });
        return false;
      }
    } catch {
      if (wrong) return 1000 * LATE_SECONDS;
      // The server is away: the connection tries until it comes back.
    }
    this.store.set({ locked: null });
    return true;
  }

  /** Comes back with another token, or with the one in the address that the terminal shows. */
  unlock(text) {
    sessionStorage.setItem(TOKEN, tokenIn(text));
    location.assign("./");
  }

  /** The address of a file of the server, such as `takes/ID/clip.wav`. */
  locate(path) {
    const url = new URL(path, document.baseURI);
    if (this.token) url.searchParams.set("token", this.token);
    return url.href;
  }

  /** What the page shows of its own accord; undefined without it. The top bar shows a lost connection already. */
  async read(method, params = {}) {
    return this.connection.call(method, params).catch((error) => {
      if (!(error instanceof Lost)) this.notices.error(error);
    });
  }

  /** The result of a producer's command; undefined when it failed, which is then shown. refused(error): as well. */
  async call(method, params = {}, refused = () => undefined) {
    try {
      return await this.connection.call(method, params);
    } catch (error) {
      refused(error);
      this.notices.error(error);
      return undefined;
    }
  }

  #connection(state) {
    this.store.set({ connection: state });
    if (state !== "lost") return;
    for (const { reject } of this.uploads.values()) reject(new Lost(true));
    this.uploads.clear();
  }

  // What the server has

  async #opened() {
    const ask = (method, params) => this.connection.call(method, params).catch((error) => this.#optional(error));
    ask("watch", { on: true });
    // What engines can do is known when their process has started; the song is shown before.
    ask("engines").then((found) => found && this.store.set({ engines: found.engines }));
    await this.refreshStatus();
    const before = this.store.get("focus");
    await this.refreshFocus();
    await this.#restore(before);
    if (before?.song) this.refreshTakes(); // they may have changed while the page could not see it
    this.refreshJobs();
    this.refreshSongs();
    this.refreshAudition();
    this.store.set({ opened: this.store.get("opened") + 1 });
  }

  /** A restarted server has forgotten the focus; a page that still has it sends it again. */
  async #restore(before) {
    const now = this.store.get("focus");
    if (!before?.song || !now || now.song || now.problem || now.request?.source) return;
    const { source, source_position: position, rate, bpm, meter, tempo_map: map, key } = before.request;
    const say = (method, params) => this.connection.call(method, params).catch(() => undefined);
    await say("source", { source, position, rate });
    if (map) await say("tempo", { tempo_map: map });
    else if (bpm) await say("tempo", { bpm });
    if (meter && !map) await say("meter", { meter });
    if (key) await say("key", { key });
    if (before.selection) await say("select", before.selection);
    await this.refreshFocus();
  }

  #optional(error) {
    if (error instanceof Refused && error.code === "unknown_command") return null;
    if (!(error instanceof Lost)) this.notices.error(error);
    return undefined;
  }

  /** Runs `work` now, or once more after the run that is under way. */
  #once(name, work) {
    const running = this.refreshing.get(name);
    if (running) {
      running.again = true;
      return running.promise;
    }
    const entry = { again: false };
    entry.promise = (async () => {
      do {
        entry.again = false;
        try {
          await work();
        } catch (error) {
          this.#optional(error);
        }
      } while (entry.again);
      this.refreshing.delete(name);
    })();
    this.refreshing.set(name, entry);
    return entry.promise;
  }

  refreshFocus() {
    return this.#once("focus", async () => {
      const focus = await this.connection.call("focus.show");
      const before = this.store.get("focus");
      const grid = sameGrid(before, focus) ? this.store.get("grid") : Grid.from(focus.grid);
      const changes = { focus, grid, playheadAt: performance.now() };
      if (!this.selecting) changes.dragged = null;
      this.store.set(changes);
      if (focus.song?.digest !== this.store.get("takesOf")) await this.refreshTakes();
    });
  }

  refreshTakes() {
    return this.#once("takes", async () => {
      const digest = this.store.get("focus")?.song?.digest ?? null;
      if (!digest) {
        this.store.set({ accepted: [], takes: [], takesOf: null, selected: null });
        return;
      }
      const found = [];
      let inSong;
      let before;
      do {
        const { takes, accepted = [] } = await this.connection.call("takes.list", { song: digest, limit: PAGE, ...(before ? { before } : {}) });
        inSong ??= accepted; // all of it comes with the first page
        found.push(...takes);
        before = takes.length === PAGE ? takes.at(-1).take : null;
      } while (before && found.length < MAX_TAKES);
      const selected = this.store.get("selected");
      const kept = found.some((take) => take.take === selected) ? selected : null;
      this.store.set({ accepted: inSong, takes: ordered(found), takesOf: digest, selected: kept });
    });
  }

  refreshStatus() {
    return this.#once("status", async () => {
      const status = await this.connection.call("status");
      this.store.set({ status });
      this.#tellOfHosts(status.render_hosts ?? []);
    });
  }

  /** What is wrong with render hosts, once as long as it stays so; under “Models” it can be read all the while. */
  #tellOfHosts(hosts) {
    const wrong = new Set(hosts.flatMap(troublesOf));
    for (const sentence of wrong) if (!this.wrongWithHosts.has(sentence)) this.notices.say(sentence, "", true);
    this.wrongWithHosts = wrong;
  }

  refreshJobs() {
    return this.#once("jobs", async () => {
      const { jobs } = await this.connection.call("jobs.list", { limit: 40 });
      const known = this.store.get("jobs");
      const next = new Map();
      for (const job of jobs) next.set(job.job, { ...job, progress: job.progress ?? known.get(job.job)?.progress });
      this.store.set({ jobs: next });
    });
  }

  refreshSongs() {
    return this.#once("songs", async () => {
      const { songs, recent } = await this.connection.call("songs.list", { limit: 500 });
      this.store.set({ songs, recent });
    });
  }

  refreshAudition() {
    return this.#once("audition", async () => {
      const audition = await this.connection.call("audition.show").catch((error) => {
        if (error instanceof Refused) return { state: "none", message: [error.message, error.remedy].filter(Boolean).join(" ") };
        throw error;
      });
      this.store.set({ bridgeAudition: audition, bridgeAuditionAt: performance.now() });
      if (audition.state === "none") {
        this.store.set({ bridgeSilent: "" });
        return;
      }
      // Without a device everything else works: a note next to the controls, not an error.
      let silent = "";
      const found = await this.connection.call("audition.devices").catch((error) => {
        if (!(error instanceof Refused)) throw error;
        silent = [error.message, error.remedy].filter(Boolean).join(" ");
        return { devices: [] };
      });
      const devices = found.devices ?? [];
      if (!devices.length && !silent) silent = "The server's machine has no sound device. Connect one, or play the takes' files elsewhere.";
      this.store.set({ devices, bridgeSilent: silent });
    });
  }

  #notified(name, values) {
    if (name === "focus") this.#focusMoved(values);
    else if (name === "audition") this.#auditionChanged(values);
    else if (name === "chosen") this.refreshTakes();
    else if (name === "model") this.store.set({ transfer: values });
    else if (name === "training") this.store.set({ training: values });
    else if (name === "marked") this.#marked(values);
    else if (name === "ok" || (name === "failed" && !values.job)) this.#uploadEnded(name, values);
    else if (values.job) this.#jobMoved(name, values);
    else if (name === "progress") this.following.get(values.id)?.(values.fraction);
  }

  #focusMoved(values) {
    const focus = this.store.get("focus");
    if (focus && values.revision === focus.revision) {
      const moved = { ...focus, playhead: values.playhead ?? null, rolling: values.rolling ?? false };
      this.store.set({ focus: moved, playheadAt: performance.now() });
    } else this.refreshFocus();
  }

  #auditionChanged(values) {
    const before = this.store.get("bridgeAudition");
    this.store.set({ bridgeAudition: { ...before, ...values }, bridgeAuditionAt: performance.now() });
    const moved = values.take && values.take !== before?.take && this.store.get("place") === "bridge";
    if (moved && this.store.get("takes").some((take) => take.take === values.take)) this.store.set({ selected: values.take });
    if (values.device !== undefined && values.device !== before?.device) this.refreshAudition();
  }

  #jobMoved(name, values) {
    const jobs = new Map(this.store.get("jobs"));
    const job = jobs.get(values.job);
    if (!job) {
      this.refreshJobs();
      if (name === "take") this.#takeCame(values, null);
      return;
    }
    const next = { ...job };
    if (name === "ack") next.state = values.state;
    if (name === "progress") {
      next.state = "running";
      next.progress = { stage: values.stage, fraction: values.fraction, seconds_left: values.seconds_left };
    }
    if (name === "take") next.came = (job.came ?? 0) + 1;
    if (name in TERMINAL) {
      next.state = TERMINAL[name];
      next.ended = Date.now() / 1000;
      next.came = values.takes ?? next.came;
      if (name === "failed") next.failure = values;
      this.store.set({ lastEnded: next });
      if (this.store.get("status")?.render_hosts?.length) this.refreshStatus();
    }
    jobs.set(values.job, next);
    this.store.set({ jobs });
    if (name === "take") this.#takeCame(values, job);
  }

  async #takeCame(values, job) {
    await this.refreshTakes();
    const takes = this.store.get("takes");
    const first = takes.find((take) => take.job === values.job);
    const selected = takes.find((take) => take.take === this.store.get("selected"));
    // Takes requested on this page become the selection; those of other clients do not replace one.
    const mine = job && this.asked.has(job.job) && selected?.job !== job.job;
    if (first && (mine || !selected)) this.store.set({ selected: first.take });
  }

  // What the producer does

  /** Sets the shared region. The page shows it at once, and then what the server answers. */
  async select(region) {
    const rounded = { start: Math.round(region.start), end: Math.round(region.end) };
    if (rounded.end <= rounded.start || this.beforeSelecting?.()) {
      this.store.set({ dragged: null });
      return;
    }
    this.selecting += 1;
    this.store.set({ dragged: rounded });
    await this.call("select", rounded);
    this.selecting -= 1;
    if (!this.selecting) await this.refreshFocus();
  }

  /** refused(error): before the notice says why. */
  async choose(source, refused) {
    const done = await this.call("source", { source }, refused);
    if (done) await this.refreshFocus();
    return Boolean(done);
  }

  /** Has a song analysed; returns the job's id, or null. */
  async analyse(source) {
    return this.#asked(await this.call("analyse", { source }));
  }

  /** Changes the tempo that is kept with a song; returns what is kept then. */
  async songTempo(values) {
    const kept = await this.call("songs.tempo", values);
    if (kept) await this.refreshFocus();
    return kept;
  }

  /** Tempo, time signature and key of the song; empty ones stay as they are. */
  async facts({ bpm, meter, key }) {
    const answers = [];
    if (bpm) answers.push(await this.call("tempo", { bpm }));
    if (meter) answers.push(await this.call("meter", { meter }));
    if (key) answers.push(await this.call("key", { key }));
    await this.refreshFocus();
    return answers.every(Boolean);
  }

  /** Requests a render: the focus' values, then those given. Returns the job's id, or null. */
  async request(task, given, refused) {
    const { focus } = this.store.values;
    const shared = ["generate", "plan", "rewrite"].includes(task) ? pick(focus?.request ?? {}, ["rate", "bpm", "meter", "tempo_map", "key"]) : focus?.request ?? {};
    return this.#asked(await this.call(task, { ...shared, ...given }, refused));
  }

  async vary(take, changes) {
    return this.#asked(await this.call("vary", { take, ...changes }));
  }

  #asked(answer) {
    if (!answer) return null;
    if (answer.note) this.notices.say(answer.note);
    this.asked.add(answer.job);
    this.refreshJobs();
    return answer.job;
  }

  async cancel(job) {
    return this.call("cancel", { job });
  }

  /**
   * Changes what is in force at a take's place: choose, revert, redo or delete. Returns the result, or null.
   * part: {start, end} on the timeline, for choose; all of the take without it.
   */
  async change(action, take, part = {}) {
    const done = await this.call(`takes.${action}`, { take, ...part });
    if (done) await this.refreshTakes();
    return done;
  }

  /** Notes something on a take: name, stars, hidden. Returns what is noted then, or undefined. */
  async mark(take, values) {
    const done = await this.call("takes.mark", { take, ...values });
    if (done) this.#marked({ ...done, called: done.name });
    return done;
  }

  #marked({ take, called = "", stars = 0, hidden = false }) {
    const takes = this.store.get("takes").map((entry) => (entry.take === take ? { ...entry, name: called, stars, hidden } : entry));
    this.store.set({ takes });
  }

  /** Undoes or redoes what was accepted last in the song, in whichever region. Returns the result, or null. */
  async walk(action) {
    const song = this.store.get("takesOf");
    const done = song ? await this.call(`songs.${action}`, { song }) : null;
    if (done) await this.refreshTakes();
    return done;
  }

  /**
   * Has the server write a file; moved(fraction) as it goes, and lasting(cancel) when it takes longer than a second.
   * Returns the result, or undefined when it failed or was cancelled.
   */
  export(params, moved, lasting) {
    return this.#followed("export", params, moved, lasting);
  }

  /** Has a network listen to takes, by takes.rank or takes.words; otherwise as `export`. */
  listen(method, params, moved, lasting) {
    return this.#followed(method, params, moved, lasting);
  }

  async #followed(method, params, moved = () => undefined, lasting = () => undefined) {
    const id = `on${Date.now().toString(36)}`;
    this.following.set(id, moved);
    // What has just ended cannot be cancelled any more, and its answer says how it ended.
    const cancel = () => this.connection.call("cancel", { job: id }).catch(() => undefined);
    const timer = setTimeout(() => lasting(cancel), LASTING);
    try {
      return await this.connection.call(method, { id, ...params }, 0);
    } catch (error) {
      if (error.code === "cancelled") this.notices.say(error.message);
      else this.notices.error(error);
      return undefined;
    } finally {
      clearTimeout(timer);
      this.following.delete(id);
    }
  }

  /** Sends a file's bytes; resolves with the source's name. moved(fraction) as it goes. Rejects with an error. */
  async upload(file, moved) {
    const hash = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
      moved((at / file.size) * 0.3);
    }
    const id = `up${Date.now().toString(36)}`;
    await this.connection.call("upload.begin", { id, name: file.name.slice(0, 255), size: file.size, sha256: hash.hex() });
    const ended = new Promise((resolve, reject) => this.uploads.set(id, { resolve, reject }));
    let refused = false;
    ended.catch(() => {
      refused = true;
    });
    for (let at = 0; at < file.size && !refused; at += PIECE) {
      await this.connection.sendBytes(await file.slice(at, at + PIECE).arrayBuffer());
      moved(0.3 + (Math.min(file.size, at + PIECE) / file.size) * 0.65);
    }
    return ended;
  }

  #uploadEnded(name, values) {
    const upload = this.uploads.get(values.id);
    if (!upload) {
      if (name === "failed") this.notices.error(new Refused({ message: values.sentence, data: values }));
      return;
    }
    this.uploads.delete(values.id);
    if (name === "ok") upload.resolve(values.text);
    if (name === "ok" && values.note) this.notices.say(values.note);
    else upload.reject(new Refused({ message: values.sentence, data: values }));
  }
}

const tokenOf = (query) => new URLSearchParams(query).get("token");

/** The token in what was typed or pasted: the token itself, or an address that ends with it. */
export function tokenIn(text) {
  const given = text.trim();
  const [, query] = /^\w+:\/\/[^?]*(\?[^#]*)/.exec(given) ?? [];
  return (query && tokenOf(query)?.trim()) || given;
}

function pick(values, names) {
  return Object.fromEntries(names.filter((name) => values[name] !== undefined).map((name) => [name, values[name]]));
}

function sameGrid(before, after) {
  return Boolean(before) && JSON.stringify(before.grid) === JSON.stringify(after.grid);
}

/** Newest job first; a job's takes in their order. */
function ordered(takes) {
  const newest = new Map();
  for (const take of takes) newest.set(take.job, Math.max(newest.get(take.job) ?? 0, take.created));
  return [...takes].sort(
    (a, b) => newest.get(b.job) - newest.get(a.job) || a.job.localeCompare(b.job) || a.number - b.number || a.stem.localeCompare(b.stem),
  );
}

/** The regions of a job, in samples, as far as they are known here. */
export function regionsOfJob(job, grid, rate) {
  const { regions } = job.request;
  return (regions ?? [job.request]).map((one) => regionOfJob({ request: one }, grid, rate)).filter(Boolean);
}

/** The region of a job, in samples; null if it is unknown here. */
export function regionOfJob(job, grid, rate) {
  const { start, end, bars } = job.request;
  if (bars) return barsNamed(bars, grid);
  const from = samples(start);
  const to = samples(end);
  return from !== null && to !== null && to > from ? { start: from, end: to } : null;

  function samples(position) {
    if (typeof position === "number") return position;
    if (typeof position === "string" && /^-?\d+$/.test(position)) return Number(position);
    if (typeof position === "string" && /^-?[\d.]+s$/.test(position)) return Math.round(parseFloat(position) * rate);
    const place = /^(-?\d+)\|(\d+)\|0*$/.exec(position ?? "");
    if (!place || !grid) return null;
    const at = grid.numbers.indexOf(Number(place[1]));
    if (at < 0) return null;
    return place[2] === "1" ? grid.bars[at] : grid.beats[grid.beats.indexOf(grid.bars[at]) + Number(place[2]) - 1] ?? null;
  }
}

// A strict double of Live's Extension Host (API 1.0.0), run by node: the five modules an extension gets, and a producer.
//
// Whatever is not in a table does not exist; every argument has its kind; what changes the set must happen in a
// transaction; what a transaction asks for is made when it ends, and its handle comes later; undo makes handles
// invalid. Files can be reached in the extension's two folders only, and the globals Live's host lacks are missing.
// Sources of all this: live_extension_facts.md. Commands come as JSON lines on stdin, events go out on stdout.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");
const vm = require("node:vm");

const { readWav, writeWav } = require("./live_extension_wav.js");

const [, , bundlePath, folder] = process.argv;
const LATER = 3; // milliseconds: what Live answers, it answers later
const SCOPES = new Set([
  "AudioClip", "AudioTrack", "ClipSlot", "DrumRack", "MidiClip", "MidiTrack", "Sample", "Scene", "Simpler",
  "ClipSlotSelection", "AudioTrack.ArrangementSelection", "MidiTrack.ArrangementSelection",
]);
const CLASSES = { AudioTrack: ["Track"], MidiTrack: ["Track"], AudioClip: ["Clip"], MidiClip: ["Clip"] };
const places = { temp: path.join(folder, "temp"), storage: path.join(folder, "storage"), project: path.join(folder, "project") };
for (const place of Object.values(places)) fs.mkdirSync(place, { recursive: true });

function report(event, value = null) {
  process.stdout.write(`${JSON.stringify({ event, value })}\n`);
}

// A mistake of the extension: an error there, and a failed test here.
function wrong(text) {
  report("error", text);
  return new Error(text);
}
process.on("unhandledRejection", (error) => report("error", `unhandled rejection: ${error?.stack ?? error}`));
process.on("uncaughtException", (error) => report("error", `uncaught: ${error?.stack ?? error}`));

// The set: objects by id, so that a snapshot of all of it is one undo step.

let objects = new Map();
let nextId = 100n;
let song = null;
const RULES = { tempo: 120, steps: null, rate: 44100, late: 0, autoWarp: true, refuse: {}, stretch: 0, pad: 0 };
let rules = { ...RULES };
const history = [];
const opened = { depth: 0, before: null, changed: false, pending: [] };

function make(cls, values) {
  const one = { id: nextId, cls, ...values };
  nextId += 1n;
  objects.set(one.id, one);
  return one;
}

function the(handle, cls) {
  const one = handle && typeof handle === "object" ? objects.get(handle.id) : undefined;
  if (!one) throw new Error("Invalid object reference");
  if (cls && !isOf(one, cls)) throw wrong(`a ${one.cls} was given where a ${cls} belongs`);
  return one;
}

function isOf(one, cls) {
  return one.cls === cls || (CLASSES[one.cls] ?? []).includes(cls);
}

const handle = (one) => ({ id: one.id });
const handles = (ids) => ids.map((id) => ({ id }));

// Time: the set's tempo changes at steps, [beat, bpm]; Live shows extensions the one at the playhead only.

function secondsAt(beat) {
  const steps = rules.steps ?? [[0, rules.tempo]];
  let seconds = 0;
  steps.forEach(([from, bpm], number) => {
    const to = steps[number + 1]?.[0] ?? Infinity;
    seconds += (Math.max(0, Math.min(beat, to) - from) * 60) / bpm;
  });
  return seconds;
}

const sampleAt = (beat) => Math.round(secondsAt(beat) * rules.rate);

// Changes

function withinTransaction(work) {
  if (typeof work !== "function") throw wrong("withinTransaction takes a function");
  if (opened.depth === 0) Object.assign(opened, { before: structuredClone(objects), changed: false, pending: [] });
  opened.depth += 1;
  try {
    return work();
  } finally {
    opened.depth -= 1;
    if (opened.depth === 0) endTransaction();
  }
}

function endTransaction() {
  for (const { work, onResult, onError } of opened.pending) {
    let made;
    try {
      made = work();
      opened.changed = true;
    } catch (error) {
      report("refused", error.message);
      setTimeout(() => onError(), LATER);
      continue;
    }
    setTimeout(() => onResult(made && handle(made)), LATER);
  }
  if (opened.changed) history.push(opened.before);
}

function change(name) {
  if (!opened.depth) throw wrong(`${name} outside a transaction`);
  opened.changed = true;
}

function tracks() {
  return the(song).tracks.map((id) => objects.get(id));
}

function newTrack() {
  const track = make("AudioTrack", { name: `Audio ${the(song).tracks.length + 1}`, mute: false, clips: [], lanes: [], group: null });
  the(song).tracks.push(track.id);
  return track;
}

function newClip(owner, args) {
  if (rules.refuse.clip) throw new Error("refused, as told");
  if (!path.isAbsolute(args.filePath) || !fs.existsSync(args.filePath)) throw new Error(`no file ${args.filePath}`);
  const file = readWav(args.filePath);
  const warped = args.isWarped ?? rules.autoWarp;
  const natural = (file.frames / file.rate / 60) * rules.tempo + (warped ? 4 : 0) + rules.stretch;
  const start = args.startTime;
  const end = start + Math.min(args.duration ?? natural, natural);
  const over = owner.clips.map((id) => objects.get(id)).find((clip) => clip.start < end && clip.end > start);
  if (over) throw wrong(`a clip is made over ${over.name} at ${over.start}: Live cuts that one`);
  const name = path.basename(args.filePath, path.extname(args.filePath));
  const clip = make("AudioClip", { name, path: args.filePath, start, end, warped, muted: false, parent: owner.id, made: Date.now() });
  owner.clips.push(clip.id);
  return clip;
}

// The data model: each call with the kinds of its arguments. `later` ones get two callbacks and happen at the end of the
// transaction. Kinds: a class's name for a handle of it, "string", "number", "boolean", "clip" for what clips are made of.

function checkClip(name, args) {
  const kinds = { filePath: "string", startTime: "number", duration: "number", isWarped: "boolean", loopSettings: "object" };
  if (args === null || typeof args !== "object") throw wrong(`${name} takes an object`);
  for (const [key, value] of Object.entries(args)) {
    if (!(key in kinds)) throw wrong(`${name} knows no ${key}`);
    if (value === null) throw wrong(`${name}: ${key} may not be null`);
    if (value !== undefined && typeof value !== kinds[key]) throw wrong(`${name}: ${key} must be a ${kinds[key]}`);
  }
  for (const key of ["filePath", "startTime"]) if (args[key] === undefined) throw wrong(`${name} needs ${key}`);
  if (args.startTime < 0 || args.duration <= 0) throw wrong(`${name}: no such stretch`);
  if (args.loopSettings && args.isWarped === undefined) throw wrong(`${name}: loopSettings need isWarped`);
  if (args.loopSettings?.looping && args.isWarped === false) throw wrong(`${name}: no loop without warping`);
}

function check(name, kinds, given) {
  if (given.length !== kinds.length) throw wrong(`${name} takes ${kinds.length} arguments, got ${given.length}`);
  kinds.forEach((kind, number) => {
    const value = given[number];
    if (kind === "clip") checkClip(name, value);
    else if (kind === "*") the(value);
    else if (/^[A-Z]/.test(kind)) the(value, kind);
    else if (typeof value !== kind) throw wrong(`${name}: argument ${number + 1} must be a ${kind}, got ${typeof value}`);
    else if (kind === "number" && !Number.isFinite(value)) throw wrong(`${name}: argument ${number + 1} is ${value}`);
  });
}

const READS = {
  getRoot: [[], () => handle(the({ id: 1n }))],
  rootGetSong: [["Application"], () => handle(song)],
  getObjectIsOfClass: [["*", "string"], (one, cls) => isOf(the(one), cls)],
  getObjectCanonicalParent: [["*"], (one) => (the(one).parent ? { id: the(one).parent } : null)],
  songGetTempo: [["Song"], () => rules.tempo],
  songGetTracks: [["Song"], (one) => handles(the(one).tracks)],
  songGetScenes: [["Song"], (one) => handles(the(one).scenes)],
  songGetScaleMode: [["Song"], () => the(song).scale.mode],
  songGetScaleName: [["Song"], () => the(song).scale.name],
  songGetRootNote: [["Song"], () => BigInt(the(song).scale.root)],
  sceneGetSignatureNumerator: [["Scene"], (one) => the(one).signature[0]],
  sceneGetSignatureDenominator: [["Scene"], (one) => the(one).signature[1]],
  trackGetName: [["Track"], (one) => the(one).name],
  trackGetGroupTrack: [["Track"], (one) => (the(one).group ? { id: the(one).group } : null)],
  trackGetTakeLanes: [["Track"], (one) => handles(the(one).lanes)],
  trackGetArrangementClips: [["Track"], (one) => handles(the(one).clips)],
  takelaneGetName: [["TakeLane"], (one) => the(one).name],
  takelaneGetClips: [["TakeLane"], (one) => handles(the(one).clips)],
  clipGetName: [["Clip"], (one) => the(one).name],
  clipGetStartTime: [["Clip"], (one) => the(one).start],
  clipGetEndTime: [["Clip"], (one) => the(one).end + (Date.now() - the(one).made < rules.late ? 4 : 0)],
  clipGetMuted: [["Clip"], (one) => the(one).muted],
  audioclipGetWarping: [["AudioClip"], (one) => the(one).warped],
};
const WRITES = {
  trackSetName: [["Track", "string"], (one, name) => { the(one).name = name; }],
  trackSetMute: [["Track", "boolean"], (one, mute) => { the(one).mute = mute; }],
  takelaneSetName: [["TakeLane", "string"], (one, name) => { the(one).name = name; }],
};
const LATERS = {
  songCreateAudioTrack: [["Song"], newTrack],
  songDeleteTrack: [["Song", "Track"], (one, track) => {
    the(one).tracks = the(one).tracks.filter((id) => id !== track.id);
    objects.delete(track.id);
  }],
  trackCreateTakeLane: [["Track"], (one) => {
    const lane = make("TakeLane", { name: "Take Lane", clips: [], parent: one.id });
    the(one).lanes.push(lane.id);
    return lane;
  }],
  trackCreateAudioClip: [["AudioTrack", "clip"], (one, args) => newClip(the(one), args)],
  takelaneCreateAudioClip: [["TakeLane", "clip"], (one, args) => newClip(the(one), args)],
};

const dataModel = { withinTransaction };
for (const [name, [kinds, work]] of Object.entries(READS)) {
  dataModel[name] = (...given) => { check(name, kinds, given); return work(...given); };
}
for (const [name, [kinds, work]] of Object.entries(WRITES)) {
  dataModel[name] = (...given) => { check(name, kinds, given); change(name); work(...given); };
}
for (const [name, [kinds, work]] of Object.entries(LATERS)) {
  dataModel[name] = (...given) => {
    check(name, [...kinds, "function", "function"], given);
    change(name);
    const [onResult, onError] = given.slice(-2);
    opened.pending.push({ work: () => work(...given.slice(0, -2)), onResult, onError });
  };
}

// Renders, files

const resources = {
  renderPreFxAudio(lane, args, onResult, onError) {
    check("renderPreFxAudio", ["*", "object", "function", "function"], [lane, args, onResult, onError]);
    if (Object.keys(args).sort().join() !== "endTime,startTime") throw wrong(`renderPreFxAudio got ${Object.keys(args)}`);
    check("renderPreFxAudio", ["number", "number"], [args.startTime, args.endTime]);
    const track = the(lane);
    report("render", { track: track.name, start: args.startTime, end: args.endTime });
    const isGroup = tracks().some((one) => one.group === track.id);
    if (track.cls !== "AudioTrack" || isGroup || rules.refuse.render) {
      setTimeout(() => onError(), LATER);
      return;
    }
    const file = path.join(places.temp, `render-${nextId}.wav`);
    nextId += 1n;
    fs.writeFileSync(file, writeWav(mixed(track, sampleAt(args.startTime), sampleAt(args.endTime) + rules.pad), rules.rate));
    setTimeout(() => onResult(file), LATER);
  },
  importIntoProject(file, onResult, onError) {
    check("importIntoProject", ["string", "function", "function"], [file, onResult, onError]);
    if (rules.refuse.import) { setTimeout(() => onError("The disk is full"), LATER); return; }
    const copy = path.join(places.project, path.basename(file));
    fs.copyFileSync(file, copy, fs.constants.COPYFILE_EXCL);
    setTimeout(() => onResult(copy), LATER);
  },
};

// What plays on a track between two samples, in two channels: unwarped clips sample for sample.
function mixed(track, from, to) {
  const found = [new Float32Array(to - from), new Float32Array(to - from)];
  for (const clip of track.clips.map((id) => objects.get(id))) {
    if (clip.muted || clip.warped) continue;
    const file = readWav(clip.path);
    if (file.rate !== rules.rate) throw wrong(`${clip.path} is at ${file.rate} Hz in a set at ${rules.rate} Hz`);
    const first = sampleAt(clip.start);
    const last = Math.min(sampleAt(clip.end), first + file.frames);
    for (let at = Math.max(from, first); at < Math.min(to, last); at += 1) {
      found.forEach((channel, number) => { channel[at - from] += file.channels[number % file.channels.length][at - first]; });
    }
  }
  return found;
}

// The sandbox: node's own files, in two folders.
const guarded = new Proxy(fs.promises, {
  get: (target, name) => async (file, ...rest) => {
    const inside = [places.temp, places.storage].some((place) => path.resolve(file).startsWith(place + path.sep) || path.resolve(file) === place);
    const refused = rules.refuse.files && path.resolve(file).startsWith(places.temp);
    if (!inside || refused) throw Object.assign(new Error(`access denied: ${file}`), { code: "ERR_ACCESS_DENIED" });
    return target[name](file, ...rest);
  },
});
// HTTP is real; what is sent is told.
function request(options, onResponse) {
  const sent = http.request(options, onResponse);
  const end = sent.end.bind(sent);
  sent.end = (body) => {
    const rpc = options.path.startsWith("/rpc") ? JSON.parse(body) : {};
    report("http", { method: options.method, path: options.path, headers: options.headers, call: rpc.method, params: rpc.params });
    return end(body);
  };
  return sent;
}
const MODULES = { "node:fs/promises": guarded, "node:path": path, "node:http": { request } };

// Windows

const { showModal } = require("./live_extension_windows.js")(report, wrong);
const menu = [];
const registered = new Map();
let progress = null;

const ui = {
  registerContextMenuAction(scope, title, command, onRegistered) {
    check("registerContextMenuAction", ["string", "string", "string", "function"], [scope, title, command, onRegistered]);
    if (!SCOPES.has(scope)) throw wrong(`there is no scope ${scope}`);
    menu.push({ scope, title, command });
    setTimeout(() => onRegistered(() => {}), LATER);
  },
  showModalDialog: showModal,
  showProgressDialog(options, onShow, onCancelled) {
    check("showProgressDialog", ["object", "function", "function"], [options, onShow, onCancelled]);
    if (progress) throw wrong("two progress windows at once");
    const window = { closed: false, cancel: onCancelled };
    const told = ({ text, progress: percent, ...rest }) => {
      if (window.closed) throw wrong("a closed progress window is updated");
      if (Object.keys(rest).length || typeof text !== "string") throw wrong("a progress window shows a text and a number");
      if (percent !== undefined && !(percent >= 0 && percent <= 100)) throw wrong(`progress of ${percent} percent`);
      report("progress", { text, percent });
    };
    told(options);
    progress = window;
    setTimeout(() => onShow({
      update(values, onUpdated) { told(values); if (onUpdated) setTimeout(onUpdated, LATER); },
      close(onClosed) {
        window.closed = true;
        progress = null;
        report("progress closed");
        if (onClosed) setTimeout(onClosed, LATER);
      },
    }), LATER);
  },
};
const commands = {
  registerCommand(id, work) {
    check("registerCommand", ["string", "function"], [id, work]);
    if (registered.has(id)) throw wrong(`${id} is registered twice`);
    registered.set(id, work);
  },
};

// An object of which nothing exists but what is given. Symbols and `then` are what node itself asks for.
function strict(name, members) {
  return new Proxy(members, {
    get(target, key) {
      if (typeof key !== "symbol" && !(key in target)) throw wrong(`${name} has no ${key}`);
      return target[key];
    },
    set(_, key) { throw wrong(`${name}.${String(key)} cannot be set`); },
  });
}

// The producer

const DO = {
  set(values) {
    rules = { ...rules, ...values.rules };
    objects = new Map([[1n, { id: 1n, cls: "Application" }]]);
    song = handle(make("Song", { tracks: [], scenes: [], scale: { mode: false, name: "Major", root: 0, ...values.scale } }));
    for (const signature of values.scenes ?? []) the(song).scenes.push(make("Scene", { signature }).id);
    for (const given of values.tracks) {
      const track = make(given.midi ? "MidiTrack" : "AudioTrack", { name: given.name, mute: false, clips: [], lanes: [], group: null });
      the(song).tracks.push(track.id);
      for (const clip of given.clips ?? []) {
        track.clips.push(make("AudioClip", { name: path.basename(clip.path), muted: false, warped: false, made: 0, parent: track.id, ...clip }).id);
      }
    }
    for (const [name, group] of Object.entries(values.groups ?? {})) named(name).group = named(group).id;
    history.length = 0;
  },
  rules(values) { rules = { ...rules, ...values }; },
  pick({ title, scope, start, end, lanes }) {
    const action = menu.find((one) => one.title === title && one.scope === scope);
    if (!action) throw new Error(`nothing in the menu is called ${title} on ${scope}`);
    const selected = lanes.map((name) => (/[/ ]/.test(name) ? laneNamed(name) : named(name))).map(handle);
    registered.get(action.command)(
      scope.endsWith("Selection") ? { time_selection_start: start, time_selection_end: end, selected_lanes: selected } : selected[0],
    );
  },
  answer(value) { showModal.answer(value); },
  abort() { progress.cancel(); },
  "close windows"() {
    showModal.closeAll();
    rules = { ...RULES };
    setTimeout(() => report("windows closed"), 10 * LATER); // what closes with them comes first
  },
  undo() { objects = history.pop(); },
  menu() { report("menu", menu); },
  state() { report("state", { tracks: tracks().map(shown), steps: history.length, temp: filesIn(places.temp) }); },
};

function named(name) { return tracks().find((track) => track.name === name); }
function laneNamed(name) { // "Band/Takebridge 1", or "the clip Band": something else that has a handle
  if (name.startsWith("the clip ")) return objects.get(named(name.slice(9)).clips[0]);
  const [track, lane] = name.split("/");
  return named(track).lanes.map((id) => objects.get(id)).find((one) => one.name === lane);
}
function clipsOf(owner) {
  return owner.clips.map((id) => objects.get(id)).map(({ name, path: file, start, end, warped }) => ({ name, path: file, start, end, warped }));
}
function shown(track) {
  const lanes = track.lanes.map((id) => objects.get(id)).map((lane) => ({ name: lane.name, clips: clipsOf(lane) }));
  return { name: track.name, mute: track.mute, clips: clipsOf(track), lanes };
}
function filesIn(place) {
  return fs.readdirSync(place, { withFileTypes: true }).flatMap((one) =>
    one.isDirectory() ? filesIn(path.join(place, one.name)) : [one.name]);
}

const extension = { exports: {} };
const allowed = (name) => {
  if (!(name in MODULES)) throw wrong(`the extension requires ${name}`);
  return MODULES[name];
};
const log = (...words) => report("log", words.map(String).join(" "));
const missing = ["fetch", "URL", "URLSearchParams", "AbortController", "Request", "Response", "Blob", "FormData"];
const run = vm.compileFunction(fs.readFileSync(bundlePath, "utf8"), ["module", "exports", "require", "console", ...missing]);
run(extension, extension.exports, allowed, { log, info: log, warn: log, error: log });
const environment = { tempDirectory: places.temp, storageDirectory: places.storage, language: "EN" };
DO.set({ tracks: [] });
extension.exports.activate({
  hostApiVersion: "1.0.0",
  initializeExtensionHost(options) {
    if (JSON.stringify(options) !== '{"apiVersion":"1.0.0"}') throw wrong("initializeExtensionHost takes an API version");
    const modules = { commands, dataModel, environment, resources, ui };
    return strict("the host", Object.fromEntries(Object.entries(modules).map(([name, members]) => [name, strict(name, members)])));
  },
});
report("listening");
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { command, values } = JSON.parse(line);
  DO[command](values);
}).on("close", () => process.exit(0));

/** Puts the page together. */

import { Arranger } from "./arranger.js";
import { Attention } from "./attention.js";
import { Bridge } from "./bridge.js";
import { Cancelling } from "./cancelling.js";
import { SongChords } from "./chords.js";
import { byId, loadIcons, setText } from "./dom.js";
import { Jobs } from "./jobs.js";
import { Keyboard } from "./keyboard.js";
import { Lanes } from "./lanes.js";
import { Listening } from "./listening.js";
import { Models, transferName } from "./models.js";
import { Notices } from "./notices.js";
import { Pointing } from "./pointing.js";
import { Regions } from "./regions.js";
import { RequestForm } from "./request_form.js";
import { Saving } from "./saving.js";
import { applyScheme, switchScheme } from "./scheme.js";
import { Songs } from "./songs.js";
import { Sounds } from "./sounds.js";
import { Store } from "./store.js";
import { TakeListTools, keptOrder } from "./take_list_tools.js";
import { TakeMarks, neighbour } from "./take_marks.js";
import { TakeCard } from "./take_card.js";
import { Training } from "./training.js";
import { Transport } from "./transport.js";
import { regionName } from "./words.js";

/** What this page alone remembers over a reload: which takes are listed, and which one the keys are about. */
const FILTER = "takebridge.filter";
const SELECTED = "takebridge.selected";

const store = new Store({
  connection: "connecting", // "connecting", "open", "lost"
  opened: 0, // counts connections
  locked: null, // "needed" or "wrong": the server wants a token; "late": too many wrong ones came, and it says in lockedWords
  lockedWords: "", // when it listens again
  status: null, engines: null, songs: null, recent: null, // as the server sends them
  focus: null, grid: null, // focus.show, and its grid ready for use
  marked: [], // regions that are rendered with the selected one
  dragged: null, // the region while it is dragged, until the server has it
  jobs: new Map(), lastEnded: null,
  accepted: [], // what is accepted in the song, rows of what it is there, its first sample and the first after it
  takes: [], takesOf: null, // of the song with this digest, newest job first
  chords: [], // [[sample, name]] over the bars
  selected: null, // id of the take the keys are about
  transfer: null, // the download of a model, as the server sends it
  training: null, // the last news of a training; the finished ones that requests can use, {name, adapter}
  sounds: [],
  order: keptOrder(), matches: {}, heard: {}, showHidden: false, // how takes are listed
  filter: sessionStorage.getItem(FILTER) ?? "all",
  place: null, // where takes play: "here" in this browser, or "bridge"; null until it is known
  audition: null, auditionAt: 0, // there, and why nothing can be heard
  silent: "",
  bridgeAudition: null, bridgeAuditionAt: 0, devices: [], bridgeSilent: null, // on the server's machine
  playheadAt: 0,
  view: null, // {first, scale}: the stretch of the timeline on the screen
});

applyScheme();
const notices = new Notices();
const bridge = new Bridge(store, notices);
const sounds = new Sounds((path) => bridge.locate(path), () => arranger.invalidate());
const arranger = new Arranger(store, bridge, sounds);
new SongChords(store, bridge);

const selectedTake = () => store.get("takes").find((take) => take.take === store.get("selected")) ?? null;
const withSelected = (work) => () => {
  const take = selectedTake();
  if (take) return work(take.take);
  notices.say("No take is selected.", "Select one with ↑ and ↓.");
  return undefined;
};

/** Everything that can be done, by keys, buttons and lanes alike. */
const actions = {
  select(id) {
    store.set({ selected: id });
    if (transport.playing && store.get("audition").take && store.get("audition").take !== id) listening.call("audition.play", { take: id });
  },
  step: (step) => lanes.step(step),
  async play(id) {
    store.set({ selected: id });
    if (await listening.canHear()) await listening.call("audition.play", { take: id });
  },
  async playJob(job) {
    if (await listening.canHear()) await listening.call("audition.play", { job });
  },
  async playOrStop() {
    if (transport.playing) await listening.call("audition.stop");
    else if (!(await listening.canHear())) return;
    else if (selectedTake()) await listening.call("audition.play", { take: selectedTake().take, side: store.get("audition").side ?? "take" });
    else if (store.get("focus")?.song) {
      const region = arranger.region;
      await listening.call("audition.play", { source: store.get("focus").request.source, ...(region ? { start: region.start, end: region.end } : {}) });
    }
  },
  /** While nothing plays, hearing a side begins with it. */
  async side(side) {
    if (!(await listening.canHear())) return;
    if (transport.playing) await listening.call("audition.ab", { side });
    else if (selectedTake()) await listening.call("audition.play", { take: selectedTake().take, side });
    else await actions.playOrStop();
  },
  original: () => actions.side("original"),
  hearTake: () => actions.side("take"),
  async loop() {
    if (await listening.canPlay()) await listening.call("audition.loop", { on: !store.get("audition").loop });
  },
  hearing: () => transport.hearing.toggle(),
  async match() {
    if (await listening.canPlay()) await listening.call("audition.match", { on: !store.get("audition").match });
  },
  async accept(id) {
    store.set({ selected: id });
    if (await bridge.change("choose", id)) notices.announce("Accepted: this take is now in the song.");
  },
  async acceptPart(id, part) {
    store.set({ selected: id });
    if (await bridge.change("choose", id, part)) notices.announce(`Accepted: ${regionName(part, store.get("grid"), arranger.rate)} of this take is now in the song.`);
  },
  acceptPartSelected: withSelected((id) => {
    const { part } = card;
    if (part) return actions.acceptPart(id, part);
    notices.say("The region is not a part of this take.", "Select some bars inside the take, or press Enter to accept all of it.");
    return undefined;
  }),
  async walk(action) {
    const done = await bridge.walk(action);
    if (!done) return;
    const origin = store.get("focus")?.song?.position ?? 0;
    const place = regionName({ start: done.start + origin, end: done.end + origin }, store.get("grid"), arranger.rate);
    notices.announce(`${action === "undo" ? "Undone" : "Redone"}, ${place}: ${done.chosen ? "a take is in the song" : "back to the original"}.`);
    if (done.chosen) store.set({ selected: done.chosen });
  },
  async revert(id) {
    const done = await bridge.change("revert", id);
    if (done) notices.announce(done.chosen ? "The take accepted before is back." : "Back to the original.");
  },
  async redo(id) {
    const done = await bridge.change("redo", id);
    if (done) notices.announce("The take that was reverted is back in the song.");
  },
  async remove(id) {
    const next = neighbour(lanes.shown, id);
    const done = await bridge.change("delete", id);
    if (done) marks.leave(id, next);
    if (done) notices.announce(`The take is deleted.${done.clip ? ` Its clip file stays: ${done.clip}` : ""}`);
  },
  giveStars: (count) => withSelected(() => marks.giveStars(count))(),
  renameSelected: withSelected(() => marks.askName()),
  askToDelete: withSelected(() => card.askRemoval()),
  acceptSelected: withSelected((id) => actions.accept(id)),
  revertSelected: withSelected((id) => actions.revert(id)),
  redoSelected: withSelected((id) => actions.redo(id)),
  again: (id) => bridge.vary(id, {}),
  againSelected: withSelected((id) => actions.again(id)),
  vary: (id, changes) => bridge.vary(id, changes),
  varySelected: withSelected(() => card.toggleVary()),
  spectrogram: withSelected(() => card.toggleSpectrogram()),
  repaint: () => form.submit("repaint"),
  markRegion: () => regions.mark(),
  mix: (take, which) => listening.mix(take, which),
  saveStems: (id, lasting) => saving.saveStems(id, lasting),
  get stems() {
    return listening.stems;
  },
  cancel: () => cancelling.cancel(),
  nudge: (bars, resize) => arranger.nudge(bars, resize),
  zoom: (factor) => store.get("view") && arranger.zoom(factor),
  zoomRegion: () => store.get("view") && arranger.zoomToRegion(),
  zoomAll: () => store.get("view") && arranger.zoomToAll(),
  prompt: () => byId("f-prompt").focus(),
  switchScheme,
  help: () => keyboard.help(),
  /** Chromium saves what `DownloadURL` names where it is dropped: a desktop, a folder, a DAW's track. */
  dragOut(event, id, file = "clip.wav") {
    const take = store.get("takes").find((entry) => entry.take === id);
    const address = bridge.locate(`takes/${encodeURIComponent(id)}/${file}`);
    const stem = take.stem === "mix" ? "" : `.${take.stem}`;
    const name = `${take.title}.${take.name || take.task}.${take.number}${stem}${file === "clip.wav" ? "" : `.${file.replace(/\.wav$/, "")}`}.wav`;
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("DownloadURL", `audio/wav:${name.replace(/[:/\\]/g, "-")}:${address}`);
    event.dataTransfer.setData("text/uri-list", address);
  },
};

const regions = new Regions(store, arranger, bridge, notices);
const lanes = new Lanes(store, arranger, bridge, actions);
const form = new RequestForm(store, arranger, bridge, notices, regions);
const jobs = new Jobs(store, arranger, bridge, notices);
const cancelling = new Cancelling(store, bridge, jobs);
const attention = new Attention(store, jobs, notices);
const marks = new TakeMarks(store, bridge, lanes, notices);
const card = new TakeCard(store, arranger, bridge, actions, notices, marks);
new TakeListTools(store, bridge);
new Models(store, bridge, notices);
new Training(store, bridge, notices, form);
const listening = new Listening(store, bridge, notices, lanes);
const transport = new Transport(store, arranger, listening, actions);
new Pointing(arranger, store, bridge, listening, regions);
new Songs(store, bridge, notices).tempo.where = (now) => transport.position(now);
const saving = new Saving(store, bridge, notices);
const keyboard = new Keyboard(actions, attention);

for (const [id, act] of [
  ["zoom-in", () => actions.zoom(1.6)],
  ["zoom-out", () => actions.zoom(1 / 1.6)],
  ["zoom-region", actions.zoomRegion],
  ["zoom-all", actions.zoomAll],
]) byId(id).addEventListener("click", act);

store.watch(["connection", "opened", "locked"], ({ connection, opened, locked }) => {
  byId("connection").dataset.state = connection;
  byId("top").dataset.state = connection;
  const words = { open: "connected", connecting: opened ? "reconnecting …" : "connecting …", lost: "server not reachable; retrying …" };
  setText(byId("connection-text"), locked === "late" ? "waiting …" : locked ? "token required" : words[connection]);
});
store.watch(["status", "engines", "transfer"], ({ status, engines, transfer }) => {
  const engine = status ? `engine: ${engines?.[status.engine]?.label ?? status.engine}` : "";
  setText(byId("engine-name"), transferName(transfer) || engine);
});
store.watch(["filter", "selected"], ({ filter, selected }) => {
  sessionStorage.setItem(FILTER, filter);
  if (selected) sessionStorage.setItem(SELECTED, selected);
});
// A song that comes into view has a take in hand: the one that was before a reload, or the newest of what is selected.
store.watch(["takesOf"], ({ takes }) => {
  const kept = sessionStorage.getItem(SELECTED);
  const { region } = arranger;
  const inside = region ? takes.filter((entry) => entry.position < region.end && entry.position + entry.length > region.start) : [];
  const exact = inside.find((entry) => entry.position === region.start && entry.position + entry.length === region.end);
  const take = takes.find((entry) => entry.take === kept) ?? exact ?? inside[0] ?? takes[0];
  if (take && !store.get("selected")) store.set({ selected: take.take });
});

const narrow = matchMedia("(max-width: 820px)");
const placeTools = () => (narrow.matches ? byId("lane-tools") : document.querySelector(".ruler-row .gutter")).append(byId("tools"));
narrow.addEventListener("change", placeTools);
placeTools();
store.watch(["opened"], ({ opened }) => opened > 1 && sounds.forgive());

// What tests and benchmarks measure.
globalThis.panel = { store, arranger, bridge, sounds, lanes, listening };

loadIcons().catch(() => undefined); // without them every control still has its name
bridge.open();

/** The request: task, prompt, strength, number of takes. Shows only what the task and the engine support. */

import { Blueprint } from "./blueprint.js";
import { button, byId, make, setText, show } from "./dom.js";
import { COVER, coverFields, coverFieldShown, coverValues } from "./cover_fields.js";
import { hearsField, hearsMore } from "./hears.js";
import { translated } from "./language.js";
import { Lyrics, read } from "./lyrics.js";
import { modelNamed, transferName } from "./models.js";
import { Presets } from "./presets.js";
import { PromptReading } from "./prompt_reading.js";
import { abilities, counted, duration, regionName, taskName } from "./words.js";

const KEPT = "takebridge.draft";

/** Per task: what it is, in a sentence; its fields; whether it needs a region. */
const TASKS = {
  repaint: { doc: "A new take of the region. Everything outside stays bit-identical.", fields: ["prompt", "strength", "layers", "lyrics"], needs: "region" },
  complete: { doc: "Fills the region with a continuation; without a region, continues the song past its end.", fields: ["prompt", "strength", "length", "ending", "lyrics"], needs: "song" },
  accompany: { doc: "A backing for a voice or a solo instrument.", fields: ["prompt", "chords", "strength", "instruments"], needs: "song" },
  extract: { doc: "Stems of the region, or of the whole song. They sum to the song.", fields: ["stems"], needs: "song", single: true },
  lego: { doc: "One more track that fits the song.", fields: ["prompt", "stems"], needs: "song" },
  cover: { doc: "The same song in another style, or with other words.", fields: ["prompt", "strength", "lyrics", "lyric_times", ...Object.keys(COVER)], needs: "song" },
  generate: { doc: "A new song from a description.", fields: ["prompt", "length", "lyrics", "lyric_times"], needs: "nothing" },
};

/** For engines that name no examples of their own. */
const HINTS = {
  repaint: "what it should sound like",
  complete: "where it should go",
  accompany: "the style",
  lego: "what the track should play",
  cover: "the style",
  generate: "the song, in your own words",
};

/** Of an option that a producer named. */
const OWN = { translate: false };

/** How deep a clip is at least; a deeper song keeps its own depth. */
const DEPTHS = [["song", "as the song"], ["24", "24 bits"], ["float", "32-bit float"]];

const EMPTY = { task: "repaint", takes: 2, strength: 0.5, prompt: "", seed: "", layers: "all", length: "8 bars", hears: "accepted", context: "", crossfade: "", depth: "song", match: true, ending: false, lyrics: "", lyric_times: false, chords: "", instruments: [], stems: [], engine: "", sound: "", sound_strength: 1, ...COVER };

export class RequestForm {
  constructor(store, arranger, bridge, notices, regions) {
    this.store = store;
    this.arranger = arranger;
    this.bridge = bridge;
    this.regions = regions;
    this.empty = EMPTY;
    this.lyrics = new Lyrics();
    this.reading = new PromptReading(bridge, "prompt-reading");
    this.presets = new Presets(store, bridge, notices, this);
    this.draft = { ...EMPTY, ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };
    this.form = byId("request-form");
    this.blueprint = new Blueprint(store, bridge, this);
    this.#build();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.form.addEventListener("input", (event) => {
      event.target.removeAttribute("aria-invalid");
      this.#read();
    });
    this.form.addEventListener("change", () => this.#read());
    store.watch(["engines", "status"], () => this.#engineChanged());
    store.watch(["transfer"], () => this.#showEngine());
    store.watch(["sounds"], () => this.#engineChanged());
    store.watch(["focus", "dragged", "marked", "grid", "connection", "accepted"], () => this.#words());
  }

  get engine() {
    const { engines, status } = this.store.values;
    return engines?.[this.draft.engine || status?.engine] ?? null;
  }

  /** Whether what is accepted in the song makes a difference to this request. */
  get hearsMore() {
    const { accepted, focus } = this.store.values;
    return hearsMore(this.draft.task, accepted, this.arranger.region, focus?.song?.position ?? 0);
  }

  /** Why a task cannot be done; empty when it can. */
  reason(task) {
    return this.engine?.cannot?.[task] ?? "";
  }

  choose(task) {
    this.draft.task = task;
    this.#keep();
    this.#engineChanged();
  }

  /** Submits the draft, or another task with the same values. */
  async submit(task = this.draft.task) {
    if (task !== this.draft.task) this.choose(task);
    const problem = this.#problem();
    if (problem) {
      this.bridge.notices.error({ message: problem.sentence, remedy: problem.remedy });
      return null;
    }
    return this.bridge.request(task, this.given(), (error) => this.#refused(error.field));
  }

  /** Points at the value the server would not take, until it is changed. */
  #refused(name) {
    const input = this.form.elements[name];
    if (!(input instanceof HTMLElement)) return;
    const fold = input.closest("details");
    if (fold) fold.open = true;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  #problem() {
    const { focus, connection } = this.store.values;
    const { task } = this.draft;
    const needs = TASKS[task].needs;
    if (connection !== "open") return { sentence: "The server cannot be reached.", remedy: "The page reconnects automatically." };
    if (this.reason(task)) return { sentence: `${taskName(task)} is not possible with this engine.`, remedy: this.reason(task) };
    if (needs !== "nothing" && !focus?.song) return { sentence: "No song is loaded.", remedy: "Choose one at the top." };
    if (needs === "region" && !this.regions.all.length) return { sentence: "No region is selected.", remedy: "Drag over some bars in the waveform." };
    if (task === "generate" && !this.draft.prompt.trim()) return { sentence: "The prompt is empty.", remedy: "Describe the song in words." };
    return null;
  }

  /** The request's own values, as the server knows them. */
  given() {
    const { draft } = this;
    const { fields, needs, single } = TASKS[draft.task];
    const has = (name) => fields.includes(name);
    const given = { id: `p${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}` };
    const region = this.arranger.region;
    if (needs !== "nothing" && region) Object.assign(given, region);
    else if (has("length") && draft.length.trim()) given.length = draft.length.trim();
    if (has("prompt") && draft.prompt.trim()) given.prompt = draft.prompt.trim();
    if (has("strength") && !(draft.task === "cover" && draft.edit && this.engine?.edits)) given.strength = Number(draft.strength);
    Object.assign(given, coverValues(this.engine, draft));
    if (has("layers") && draft.layers !== "all" && this.engine?.layers?.includes(draft.layers)) given.layers = draft.layers;
    if (has("ending") && draft.ending) given.ending = true;
    if (has("lyrics") && draft.lyrics.trim() && this.engine?.lyrics_characters !== 0) given.lyrics = draft.lyrics.trim();
    if (has("lyric_times") && draft.lyric_times && this.timesLyrics(draft.lyrics)) given.lyric_times = true;
    if (has("chords") && draft.chords.trim() && this.engine?.follows_chords) given.chords = draft.chords.trim();
    for (const name of ["instruments", "stems"]) {
      const chosen = has(name) ? draft[name].filter((entry) => this.engine?.[name]?.includes(entry)) : [];
      if (chosen.length) given[name] = chosen;
    }
    if (!single) given.takes = Number(draft.takes);
    if (String(draft.seed).trim()) given.seed = String(draft.seed).trim(); // as text: a number would be rounded above 2^53
    if (draft.engine) given.engine = draft.engine;
    if (draft.sound && this.hasSounds) given.options = { adapter: draft.sound, adapter_strength: Number(draft.sound_strength) };
    if (this.hearsMore) given.hears = draft.hears;
    if (String(draft.context).trim()) given.context = Number(draft.context);
    if (["repaint", "complete"].includes(draft.task)) {
      if (String(draft.crossfade).trim()) given.crossfade = Number(draft.crossfade);
      if (!draft.match) given.match_loudness = false;
      if (draft.depth !== "song") given.depth = draft.depth;
    }
    return needs === "nothing" ? given : this.regions.into(given);
  }

  #build() {
    const field = (name, label, input, note) => make("div", { class: "field", "data-field": name }, make("label", { class: "label", for: input.id }, label, note ?? null), input);
    const number = (name, properties) => make("input", { id: `f-${name}`, name, type: "number", inputMode: "decimal", ...properties });
    this.tasks = make("div", { class: "tasks", role: "radiogroup", "aria-label": "Task" });
    for (const task of Object.keys(TASKS)) {
      this.tasks.append(make("button", { type: "button", role: "radio", "data-task": task, onclick: () => this.choose(task) }, taskName(task)));
    }
    this.tasks.addEventListener("keydown", (event) => this.#taskKey(event));
    this.doc = make("p", { class: "task-doc" });
    this.reasonBox = make("p", { class: "reason", hidden: true });
    this.getModel = button("Get the model…", { id: "get-model", class: "small", hidden: true, "aria-haspopup": "dialog" });
    const prompt = make("textarea", { id: "f-prompt", name: "prompt", rows: 2, maxLength: 2000, "aria-describedby": "prompt-reading" });
    prompt.addEventListener("keydown", (event) => this.presets.promptKey(event));
    this.promptField = prompt;
    this.strengthShown = make("output", {});
    const strength = make("input", { id: "f-strength", name: "strength", type: "range", min: 0, max: 1, step: 0.05 });
    const strengthField = field("strength", "Strength", strength, this.strengthShown);
    strengthField.append(make("div", { class: "ends" }, make("span", {}, "close to the original"), make("span", {}, "far from it")));
    const chords = make("textarea", { id: "f-chords", name: "chords", rows: 1, maxLength: 16000, spellcheck: false, placeholder: "Am F C G, a chord per bar; or Am F | C G; or 1|1 Am 1|3 F/C", "aria-describedby": "prompt-reading" });
    const layers = make("select", { id: "f-layers", name: "layers" });
    const length = make("input", { id: "f-length", name: "length", type: "text", placeholder: "8 bars" });
    const ending = make("label", { class: "check", "data-field": "ending" }, make("input", { type: "checkbox", name: "ending" }), "end the song there");
    this.choices = {};
    const choice = (name, label) => {
      this.choices[name] = make("div", { class: "choices" });
      return make("fieldset", { "data-field": name }, make("legend", { class: "label" }, label), this.choices[name]);
    };
    const takes = number("takes", { min: 1, max: 8, step: 1 });
    const stepper = make("div", { class: "stepper" }, button("One take less", { picture: "minus", onclick: () => this.#count(-1) }), takes, button("One take more", { picture: "plus", onclick: () => this.#count(1) }));
    const seed = number("seed", { step: 1, placeholder: "new" });
    const seedBox = make("div", { class: "with-button" }, seed, button("New seed for each request", { picture: "dice", onclick: () => this.#set("seed", "") }));
    const takesField = make("div", { "data-field": "takes" }, make("label", { class: "label", for: "f-takes" }, "Takes"), stepper);
    const seedField = make("div", {}, make("label", { class: "label", for: "f-seed" }, "Seed"), seedBox);
    const engine = make("select", { id: "f-engine", name: "engine" });
    const sound = make("select", { id: "f-sound", name: "sound" });
    const depth = make("select", { id: "f-depth", name: "depth" }, ...DEPTHS.map(([value, label]) => make("option", { value }, label)));
    const match = make("label", { class: "check", "data-field": "match" }, make("input", { type: "checkbox", name: "match" }), "match the loudness of the original");
    const more = make("details", { id: "more-fold" }, make("summary", {}, "More", (this.engineShown = make("span", { class: "quiet", id: "more-engine" }))),
      make("div", { class: "fold" },
        field("layers", "Layers to replace", layers),
        field("engine", "Engine", engine),
        make("div", { class: "tools" },
          button("Models and device…", { id: "models-button", class: "small", "data-models": "", "aria-haspopup": "dialog" }),
          button("Train a sound…", { id: "training-button", class: "small", "data-training": "", "aria-haspopup": "dialog" })),
        make("div", { class: "pair" },
          field("sound", "Trained sound", sound),
          field("sound_strength", "Its strength", number("sound_strength", { min: -2, max: 2, step: 0.1 }))),
        make("div", { class: "pair" },
          field("context", "Context, seconds", number("context", { min: 0, max: 600, step: 1, placeholder: "auto" })),
          field("crossfade", "Crossfade, ms", number("crossfade", { min: 0, max: 1000, step: 1, placeholder: "12" }))),
        field("depth", "Depth of the clips", depth),
        match));
    this.submitText = make("span", {}, "Repaint");
    this.submitKey = make("span", { class: "key" }, "R");
    this.submitButton = make("button", { type: "submit", id: "submit", class: "primary" }, this.submitText, this.submitKey);
    this.under = make("p", { class: "under" });
    const promptBox = make("div", { class: "field", "data-field": "prompt" },
      make("div", { class: "label" }, make("label", { for: "f-prompt" }, "Prompt"), this.presets.buttons), prompt, this.presets.list);
    this.form.append(
      this.tasks, this.doc, this.reasonBox, this.getModel,
      promptBox,
      field("chords", "Chords (none: the engine finds them)", chords),
      ...coverFields(),
      strengthField,
      choice("instruments", "Instruments (none: automatic)"),
      choice("stems", "Stems (none: all)"),
      this.lyrics.box,
      make("label", { class: "check", "data-field": "lyric_times", title: "In the take's recipe, as markers in its clip, and as a file of lyrics (LRC)" }, make("input", { type: "checkbox", name: "lyric_times" }), "mark when each line is sung"),
      field("length", "Length", length),
      ending,
      make("div", { class: "pair" }, takesField, seedField),
      more, hearsField(), this.submitButton, this.under, this.reading.box,
    );
    this.#write();
  }

  /** Takes values over, from a preset or from a prompt used before. */
  apply(values) {
    Object.assign(this.draft, values);
    for (const box of Object.values(this.choices)) box.dataset.entries = ""; // drawn anew
    this.#write();
    this.#keep();
    this.#engineChanged();
  }

  /** Whether the engine can take a trained sound, and there is one. */
  get hasSounds() {
    return Boolean(this.engine?.options?.adapter) && (this.store.get("sounds").length > 0 || Boolean(this.draft.sound));
  }

  /** The next requests have this sound; where their engine takes none, they go to one that does. False: none does. */
  useSound(adapter) {
    const takes = ([, entry]) => Boolean(entry.options?.adapter);
    const able = this.engine?.options?.adapter ? this.draft.engine : Object.entries(this.store.get("engines") ?? {}).find(takes)?.[0];
    if (able === undefined) return false;
    byId("more-fold").open = true;
    this.apply({ sound: adapter, engine: able });
    byId("f-sound").focus();
    return true;
  }

  #taskKey(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const names = Object.keys(TASKS);
    const next = names[(names.indexOf(this.draft.task) + step + names.length) % names.length];
    this.choose(next);
    this.tasks.querySelector(`[data-task="${next}"]`).focus();
  }

  #count(step) {
    this.#set("takes", Math.min(8, Math.max(1, Number(this.draft.takes) + step)));
  }

  #set(name, value) {
    this.draft[name] = value;
    this.#write();
    this.#keep();
    this.#words();
  }

  /** Draft -> fields. */
  #write() {
    for (const input of this.form.elements) {
      if (!(input.name in this.draft)) continue;
      const value = this.draft[input.name];
      if (input.type === "checkbox") input.checked = Array.isArray(value) ? value.includes(input.value) : value;
      else if (input.value !== String(value)) input.value = value;
    }
  }

  /** Fields -> draft. */
  #read() {
    for (const input of this.form.elements) {
      if (!(input.name in this.draft)) continue;
      if (input.type !== "checkbox") this.draft[input.name] = input.value;
      else if (!Array.isArray(this.draft[input.name])) this.draft[input.name] = input.checked;
    }
    for (const [name, box] of Object.entries(this.choices)) {
      if (box.children.length) this.draft[name] = [...box.querySelectorAll("input:checked")].map((input) => input.value);
    }
    this.#keep();
    this.#engineChanged();
  }

  #keep() {
    sessionStorage.setItem(KEPT, JSON.stringify(this.draft));
  }

  #engineChanged() {
    const { engines, status } = this.store.values;
    const { engine, draft } = this;
    const about = TASKS[draft.task];
    for (const item of this.tasks.children) {
      const task = item.dataset.task;
      const reason = this.reason(task);
      item.setAttribute("aria-checked", task === draft.task);
      item.setAttribute("aria-disabled", Boolean(reason));
      item.tabIndex = task === draft.task ? 0 : -1;
      item.title = reason || TASKS[task].doc;
    }
    setText(this.doc, about.doc);
    setText(this.reasonBox, this.reason(draft.task));
    show(this.reasonBox, Boolean(this.reason(draft.task)));
    const model = modelNamed(this.reason(draft.task));
    show(this.getModel, Boolean(model));
    this.getModel.dataset.models = model ?? "";
    const choices = { layers: engine?.layers ?? [], instruments: engine?.instruments ?? [], stems: engine?.stems ?? [] };
    for (const box of this.form.querySelectorAll("[data-field]")) {
      const name = box.dataset.field;
      let visible = about.fields.includes(name);
      if (name === "layers") visible &&= choices.layers.length > 1;
      if (name === "instruments" || name === "stems") visible &&= choices[name].length > 0;
      if (name === "chords") visible &&= Boolean(engine?.follows_chords);
      visible &&= coverFieldShown(name, engine, draft);
      if (name === "strength" && draft.task === "cover") visible &&= !(draft.edit && engine?.edits);
      if (name === "lyric_times") visible &&= this.timesLyrics(draft.lyrics) || (draft.task === "generate" && this.timesLyrics(this.blueprint.lyrics));
      if (name === "takes") visible = !about.single;
      if (name === "engine") visible = Object.keys(engines ?? {}).length > 1;
      if (name === "context") {
        visible = true;
        this.form.elements.context.placeholder = engine?.context_seconds ? `auto: ${engine.context_seconds}` : "auto";
      }
      if (name === "sound") visible = this.hasSounds;
      if (name === "sound_strength") visible = this.hasSounds && Boolean(draft.sound);
      if (name === "hears") visible = this.hearsMore;
      if (["crossfade", "depth", "match"].includes(name)) visible = ["repaint", "complete"].includes(draft.task);
      if (name === "length") visible &&= about.needs === "nothing" || !this.arranger.region;
      show(box, visible);
    }
    options(this.form.elements.layers, choices.layers.map((name) => [name, name]), draft.layers);
    options(this.form.elements.engine, [["", `default (${engines?.[status?.engine]?.label ?? status?.engine ?? "…"})`], ...Object.entries(engines ?? {}).map(([name, entry]) => [name, abilities(entry, translated)])], draft.engine);
    const sounds = this.store.get("sounds");
    const kept = draft.sound && !sounds.some((one) => one.adapter === draft.sound) ? [[draft.sound, draft.sound, OWN]] : [];
    options(this.form.elements.sound, [["", "no trained sound"], ...sounds.map((one) => [one.adapter, one.name, OWN]), ...kept], draft.sound);
    this.#showEngine();
    this.blueprint.update();
    this.#checks("instruments", choices.instruments);
    this.#checks("stems", choices.stems);
    const passes = engine?.stem_passes && draft.task === "extract";
    setText(this.choices.stems.parentElement.querySelector("legend"), passes ? `Stems (none: all ${choices.stems.length}, a pass each)` : "Stems (none: all)");
    this.form.elements.prompt.placeholder = engine?.hints?.[draft.task] ?? HINTS[draft.task] ?? "";
    this.lyrics.use(engine, { open: draft.task === "generate" || Boolean(draft.lyrics) });
    setText(this.strengthShown, `${Math.round(draft.strength * 100)} %`);
    this.form.elements.strength.setAttribute("aria-valuetext", this.strengthShown.textContent);
    this.#words();
  }

  /** Whether the engine can tell when these lyrics are sung: there have to be lines among them. */
  timesLyrics(lyrics) {
    return Boolean(this.engine?.times_lyrics) && read(lyrics).lines > 0;
  }

  /** Shows what a blueprint has made possible. */
  refresh() {
    this.#engineChanged();
  }

  /** What More is worth opening for: the engine, and the models, of which one may be on its way. */
  #showEngine() {
    setText(this.engineShown, this.engine ? ` · ${this.engine.label}, ${transferName(this.store.get("transfer")) || "models"}` : "");
  }

  #checks(name, entries) {
    const box = this.choices[name];
    if (box.dataset.entries === entries.join("\n")) return;
    box.dataset.entries = entries.join("\n");
    box.replaceChildren(
      ...entries.map((entry) => make("label", {}, make("input", { type: "checkbox", name, value: entry, checked: this.draft[name].includes(entry) }), entry)),
    );
  }

  #words() {
    const { task, takes } = this.draft;
    const { grid, focus } = this.store.values;
    const region = this.arranger.region;
    const { needs, single } = TASKS[task];
    const length = this.form.querySelector("[data-field=length]");
    show(this.form.querySelector("[data-field=hears]"), this.hearsMore);
    show(length, TASKS[task].fields.includes("length") && (needs === "nothing" || !region));
    const several = needs === "nothing" ? 0 : this.regions.all.length;
    const where = needs === "nothing" ? "" : several > 1 ? ` ${counted(several, "region")}` : region ? ` ${regionName(region, grid, this.arranger.rate)}` : task === "complete" ? " past the end" : needs === "song" ? " the whole song" : "";
    setText(this.submitText, needs === "nothing" ? "Generate a song" : task === "lego" ? `Add a track to${where}` : `${taskName(task)}${where}`);
    show(this.submitKey, task === "repaint");
    const problem = this.#problem();
    this.submitButton.setAttribute("aria-disabled", Boolean(problem));
    const parts = [single ? "" : counted(Number(takes) || 1, "take"), several > 1 ? "each" : region && needs !== "nothing" ? duration((region.end - region.start) / this.arranger.rate) : ""];
    setText(this.under, problem ? (problem.sentence.startsWith(taskName(task)) ? "" : `${problem.sentence} ${problem.remedy}`) : parts.filter(Boolean).join(several > 1 ? " " : " of "));
    this.#reads();
    if (focus && focus.tempo_known === false && focus.song && !problem) setText(this.under, `${this.under.textContent} · tempo not known: the bars drawn are not the song's`);
  }

  /** Has the engine's reading of the prompt shown, where there is a prompt and the engine can do the task. */
  #reads() {
    const { draft } = this;
    const has = (name) => TASKS[draft.task].fields.includes(name);
    const possible = has("prompt") && this.engine && !this.reason(draft.task);
    const lyrics = has("lyrics") && this.engine?.lyrics_characters !== 0 ? draft.lyrics.trim() : "";
    const chords = has("chords") && this.engine?.follows_chords ? draft.chords.trim() : "";
    this.reading.follow(possible ? { task: draft.task, engine: draft.engine || this.store.get("status").engine, prompt: draft.prompt.trim(), lyrics, ...(chords ? { chords } : {}) } : null);
  }
}

/** Fills a select where its entries changed. */
function options(select, entries, value) {
  const key = JSON.stringify(entries);
  if (select.dataset.entries !== key) {
    select.dataset.entries = key;
    select.replaceChildren(...entries.map(([name, label, properties]) => make("option", { value: name, ...properties }, label)));
  }
  select.value = entries.some(([name]) => name === value) ? value : entries[0]?.[0] ?? "";
}

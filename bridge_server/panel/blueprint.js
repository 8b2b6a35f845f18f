/** A new song's blueprint: planned or rewritten on request, shown as text and as a picture of its sections, edited, and rendered. */

import { button, byId, make, setText, show } from "./dom.js";
import { modelNamed } from "./models.js";
import { counted, duration } from "./words.js";

const KEPT = "takebridge.blueprint";
/** What is edited in one line each: its name in a blueprint, and its label. */
const FACTS = [["tempo", "Tempo, BPM"], ["meter", "Time signature"], ["key", "Key"], ["language", "Language"]];

/** Pure: the blueprint with what was edited in it. edits: texts by name; keeps: whether its codes are rendered. */
export function edited(found, edits, keeps) {
  const next = { ...found, caption: edits.caption.trim() };
  for (const [name] of FACTS) {
    const text = edits[name].trim();
    if (!text) delete next[name];
    else next[name] = name === "tempo" && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (edits.lyrics !== lyricsOf(found)) {
    next.lyrics = edits.lyrics.trim() ? edits.lyrics.split("\n").map((text) => ({ text })) : [];
    next.sections = []; // they were laid out for other lines
  }
  if (!keeps) next.codes = [];
  // It was said of the codes and of the words as they were planned.
  if (!keeps || ["caption", "tempo", "meter", "key", "language"].some((name) => next[name] !== found[name]) || next.lyrics !== found.lyrics) delete next.fit;
  return next;
}

/** Pure: how well a blueprint's codes fit its words, as a sentence; "" where nobody has said. */
export function fitWords({ fit }) {
  if (fit?.total === undefined) return "";
  return `Fit of codes and words: ${fit.total.toFixed(2)}, to compare with other plans of the same words.`;
}

/** Pure: a blueprint's lyrics as one text. */
export const lyricsOf = (found) => (found.lyrics ?? []).map((line) => line.text).join("\n");

export class Blueprint {
  constructor(store, bridge, form) {
    this.store = store;
    this.bridge = bridge;
    this.form = form;
    this.found = null;
    this.fields = {};
    this.job = sessionStorage.getItem(KEPT);
    this.#build();
    store.watch(["jobs"], () => {
      this.update();
      this.#fetch();
    });
  }

  #build() {
    this.plan = button("Plan the song", { id: "plan-song", text: "Plan the song", class: "small", onclick: () => this.#ask("plan") });
    this.rewrite = button("Rewrite the prompt", { id: "rewrite-prompt", text: "Rewrite the prompt", class: "small", onclick: () => this.#ask("rewrite") });
    this.reason = make("p", { class: "quiet", id: "no-planner", hidden: true });
    this.about = make("p", { class: "quiet", id: "blueprint-about" });
    this.picture = make("ol", { class: "blueprint-sections", "aria-label": "Sections and their bars" });
    const line = (name, label) => {
      this.fields[name] = make("input", { id: `b-${name}`, type: "text", spellcheck: false, oninput: () => this.#changed() });
      return make("div", {}, make("label", { class: "label", for: `b-${name}` }, label), this.fields[name]);
    };
    const text = (name, label, rows, maxLength) => {
      this.fields[name] = make("textarea", { id: `b-${name}`, rows, maxLength, oninput: () => this.#changed() });
      return make("div", {}, make("label", { class: "label", for: `b-${name}` }, label), this.fields[name]);
    };
    this.keeps = make("input", { type: "checkbox", id: "b-codes", onchange: () => this.#says() });
    this.codes = make("span", {});
    this.keepsBox = make("label", { class: "check" }, this.keeps, this.codes);
    this.warning = make("p", { class: "quiet", id: "blueprint-warning", role: "status" });
    const facts = FACTS.map(([name, label]) => line(name, label));
    this.view = make("div", { class: "blueprint", hidden: true },
      make("h3", {}, "Blueprint"), this.about, this.picture, text("caption", "Caption", 3, 2000),
      make("div", { class: "pair" }, facts[0], facts[1]), make("div", { class: "pair" }, facts[2], facts[3]),
      text("lyrics", "Lyrics of the blueprint", 6, 8000), this.keepsBox, this.warning,
      make("div", { class: "row" },
        button("Render the blueprint", { id: "render-blueprint", text: "Render the blueprint", class: "small primary", onclick: () => this.#render() }),
        button("Discard the blueprint", { text: "Discard", class: "small plain", onclick: () => this.#discard() })));
    this.box = make("div", { id: "blueprint", hidden: true }, make("div", { class: "row" }, this.plan, this.rewrite), this.reason, this.view);
    byId("request").append(this.box);
  }

  /** Shows what the task and the engines allow. */
  update() {
    const { engines, jobs } = this.store.values;
    show(this.box, this.form.draft.task === "generate");
    const able = (task) => Object.values(engines ?? {}).some((engine) => !engine.cannot?.[task]);
    const busy = [...jobs.values()].some((job) => job.job === this.job && ["queued", "running"].includes(job.state));
    for (const [task, one] of [["plan", this.plan], ["rewrite", this.rewrite]]) one.disabled = busy || !able(task);
    const reasons = Object.values(engines ?? {}).map((engine) => engine.cannot?.plan).filter(Boolean);
    // Of the engine that could with its planner: that names the models to get.
    setText(this.reason, reasons.find(modelNamed) ?? reasons.at(-1) ?? "");
    show(this.reason, Boolean(engines) && !able("plan") && reasons.length > 0);
  }

  async #ask(task) {
    const { engine, takes, options, ...given } = this.form.given();
    const job = await this.bridge.request(task, { ...given, takes: 1 });
    if (!job) return;
    this.#remember(job);
    this.update();
  }

  #remember(job) {
    this.job = job;
    if (job) sessionStorage.setItem(KEPT, job);
    else sessionStorage.removeItem(KEPT);
  }

  /** Reads the blueprint when its job is done, once: what is edited in it afterwards stays. */
  async #fetch() {
    const job = this.store.get("jobs").get(this.job);
    if (job?.state !== "done" || this.fetched === this.job) return;
    this.fetched = this.job;
    const answer = await this.bridge.read("jobs.show", { job: this.job });
    if (!answer) this.fetched = null; // tried again with the next news of jobs, after reconnecting for one
    else if (answer.blueprints?.length) this.#show(answer.blueprints[0]);
  }

  #show(found) {
    this.found = found;
    const facts = [found.seconds ? duration(found.seconds) : "", counted(found.sections?.length ?? 0, "section")].filter(Boolean).join(", ");
    setText(this.about, [`${facts}.`, fitWords(found), ...(found.notes ?? [])].filter(Boolean).join(" "));
    for (const [name, field] of Object.entries(this.fields)) field.value = name === "lyrics" ? lyricsOf(found) : found[name] ?? "";
    this.shown = this.#edits;
    this.#draw(found);
    this.keeps.checked = Boolean(found.codes?.length);
    show(this.keepsBox, Boolean(found.codes?.length));
    setText(this.codes, "render the planned audio codes (its melody and form)");
    show(this.view, true);
    this.#says();
    this.form.refresh();
  }

  /** The sections as a strip: each as wide as it is long. */
  #draw(found) {
    this.picture.replaceChildren(...(found.sections ?? []).map((one) => {
      const item = make("li", { title: `${one.name}, bars ${one.bars}` }, make("b", {}, one.name), make("span", {}, one.bars ?? ""));
      item.style.flexGrow = String(one.end - one.start);
      item.dataset.part = one.name.replace(/[\s\d]+$/, "");
      return item;
    }));
    show(this.picture, Boolean(found.sections?.length));
  }

  /** Its lyrics as edited; empty without a blueprint. */
  get lyrics() {
    return this.found ? this.fields.lyrics.value : "";
  }

  get #edits() {
    return Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
  }

  /** Codes belong to the words they were planned with: after an edit they are rendered only if the producer says so. */
  #changed() {
    const next = edited(this.found, this.#edits, true);
    const same = JSON.stringify(next) === JSON.stringify(edited(this.found, this.shown, true));
    if (this.found.codes?.length) this.keeps.checked = same;
    if (!next.sections?.length || same) this.#draw(same ? this.found : next);
    this.#says();
  }

  #says() {
    const has = this.found?.codes?.length;
    setText(this.warning, has && !this.keeps.checked ? "The codes were planned for other words, so the words alone are rendered. Plan again to have codes for these." : "");
  }

  #render() {
    const { id, takes, seed, engine, title } = this.form.given();
    const lyric_times = (this.form.draft.lyric_times && this.form.timesLyrics(this.lyrics)) || undefined;
    const given = Object.fromEntries(Object.entries({ id, takes, seed, engine, title, lyric_times }).filter(([, value]) => value !== undefined));
    return this.bridge.request("generate", { ...given, blueprint: edited(this.found, this.#edits, this.keeps.checked) }, (error) => this.fields[{ bpm: "tempo", prompt: "caption" }[error.field] ?? error.field]?.focus());
  }

  #discard() {
    this.found = null;
    this.#remember(null);
    show(this.view, false);
    this.plan.focus();
  }
}

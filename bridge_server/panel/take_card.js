/** The selected take: its receipt in words and figures, its recipe, its files and its actions. */

import { button, byId, cancellable, icon, make, setText, show } from "./dom.js";
import { madeFor } from "./hears.js";
import { differences, siblingsOf } from "./differences.js";
import { translated } from "./language.js";
import { PromptReading } from "./prompt_reading.js";
import { isStem } from "./stem_mix.js";
import { clock, listeningText, receiptFigures, receiptLine, regionName, taskName, wordFigures } from "./words.js";

/** Seconds of the song on either side in a spectrogram. */
const AROUND = 2;

/** Kinds of projects, by the name the server knows them by. */
const FORMATS = [
  ["dawproject", "Bitwig, Studio One, Cubase (DAWproject)"],
  ["rpp", "REAPER"],
  ["aaf", "Pro Tools, Logic, Resolve (AAF)"],
  ["midi", "tempo map (MIDI)"],
  ["wav", "WAV files with time stamps"],
  ["stems", "all stems (WAV files in a ZIP)"],
  ["notes", "the stem's notes (MIDI)"],
  ["mix", "the finished song (WAV)"],
  ["mix-flac", "the finished song (FLAC)"],
  ["ledger", "the song's authorship ledger (a page to print)"],
];

/** How close a variation stays to the take: share of another noise, "" for a new one. */
const CLOSENESS = [
  ["", "another take"],
  ["0.1", "very close to this one"],
  ["0.2", "close to this one"],
  ["0.4", "related to this one"],
];

/** Formats that are the whole song with everything accepted in it, whichever take is selected. */
const FINISHED = ["mix", "mix-flac", "ledger"];

export class TakeCard {
  constructor(store, arranger, bridge, actions, notices, marks) {
    this.marks = marks;
    this.store = store;
    this.arranger = arranger;
    this.bridge = bridge;
    this.actions = actions;
    this.notices = notices;
    this.box = byId("take");
    this.details = new Map();
    this.open = new Set();
    this.varying = null;
    store.watch(["takes", "selected", "grid", "opened"], () => this.#changed());
    store.watch(["takes", "selected", "focus", "dragged"], () => this.#showPart());
    store.watch(["takes", "selected", "grid"], () => this.#showName());
    store.watch(["matches", "heard"], () => this.#showFigures());
  }

  /** The part of the selected take inside the region, {start, end} on the timeline; null unless it is a part. */
  get part() {
    const { take } = this;
    const { region } = this.arranger;
    if (!take || !region) return null;
    const start = Math.max(region.start, take.position);
    const end = Math.min(region.end, take.position + take.length);
    return end > start && end - start < take.length ? { start, end } : null;
  }

  get take() {
    const id = this.store.get("selected");
    return id ? this.store.get("takes").find((take) => take.take === id) ?? null : null;
  }

  /** Opens the fields of a variation, or closes them. */
  toggleVary() {
    if (!this.take) return;
    this.varying = this.varying === this.take.take ? null : this.take.take;
    this.#changed(true);
    if (this.varying) this.box.querySelector(".vary textarea")?.focus();
  }

  toggleSpectrogram() {
    const details = this.box.querySelector("details[data-name=spectrogram]");
    if (details) details.open = !details.open;
  }

  #changed(force = false) {
    const take = this.take;
    show(this.box, Boolean(take));
    const key = take ? `${take.take} ${take.chosen} ${take.parts} ${take.heard_before} ${this.store.get("opened")}` : "";
    if (key === this.key && !force) return;
    this.key = key;
    if (!take) {
      this.box.replaceChildren();
      return;
    }
    this.#build(take);
    this.#showName();
    this.#showPart();
    this.#fetch(take.take);
  }

  /** Name and differences change while the card stays. */
  #showName() {
    const { take } = this;
    if (!take || !this.heading) return;
    setText(this.heading, take.name || translated(this.what));
    setText(this.under, take.name ? this.what : "");
    show(this.under, Boolean(take.name));
    const takes = this.store.get("takes");
    const apart = differences(take, siblingsOf(take, takes));
    setText(this.apart, apart.length ? `Unlike the others here: ${apart.join(" · ")}` : "");
    show(this.apart, apart.length > 0);
  }

  /** Opens the question of the Delete button. */
  askRemoval() {
    this.box.querySelector("#removal .ask")?.click();
  }

  /** "Accept this part" is there while the region is a part of the take. */
  #showPart() {
    const { take, part } = this;
    if (!take || !this.acceptPart) return;
    const { grid } = this.store.values;
    const inForce = take.chosen && (!take.parts?.length || take.parts.some(([start, end]) => part && start <= part.start && part.end <= end));
    show(this.acceptPart, Boolean(part) && !inForce);
    if (part) this.acceptPart.title = `Accept only ${regionName(part, grid, take.rate)} of this take (Shift Enter)`;
  }

  /** Request, recipe and path of a take: only the selected one's are asked for. */
  async #fetch(id) {
    if (!this.details.has(id)) {
      const found = await this.bridge.read("takes.show", { take: id });
      if (!found) return;
      this.details.set(id, found);
    }
    if (this.take?.take === id) this.#fill(this.details.get(id));
  }

  #build(take) {
    const { grid } = this.store.values;
    const region = { start: take.position, end: take.position + take.length };
    const alongside = take.stem !== "mix";
    this.what = `Take ${take.number} · ${alongside ? `${take.stem} of ` : `${taskName(take.task)} `}${regionName(region, grid, take.rate)}`;
    const warnings = take.receipt.warnings ?? [];
    const partly = Boolean(take.parts?.length);
    const accept = take.chosen && !partly
      ? button("Revert", { picture: "revert", text: "Revert", title: "Revert to the previous take or the original (Backspace)", onclick: () => this.actions.revert(take.take) })
      : button("Accept", { picture: "accept", text: "Accept", class: "primary", title: "Accept this take for its region (Enter)", onclick: () => this.actions.accept(take.take) });
    accept.id = "accept";
    this.acceptPart = button("Accept this part", { picture: "accept", text: "Accept this part", id: "accept-part", hidden: true, onclick: () => this.part && this.actions.acceptPart(take.take, this.part) });
    const revert = partly ? button("Revert", { picture: "revert", text: "Revert", title: "Revert to what was accepted here before (Backspace)", onclick: () => this.actions.revert(take.take) }) : null;
    this.recipe = make("dl", { class: "figures" });
    this.hearWords = cancellable(
      button("Were the words sung?", { id: "hear-words", class: "small", text: "Were the words sung?", title: "A speech recogniser listens for the lyrics; its figure then stands above", hidden: true }),
      "Stop listening", (lasting) => this.#hear(take.take, lasting));
    this.hearing = make("span", { class: "quiet", id: "hearing-words", role: "status" });
    this.sung = make("ol", { class: "sung" });
    this.timeLines = button("Find when each line is sung", { id: "time-lines", class: "small", text: "Find when each line is sung", title: "Renders the take once more, as it is: the new one has the times", hidden: true, onclick: () => this.actions.vary(take.take, { lyric_times: true }) });
    this.sungFold = make("details", { "data-name": "sung", hidden: true, open: this.open.has("sung") }, make("summary", {}, "Lyrics, as they are sung"), this.sung);
    this.sungFold.addEventListener("toggle", () => (this.sungFold.open ? this.open.add("sung") : this.open.delete("sung")));
    this.figures = make("dl", { class: "figures" });
    this.#showFigures();
    this.path = make("div", { class: "path", hidden: true });
    this.heading = make("h2", { id: "take-title", dir: "auto" });
    this.under = make("p", { class: "take-what", hidden: true });
    this.apart = make("p", { class: "apart", hidden: true });
    this.box.replaceChildren(
      make("div", { class: "title-row" }, this.heading, take.chosen ? make("span", { class: "badge" }, partly ? "in part" : "in the song") : null),
      this.under,
      make("div", { class: "take-actions" },
        accept,
        button("Play", { picture: "play", text: "Play", title: "Play it in the song (space)", onclick: () => this.actions.play(take.take) }),
        button("Again", { picture: "again", text: "Again", title: "Same recipe, new seed (g)", onclick: () => this.actions.again(take.take) }),
        button("Vary", { picture: "vary", text: "Vary…", title: "Another prompt, strength or seed (v)", "aria-expanded": this.varying === take.take, onclick: () => this.toggleVary() })),
      make("div", { class: "part-actions" }, this.acceptPart, revert),
      this.marks.row,
      this.apart,
      ...(this.varying === take.take ? [this.#vary(take)] : []),
      make("p", { class: warnings.length ? "receipt-line bad" : "receipt-line" }, icon(warnings.length ? "warning" : "accept"), make("span", {}, receiptLine(take.receipt))),
      warnings.length ? make("ul", { class: "warnings" }, ...warnings.map((warning) => make("li", {}, warning))) : "",
      madeFor(take) ? make("p", { class: "quiet", id: "made-for" }, madeFor(take, this.store.get("takes"))) : "",
      this.#fold("receipt", "Receipt: measurements", () => make("div", {}, this.figures, make("div", { class: "listening" }, this.hearWords, this.hearing))),
      this.timeLines,
      this.sungFold,
      this.#fold("recipe", "Recipe", () => this.recipe),
      this.#fold("spectrogram", "Spectrogram", () => this.#spectrograms(take)),
      this.#files(take),
      this.path,
      this.#fold("export", "Export as a project", () => this.#exports(take)),
      this.#removal(take),
    );
  }

  /** Figures of the receipt, behind how well the take follows its prompt where that was asked. */
  #showFigures() {
    if (!this.take || !this.figures) return;
    const match = this.store.get("matches")[this.take.take];
    const rows = [...(match === undefined ? [] : [["Follows its prompt, −1 to 1", match.toFixed(2)]]), ...wordFigures(this.store.get("heard")[this.take.take]), ...receiptFigures(this.take.receipt)];
    this.figures.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }

  /** Has a speech recogniser listen to the take: its figure is kept as long as the page is open. */
  async #hear(id, lasting) {
    const { hearing } = this;
    setText(hearing, "Listening …");
    const found = await this.bridge.listen("takes.words", { take: id }, (fraction) => setText(hearing, listeningText(fraction)), lasting);
    setText(hearing, "");
    if (found) this.store.set({ heard: { ...this.store.get("heard"), [id]: found.takes[0] } });
  }

  /** Deleting cannot be undone, so it takes two clicks. */
  #removal(take) {
    const row = make("div", { class: "files", id: "removal" });
    const swap = (focused, ...shown) => {
      row.replaceChildren(...shown);
      row.scrollIntoView({ block: "nearest" });
      focused.focus();
    };
    const ask = button("Delete this take", { text: "Delete…", class: "ask", title: "Its clip file and all other takes stay (Delete)", onclick: () => swap(sure, sure, keep) });
    const sure = button("Delete for good", { text: "Delete for good", onclick: () => this.actions.remove(take.take) });
    const keep = button("Keep this take", { text: "Keep", onclick: () => swap(ask, ask) });
    row.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !keep.isConnected) return;
      event.stopPropagation(); // elsewhere it cancels the running job
      keep.click();
    });
    row.append(ask);
    return row;
  }

  /** Writes a project on the server's machine and shows where it is, and what it cannot carry. */
  #exports(take) {
    const format = make("select", { id: "x-format" }, ...FORMATS.map(([name, label]) => make("option", { value: name }, label)));
    const what = make("select", { id: "x-what" }, make("option", { value: "take" }, "this take in its song"), make("option", { value: "song" }, "the song with all its takes"));
    const result = make("div", { class: "exported", role: "status" });
    const write = cancellable(button("Export"), "Cancel the export", async (lasting) => {
      setText(result, "Exporting …");
      const done = await this.bridge.export({ what: what.value, name: what.value === "take" ? take.take : take.song, format: format.value }, (fraction) => setText(result, `Exporting … ${Math.round(fraction * 100)} %`), lasting);
      result.replaceChildren(...(done ? [make("code", {}, done.path), format.value === "ledger" && done.url ? this.#page(done.url) : "", ...[...(done.words ?? []), ...done.notes].map((note) => make("p", { class: "quiet" }, note))] : []));
    });
    if (!take.song) {
      what.lastChild.disabled = true;
      for (const option of format.options) option.disabled = FINISHED.includes(option.value);
    }
    format.querySelector("[value=stems]").disabled = !isStem(take);
    format.addEventListener("change", () => {
      const finished = FINISHED.includes(format.value);
      what.firstChild.disabled = finished;
      if (finished) what.value = "song";
      if (["stems", "notes"].includes(format.value)) what.value = "take";
    });
    const field = (input, label) => make("div", {}, make("label", { class: "label", for: input.id }, label), input);
    return make("div", { class: "fold" }, make("div", { class: "pair" }, field(what, "Content"), field(format, "Format")), write, result);
  }

  /** A page that the server wrote, for the browser to keep: it opens and prints from there. */
  #page(url) {
    return make("a", { class: "button", href: this.bridge.locate(url.slice(1)), download: "" }, icon("file"), make("span", {}, "Save the page"));
  }

  /** A details element that keeps open while takes are leafed through, and is filled when it is opened. */
  #fold(name, title, fill) {
    const body = make("div", {});
    const details = make("details", { "data-name": name, open: this.open.has(name) }, make("summary", {}, title), body);
    const filled = () => {
      if (details.open && !body.childNodes.length) body.append(fill());
    };
    details.addEventListener("toggle", () => {
      if (details.open) this.open.add(name);
      else this.open.delete(name);
      filled();
    });
    filled();
    return details;
  }

  #spectrograms(take) {
    const song = this.store.get("focus")?.song;
    const picture = (name, digest, first, end) => {
      const address = this.bridge.locate(`spectrogram/${digest}.png?first=${first}&end=${end}&width=680&height=220`);
      const image = make("img", { src: address, alt: `Spectrogram: ${name}`, loading: "lazy", width: 340, height: 110 });
      image.addEventListener("error", () => image.replaceWith(make("p", { class: "quiet" }, "This picture is not available.")));
      return make("figure", {}, make("figcaption", {}, name), make("a", { href: address, target: "_blank", rel: "noopener", "aria-label": `Spectrogram of ${name}, full size` }, image));
    };
    const around = AROUND * take.rate;
    const found = [picture("the take", take.audio, 0, take.length)];
    if (song && song.digest === take.song) {
      const start = take.position - song.position;
      const end = Math.min(song.length, start + take.length);
      if (end > start) {
        found.unshift(picture("the original", song.digest, Math.max(0, start), end));
        found.push(picture("the original with context", song.digest, Math.max(0, start - around), Math.min(song.length, end + around)));
      }
    }
    return make("div", { class: "spectrograms" }, ...found);
  }

  #files(take) {
    const link = (path, text, title) => {
      const address = this.bridge.locate(`takes/${encodeURIComponent(take.take)}/${path}`);
      const anchor = make("a", { class: "button", href: address, download: "", title, draggable: true }, icon("file"), make("span", {}, text));
      anchor.addEventListener("dragstart", (event) => this.actions.dragOut(event, take.take, path));
      return anchor;
    };
    return make("div", { class: "files" },
      isStem(take) ? this.#allStems(take) : null,
      link("clip.wav", "Clip", "Exactly the region, as a Broadcast WAV with its time stamp; click to save, or drag it out"),
      take.stem === "mix" ? link("song.wav", "Whole song", "The song with this take in it") : null,
      take.handles ? link("handles.wav", "With handles", "With audio before and after the region, for your own crossfades") : null,
      ...take.attachments.map((name) => link(encodeURIComponent(name), name, "Attached to the take")));
  }

  #allStems(take) {
    const save = button("Save all stems", { picture: "file", text: "All stems", title: "All stems of this separation as WAV files in one ZIP" });
    return cancellable(save, "Cancel saving", (lasting) => this.actions.saveStems(take.take, lasting));
  }

  #fill(about) {
    const { recipe, request } = about;
    const rows = [
      ["Task", taskName(about.task)],
      ["Prompt", request.prompt],
      ["Strength", request.strength === undefined ? undefined : `${Math.round(request.strength * 100)} %`],
      ["Seed", recipe.seed],
      ["Engine", recipe.engine_label ?? request.engine],
      ["Rendered on", recipe.rendered_on],
      ["Method", recipe.method],
      ["Layers", request.layers && request.layers !== "all" ? request.layers : undefined],
      ["Instruments", listed(request.instruments)],
      ["Chords given", request.chords],
      ["Chords", recipe.blueprint?.chords_text],
      ["Stems", listed(request.stems)],
      ["Variation of", about.origin],
      ...(recipe.notes ?? []).map((note) => ["Note", note]),
      ["Take", about.take],
    ].filter(([, value]) => value !== undefined && value !== null && value !== "");
    this.recipe.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))]));
    show(this.hearWords, Boolean(request.lyrics));
    const sung = about.sung ?? [];
    this.sung.replaceChildren(...sung.map(({ start, text }) => make("li", {}, make("span", { class: "at" }, clock(start)), text)));
    show(this.sungFold, sung.length > 0);
    const times = this.store.get("engines")?.[recipe.engine]?.times_lyrics && ["generate", "cover"].includes(about.task);
    show(this.timeLines, Boolean(times && request.lyrics && !request.lyric_times && !sung.length));
    this.path.replaceChildren(
      make("code", { title: "The clip on the server's machine" }, about.path),
      button("Copy path", { picture: "copy", class: "small plain", onclick: () => this.#copy(about.path) }),
    );
    show(this.path, Boolean(about.path));
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.notices.say("Path copied.");
    } catch {
      // Over plain HTTP from another machine there is no clipboard: the text is selected for copying by hand.
      getSelection().selectAllChildren(this.path.querySelector("code"));
    }
  }

  #vary(take) {
    const about = this.details.get(take.take);
    const prompt = make("textarea", { id: "v-prompt", rows: 2, maxLength: 2000, value: take.prompt ?? "", placeholder: this.store.get("engines")?.[take.engine]?.hints?.[take.task] ?? "what it should sound like" });
    const reading = new PromptReading(this.bridge, "vary-reading");
    prompt.setAttribute("aria-describedby", "vary-reading");
    const read = () => reading.follow({ engine: take.engine, task: take.task, prompt: prompt.value.trim() });
    prompt.addEventListener("input", read);
    read();
    const shown = make("output", {});
    const strength = make("input", { id: "v-strength", type: "range", min: 0, max: 1, step: 0.05, value: about?.request?.strength ?? 0.5 });
    const showStrength = () => setText(shown, `${Math.round(strength.value * 100)} %`);
    strength.addEventListener("input", showStrength);
    showStrength();
    const seed = make("input", { id: "v-seed", type: "number", step: 1, placeholder: "new" });
    const takes = make("input", { id: "v-takes", type: "number", min: 1, max: 8, value: 1 });
    const near = make("select", { id: "v-variance" }, ...CLOSENESS.map(([value, name]) => make("option", { value }, name)));
    const canStayNear = Boolean(this.store.get("engines")?.[take.engine]?.options?.retake_of);
    const hasStrength = ["repaint", "complete", "accompany", "cover"].includes(take.task);
    const form = make("form", { class: "vary", "aria-label": "Variation" },
      make("div", {}, make("label", { class: "label", for: "v-prompt" }, "Prompt"), prompt),
      hasStrength ? make("div", {}, make("label", { class: "label", for: "v-strength" }, "Strength", shown), strength) : null,
      canStayNear ? make("div", {}, make("label", { class: "label", for: "v-variance" }, "Closeness"), near) : null,
      make("div", { class: "pair" },
        make("div", {}, make("label", { class: "label", for: "v-seed" }, "Seed"), make("div", { class: "with-button" }, seed, button(`Use this take's seed, ${take.seed}`, { text: "=", onclick: () => { seed.value = take.seed; } }))),
        make("div", {}, make("label", { class: "label", for: "v-takes" }, "Takes"), takes)),
      make("button", { type: "submit", class: "primary" }, icon("vary"), make("span", {}, "Render variation")), reading.box);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const changes = { takes: Number(takes.value) || 1 };
      if (prompt.value.trim() !== (take.prompt ?? "")) changes.prompt = prompt.value.trim();
      if (hasStrength) changes.strength = Number(strength.value);
      if (canStayNear && near.value) changes.variance = Number(near.value);
      if (seed.value !== "") changes.seed = seed.value; // as text: a number would be rounded above 2^53
      this.varying = null;
      this.#changed(true);
      this.actions.vary(take.take, changes);
    });
    return form;
  }
}

function listed(names) {
  const entries = Array.isArray(names) ? names : names ? String(names).split(",") : [];
  return entries.length ? entries.join(", ") : undefined;
}

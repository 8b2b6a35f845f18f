/** Prompts used before with this song, and presets: the server keeps both, so that every panel has them. */

import { COVER } from "./cover_fields.js";
import { button, make, setText, show } from "./dom.js";
import { ago, quoted, taskName } from "./words.js";

/** What a preset keeps of a request, and the name it has in the form where that differs. */
const KEPT = { prompt: "prompt", lyrics: "lyrics", lyric_times: "lyric_times", strength: "strength", layers: "layers", ending: "ending", instruments: "instruments", chords: "chords", stems: "stems", length: "length", takes: "takes", context: "context", crossfade: "crossfade", depth: "depth", match_loudness: "match", engine: "engine" };
const MOST_BYTES = 16e6;

/** The values of a request that a preset keeps. */
export function presetOf(task, given) {
  const kept = Object.keys(KEPT).filter((name) => given[name] !== undefined && given[name] !== "");
  return { task, ...Object.fromEntries(kept.map((name) => [name, given[name]])) };
}

/** A preset as values of the form; what it does not keep is as in `empty`. */
export function draftOf(preset, empty) {
  const draft = { ...COVER, task: preset.task };
  for (const [name, own] of Object.entries(KEPT)) draft[own] = preset[name] ?? empty[own];
  return draft;
}

export class Presets {
  /** form: {draft, given(), apply(values), promptField}. */
  constructor(store, bridge, notices, form) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.form = form;
    this.recent = [];
    this.at = -1; // which of the recent prompts is in the field
    this.list = make("ul", { class: "recent-list", hidden: true, tabIndex: -1, id: "recent-prompts", "aria-label": "Prompts used with this song" });
    this.recentButton = button("Recent prompts", { text: "Recent", class: "small plain", id: "recent-button", title: "Prompts used with this song (↑ in an empty prompt)", "aria-expanded": "false", "aria-controls": "recent-prompts", onclick: () => this.toggleRecent() });
    this.presetButton = button("Presets", { text: "Presets …", class: "small plain", id: "preset-button", "aria-haspopup": "dialog", onclick: () => this.open() });
    this.buttons = make("span", { class: "prompt-tools" }, this.recentButton, this.presetButton);
    this.buttons.addEventListener("keydown", (event) => this.#escape(event));
    this.dialog = this.#dialog();
    document.body.append(this.dialog);
    store.watch(["takesOf", "takes", "lastEnded"], () => this.#refreshRecent());
  }

  // Prompts used before

  async #refreshRecent() {
    const source = this.store.get("focus")?.request?.source;
    const found = await this.bridge.connection.call("prompts.recent", source ? { source } : {}).catch(() => null);
    this.recent = found?.prompts ?? [];
    if (!this.list.hidden) this.#fillRecent();
  }

  async toggleRecent(open = this.list.hidden) {
    this.recentButton.setAttribute("aria-expanded", open);
    show(this.list, open);
    if (!open) return;
    this.#fillRecent();
    this.#focusRecent();
    await this.#refreshRecent();
    if (!this.list.hidden && this.list === document.activeElement) this.#focusRecent();
  }

  /** A click leaves the focus nowhere: the list takes it at once, so that its keys, Escape among them, are its own. */
  #focusRecent() {
    (this.list.querySelector("button") ?? this.list).focus();
  }

  /** Drawn anew only where it changed: whoever is walking through it keeps their place. */
  #fillRecent() {
    const key = JSON.stringify(this.recent);
    if (key === this.filled && this.list.childNodes.length) return;
    this.filled = key;
    const focused = [...this.list.querySelectorAll("button")].indexOf(document.activeElement);
    const now = Date.now() / 1000;
    const rows = this.recent.map((one) => make("li", {}, make("button", { type: "button", title: one.prompt, onclick: () => {
      this.form.apply({ prompt: one.prompt, ...(one.lyrics ? { lyrics: one.lyrics } : {}) });
      this.toggleRecent(false);
      this.form.promptField.focus();
    } }, make("span", { class: "name", dir: "auto" }, one.prompt), make("span", { class: "about" }, `${taskName(one.task)} · ${ago(one.used, now)}`))));
    this.list.replaceChildren(...(rows.length ? rows : [make("li", { class: "quiet" }, "No prompts were used with this song yet.")]));
    if (focused >= 0) this.list.querySelectorAll("button")[focused]?.focus();
    this.list.onkeydown = (event) => {
      const buttons = [...this.list.querySelectorAll("button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (this.#escape(event)) return;
      if (step && buttons.length) buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
  }

  /** Escape closes the list, and does nothing else then: elsewhere it cancels the running job. */
  #escape(event) {
    if (event.key !== "Escape" || this.list.hidden) return false;
    event.preventDefault();
    event.stopPropagation();
    this.toggleRecent(false);
    this.recentButton.focus();
    return true;
  }

  /** ↑ and ↓ in a prompt that is empty, or that they have filled. */
  promptKey(event) {
    if (this.#escape(event)) return;
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const { value } = event.target;
    const own = this.at >= 0 && value === this.recent[this.at]?.prompt;
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || (value && !own)) return;
    const next = Math.min((own ? this.at : -1) + step, this.recent.length - 1);
    if (next < -1 || !this.recent.length) return;
    event.preventDefault();
    this.at = next;
    this.form.apply({ prompt: next < 0 ? "" : this.recent[next].prompt });
  }

  // Presets

  #dialog() {
    this.name = make("input", { id: "preset-name", type: "text", maxLength: 64, required: true, autocomplete: "off", placeholder: "Dark, no drums" });
    this.about = make("p", { class: "quiet", id: "preset-about" });
    this.rows = make("ul", { class: "preset-list", id: "preset-list", "aria-label": "Presets" });
    const form = make("form", { class: "with-save", "aria-label": "Save a preset" },
      make("div", {}, make("label", { class: "label", for: "preset-name" }, "Save the form's settings as"), this.name),
      make("button", { type: "submit", class: "primary" }, "Save"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    const file = make("input", { type: "file", accept: ".json,application/json", hidden: true, "aria-label": "A file of presets" });
    file.addEventListener("change", () => this.#import(file));
    const dialog = make("dialog", { id: "preset-dialog", "aria-labelledby": "preset-title" },
      make("div", { class: "title-row" }, make("h2", { id: "preset-title" }, "Presets"), button("Close", { picture: "close", class: "plain", onclick: () => dialog.close() })),
      make("div", { class: "body" }, form, this.about, this.rows,
        make("div", { class: "ways-row" }, button("Export", { text: "Export …", title: "All presets as a JSON file", onclick: () => this.#export() }), button("Import", { text: "Import …", title: "Presets from a JSON file; equal names are replaced", onclick: () => file.click() }), file)));
    dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the page's keys are not meant
    return dialog;
  }

  async open() {
    this.values = presetOf(this.form.draft.task, this.form.given());
    const words = [taskName(this.values.task), this.values.prompt ? quoted(this.values.prompt) : "", this.values.strength === undefined ? "" : `strength ${Math.round(this.values.strength * 100)} %`];
    setText(this.about, `Now in the form: ${words.filter(Boolean).join(", ")}.`);
    this.dialog.showModal();
    this.name.focus();
    await this.#refresh();
  }

  async #refresh() {
    this.all = (await this.bridge.read("presets.list"))?.presets ?? [];
    this.rows.replaceChildren(...(this.all.length ? this.all.map((preset) => this.#row(preset)) : [make("li", { class: "quiet" }, "There are no presets yet. They are kept on the server, for every panel and for takebridge --preset.")]));
  }

  #row(preset) {
    const row = make("li", {});
    const use = make("button", { type: "button", class: "use", onclick: () => {
      this.form.apply(draftOf(preset, this.form.empty));
      this.dialog.close();
      this.form.promptField.focus();
    } }, make("span", { class: "name", dir: "auto" }, preset.name), make("span", { class: "about" }, [taskName(preset.task), preset.prompt && quoted(preset.prompt)].filter(Boolean).join(" · ")));
    const remove = button(`Delete the preset ${quoted(preset.name)}`, { picture: "close", class: "plain", onclick: () => row.replaceChildren(use, sure) });
    const sure = button(`Delete the preset ${quoted(preset.name)} for good`, { text: "Delete", class: "small", onclick: async () => {
      if (await this.bridge.call("presets.delete", { name: preset.name })) await this.#refresh();
      this.name.focus();
    } });
    remove.addEventListener("click", () => sure.focus());
    row.append(use, remove);
    return row;
  }

  async #save() {
    const name = this.name.value.trim();
    if (!name) return;
    if (!(await this.bridge.call("presets.save", { name, ...this.values }))) return;
    this.name.value = "";
    this.notices.announce(`Preset ${quoted(name)} is saved.`);
    await this.#refresh();
  }

  #export() {
    const address = URL.createObjectURL(new Blob([`${JSON.stringify({ presets: this.all ?? [] }, null, 1)}\n`], { type: "application/json" }));
    make("a", { href: address, download: "takebridge-presets.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  async #import(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    let found;
    try {
      if (file.size > MOST_BYTES) throw new Error("too large");
      const read = JSON.parse(await file.text());
      found = Array.isArray(read) ? read : read.presets;
      if (!Array.isArray(found)) throw new Error("no list");
    } catch {
      this.notices.error({ message: `${quoted(file.name)} is not a file of presets.`, remedy: "Choose a file that the panel or takebridge presets --export wrote." });
      return;
    }
    let saved = 0;
    for (const preset of found) {
      if (!(await this.bridge.call("presets.save", preset))) break;
      saved += 1;
    }
    this.notices.announce(`${saved} presets are imported.`);
    await this.#refresh();
  }
}

/** The lyrics editor: section tags at the caret, sections and lines counted, unknown tags and long lines marked. */

import { button, make, setText, show } from "./dom.js";
import { counted } from "./words.js";

const BUTTONS = ["Verse", "Chorus", "Bridge", "Intro", "Outro", "Instrumental"];
/** Characters of a line that can still be sung in a breath or two. */
const LONG_LINE = 80;
const MOST = 8000;

/**
 * Pure: what there is to say about lyrics. tags: section tags the engine knows; any tag is fine where it names none.
 * Returns {sections, lines, problems: [{line, text, reason}]}; lines count from 1.
 */
export function read(lyrics, tags = []) {
  const known = new Set(tags.map(plain));
  const found = { sections: 0, lines: 0, problems: [] };
  lyrics.split("\n").forEach((raw, index) => {
    const text = raw.trim();
    const tag = /^\[([^\]]*)\]?$/.exec(text);
    const problem = (reason) => found.problems.push({ line: index + 1, text, reason });
    if (!text) return;
    if (!tag) {
      found.lines += 1;
      if (text.length > LONG_LINE) problem(`has ${text.length} characters; lines over ${LONG_LINE} are hard to sing`);
      return;
    }
    found.sections += 1;
    if (!text.endsWith("]")) problem("has no closing bracket");
    else if (known.size && !known.has(plain(tag[1]))) problem("is no section tag the engine knows");
  });
  return found;
}

/** "Verse 2", "pre chorus" and "Chorus - louder" name the same sections as "Verse", "Pre-Chorus" and "Chorus". */
function plain(tag) {
  return tag.split(/[:–—]| - /)[0].toLowerCase().replace(/[\d\s_-]+/g, "");
}

export class Lyrics {
  constructor() {
    this.tags = [];
    this.input = make("textarea", { id: "f-lyrics", name: "lyrics", rows: 6, maxLength: MOST, spellcheck: true, placeholder: "[Verse]\nFirst line …", "aria-labelledby": "lyrics-title", "aria-describedby": "lyrics-about lyrics-problems" });
    this.under = make("div", { class: "lyrics-marks", "aria-hidden": "true" });
    this.about = make("p", { class: "quiet", id: "lyrics-about" });
    this.problems = make("ul", { class: "lyrics-problems", id: "lyrics-problems" });
    this.bar = make("div", { class: "lyrics-tags", role: "toolbar", "aria-label": "Insert a section tag" },
      ...BUTTONS.map((tag, index) => button(`Insert [${tag}]`, { text: tag, class: "small", tabIndex: index ? -1 : 0, onclick: () => this.insert(tag) })));
    this.bar.addEventListener("keydown", (event) => this.#barKey(event));
    this.silent = make("p", { class: "quiet", id: "no-lyrics", hidden: true });
    this.editor = make("div", { class: "lyrics" }, this.bar, make("div", { class: "lyrics-field" }, this.under, this.input), this.about, this.problems);
    this.summary = make("summary", {}, make("span", { id: "lyrics-title" }, "Lyrics"));
    this.details = make("details", { id: "lyrics-fold" }, this.summary, this.editor);
    this.box = make("div", { "data-field": "lyrics" }, this.details, this.silent);
    this.input.addEventListener("input", () => this.update());
    this.input.addEventListener("scroll", () => {
      this.under.scrollTop = this.input.scrollTop;
    });
  }

  /** The engine in use: {label, lyrics_characters, lyric_tags}. One that does not sing gets a sentence instead of the editor. */
  use(engine, { open = false } = {}) {
    const sings = Boolean(engine) && engine.lyrics_characters !== 0;
    this.tags = engine?.lyric_tags ?? [];
    this.most = engine?.lyrics_characters ?? null;
    show(this.details, sings);
    show(this.silent, !sings && Boolean(engine));
    if (engine) setText(this.silent, `Lyrics: ${engine.label} does not sing. Singing needs a model.`);
    if (open && sings && !this.opened) {
      this.opened = true; // once: who folds it keeps it folded
      this.details.open = true;
    }
    this.update();
  }

  /** Puts a tag on a line of its own at the caret; Ctrl Z takes it away again. */
  insert(tag) {
    const { value, selectionStart: at, selectionEnd: end } = this.input;
    const lead = at === 0 || value[at - 1] === "\n" ? "" : "\n";
    const trail = value[end] === "\n" ? "" : "\n";
    this.input.focus();
    // The only way of changing a field that its own undo knows; gone in no browser yet.
    if (!document.execCommand("insertText", false, `${lead}[${tag}]${trail}`)) {
      this.input.setRangeText(`${lead}[${tag}]${trail}`, at, end, "end");
      this.input.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  #barKey(event) {
    const buttons = [...this.bar.children];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[(to + buttons.length) % buttons.length];
    for (const one of buttons) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  }

  /** Counts and marks; also after the text was set from elsewhere. */
  update() {
    const text = this.input.value;
    const key = JSON.stringify([text, this.tags, this.most]);
    if (key === this.key) return;
    this.key = key;
    const found = read(text, this.tags);
    const length = this.most ? ` · ${text.length.toLocaleString("en")} of ${this.most.toLocaleString("en")} characters` : "";
    setText(this.about, text.trim() ? `${counted(found.sections, "section")}, ${counted(found.lines, "line")}${length}` : "A section begins with its tag on a line of its own.");
    this.about.classList.toggle("bad", Boolean(this.most) && text.length > this.most);
    this.problems.replaceChildren(...found.problems.slice(0, 5).map(({ line, text: shown, reason }) => make("li", {}, `Line ${line}: ${shown.length > 24 ? `${shown.slice(0, 23)}…` : shown} ${reason}.`)));
    const bad = new Map(found.problems.map((problem) => [problem.line, problem]));
    this.under.replaceChildren(...text.split("\n").flatMap((line, index) => [bad.has(index + 1) ? make("mark", {}, line) : line, "\n"]));
    this.under.scrollTop = this.input.scrollTop;
  }
}

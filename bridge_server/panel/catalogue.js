/**
 * A table of English texts and their translations, and what it makes of a text. Pure: text in, text out.
 * The server does the same in bridge_server/languages (template.py, catalogue.py, particles.py), where it is explained.
 */

const PLACE = /\{\{|\}\}|\{([a-z_0-9]+)\}/g;
const WORD = /[A-Za-z][A-Za-z']*/g;
const FEW_LETTERS = 6;
/** How the name of a place begins that a number begins, or ≈ and a number. */
const COUNT = "count";
/** How the name of a place begins that one phrase fills, such as "bars 3–4" or "the whole song": nothing that goes on after a colon. */
const PHRASE = "phrase";
const ONE_PHRASE = /^(?!.*(?:[.:;!?] | · |[,.:;·]$))[\p{L}\p{N}≈]/su;
const FIGURE = /^(?=[^A-Za-z]*\p{Nd})[^A-Za-z]+(?:[A-Za-z]{1,3})?$/u;
const ID = /^[jt][0-9a-f]{10}$/;
/** An address such as /bridge/ack, or a path without a space in it. */
const PATH = /^\/[^\s,:;]+$/;
const ARTICLE = /^(?:an?|the) /;
const QUOTED = /^['"“].*['"”]$/s;
const QUOTATION = /“[^“”]*”/g;
const SENTENCE_END = /(?<=[.!?])\s+(?=\S)/g;
const SEVERAL = /[.!?]\s+\S| · |(?:^| )\((?:takes?|region|track) /;
const HEAD = /^([\p{L}\p{N}_.[\]/-]{1,64}|bar \p{Nd}+(?:, chord \p{Nd}+)?): (?=\S)/u;
/** What the panel puts between texts that each have a meaning of their own. */
const JOINTS = [" · ", "; ", ", "];
const MAX_DEPTH = 4;
const MAX_SENTENCES = 40;
/** What one translation may read, in characters. */
const MAX_READ = 20000;

/** A template as the table has it, as {literals, names, anchor, letters, words}. */
function read(text) {
  const literals = [];
  const names = [];
  let literal = "";
  let at = 0;
  for (const found of text.matchAll(PLACE)) {
    literal += text.slice(at, found.index);
    at = found.index + found[0].length;
    if (found[1] === undefined) literal += found[0][0];
    else {
      literals.push(literal);
      names.push(found[1]);
      literal = "";
    }
  }
  literals.push(literal + text.slice(at));
  const shape = literals.join("\0");
  const words = shape.match(WORD)?.length ?? 0;
  return { literals, names, anchor: anchorOf(literals), letters: letters(shape), words };
}

/** The longest whole word that every text of the template has. */
function anchorOf(literals) {
  let anchor = "";
  literals.forEach((literal, number) => {
    for (const { 0: word, index } of literal.matchAll(WORD)) {
      const touches = (number > 0 && index === 0) || (number < literals.length - 1 && index + word.length === literal.length);
      if (!touches && word.length > anchor.length) anchor = word;
    }
  });
  return anchor;
}

/** What is filled in, by name; null when the text is not of this template. What stands in a quotation is somebody's own:
 * a literal is looked for outside of quotations first. */
function match(template, text) {
  const shown = text.replace(QUOTATION, (one) => `“${"\0".repeat(one.length - 2)}”`);
  return matchIn(template, text, shown) ?? (shown === text ? null : matchIn(template, text, text));
}

/** shown: the text as literals are looked for in it, of the same length. */
function matchIn({ literals, names }, text, shown) {
  const first = literals[0];
  const last = literals.at(-1);
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return null;
  const end = text.length - last.length;
  let at = first.length;
  const values = [];
  for (const literal of literals.slice(1, -1)) {
    const found = literal ? shown.indexOf(literal, at) : at;
    if (found < 0 || found + literal.length > end) return null;
    values.push(text.slice(at, found));
    at = found + literal.length;
  }
  values.push(text.slice(at, end));
  return new Map(names.map((name, index) => [name, values[index]]));
}

function fill({ literals, names }, values) {
  return literals[0] + names.map((name, index) => values.get(name) + withParticle(values.get(name), literals[index + 1])).join("");
}

const CHOICES = { "은(는)": ["은", "는"], "이(가)": ["이", "가"], "을(를)": ["을", "를"], "과(와)": ["과", "와"], "(으)로": ["으로", "로"], "(이)라는": ["이라는", "라는"], "이어야(여야)": ["이어야", "여야"] };
const CLOSING = /["'`”’)\]>.,:;]+$/;
const ENDS_IN_L = /[178lLrR]$/;
const ENDS_IN_CONSONANT = /(?:[013678lmnrLMNR]|ck|(?:^|[^A-Za-z]|[aeiouy])[bckpt])$/;
const MARKS = /^["'`”’)\]>.,:;]*/;

/** `text`, which follows `before`, with the Korean particle settled that it begins with, after closing marks. */
function withParticle(before, text) {
  const [marks] = text.match(MARKS);
  const rest = text.slice(marks.length);
  const choice = Object.keys(CHOICES).find((one) => rest.startsWith(one));
  if (!choice) return text;
  const end = before.replace(CLOSING, "").slice(-2);
  const letter = end.slice(-1);
  const final = letter >= "가" && letter <= "힣" ? (letter.charCodeAt(0) - 0xac00) % 28 : -1;
  const consonant = final > 0 || (final < 0 && ENDS_IN_CONSONANT.test(end));
  const isL = final === 8 || (final < 0 && ENDS_IN_L.test(end));
  return marks + CHOICES[choice][!consonant || (isL && choice === "(으)로") ? 1 : 0] + rest.slice(choice.length);
}

export class Catalogue {
  constructor(entries) {
    this.whole = new Map();
    this.byAnchor = new Map();
    this.known = new Map();
    for (const [english, translation] of [...Object.entries(entries), ...withoutMarks(entries)]) {
      const template = read(english);
      const other = read(translation);
      if (!template.names.length) this.whole.set(template.literals[0], other.literals[0]);
      else if (this.byAnchor.has(template.anchor)) this.byAnchor.get(template.anchor).push([template, other]);
      else this.byAnchor.set(template.anchor, [[template, other]]);
    }
  }

  /** The text in this language; as it is where the table has nothing for it. Space around it stays. */
  translate(text) {
    let found = this.known.get(text);
    if (found === undefined) {
      if (this.known.size > 4000) this.known.clear(); // figures that count make texts without end
      this.left = MAX_READ;
      this.readings = Array.from({ length: MAX_DEPTH + 2 }, () => new Map());
      found = this.#found(text, 0)?.text ?? text;
      this.known.set(text, found);
    }
    return found;
  }

  // A reading is a translation and how many letters of the English text it accounts for: the more, the surer it is. Own:
  // of them, those of the entry itself.

  #found(text, depth) {
    const readings = this.readings[depth];
    if (!readings.has(text)) readings.set(text, this.#lookedFor(text, depth));
    return readings.get(text);
  }

  #lookedFor(text, depth) {
    const bare = text.trim();
    if (!bare || depth > MAX_DEPTH || !this.#take(text)) return null;
    const matched = this.#matched(text, depth); // an entry with this very space around it knows better
    if (matched !== null) return matched;
    if (bare === text) return this.#inParts(text, depth);
    const found = this.#found(bare, depth);
    const start = text.indexOf(bare);
    return found && { ...found, text: text.slice(0, start) + found.text + text.slice(start + bare.length) };
  }

  #matched(text, depth) {
    if (this.whole.has(text)) return { text: this.whole.get(text), known: letters(text), own: letters(text) };
    const short = text.endsWith(".") ? text.slice(0, -1) : null;
    if (short !== null && this.whole.has(short)) return { text: `${this.whole.get(short)}.`, known: letters(text), own: letters(text) };
    let fits = [...this.#fits(text, depth), ...(short === null ? [] : this.#fits(short, depth, "."))];
    const plain = fits.filter(({ values }) => ![...values.values()].some(areSeveral));
    if (plain.length || this.#inParts(text, depth) !== null) fits = plain;
    if (!fits.length) return null;
    return surest([this.#headed(text, depth), ...fits.reverse().map((fit) => this.#filled(fit, depth))]);
  }

  #filled({ template, other, values, end }, depth) {
    const inner = new Map([...values].map(([name, value]) => [name, this.#inner(value, depth)]));
    const known = [...inner.values()].reduce((sum, reading) => sum + reading.known, template.letters);
    return { text: fill(other, new Map([...inner].map(([name, reading]) => [name, reading.text]))) + end, known, own: template.letters };
  }

  #fits(text, depth, end = "") {
    const found = [];
    if (!this.#take(text)) return found;
    for (const anchor of new Set([...(text.match(WORD) ?? []), ""])) {
      for (const [template, other] of this.byAnchor.get(anchor) ?? []) {
        const values = match(template, text);
        if (!values || isSpace(text, template) || ![...values].every(fillsIts)) continue;
        if (template.letters + template.words > FEW_LETTERS || [...values.values()].every((value) => this.#isOurs(value, depth))) {
          found.push({ template, other, values, end });
        }
      }
    }
    return found;
  }

  #take(text) {
    this.left -= text.length;
    return this.left >= 0;
  }

  #isOurs(value, depth) {
    return !value || FIGURE.test(value) || ID.test(value) || PATH.test(value) || QUOTED.test(value) || this.#found(value, depth + 1) !== null;
  }

  #inner(value, depth) {
    if (QUOTED.test(value) || !/\p{L}/u.test(value)) return { text: value, known: letters(value) };
    const found = surest([value, value.replace(ARTICLE, "")].map((form) => this.#found(form, depth + 1)));
    if (found !== null) return found;
    // A sentence at the end of another leaves its full stop to that one.
    const sentence = value.includes(" ") && !/[.!?]$/.test(value) ? this.#found(`${value}.`, depth + 1) : null;
    return sentence ? { text: sentence.text.replace(/\.$/, ""), known: sentence.known } : { text: value, known: 0 };
  }

  /** Sentence by sentence, or piece by piece; null when no part has an entry. */
  #inParts(text, depth) {
    if (depth >= MAX_DEPTH) return null; // its parts would lie deeper
    const sentences = sentencesOf(text);
    if (sentences.length > 1) {
      const found = this.#joined(sentences, depth);
      if (found !== null) return found;
    }
    const headed = this.#headed(text, depth);
    if (headed !== null) return headed;
    for (const joint of JOINTS) {
      const pieces = withWholeQuotations(text.split(joint), joint);
      if (pieces.length === 1) continue;
      const found = pieces.map((piece) => this.#found(piece, depth + 1) ?? { text: piece, known: 0 });
      const known = found.reduce((sum, reading) => sum + reading.known, 0);
      if (known) return { text: found.map((reading) => reading.text).join(joint), known };
    }
    return null;
  }

  /** What follows the name of a value, which stays as it is, or a place, which does not. */
  #headed(text, depth) {
    const head = HEAD.exec(text);
    const rest = head && this.#found(text.slice(head[0].length), depth + 1);
    const place = rest && head[1].includes(" ") ? this.#found(head[1], depth + 1) : null;
    return rest && { ...rest, text: `${place?.text ?? head[1]}: ${rest.text}` };
  }

  /** The longest runs of sentences that entries fit, side by side. */
  #joined(parts, depth) {
    const made = [];
    for (let first = 0; first < parts.length; ) {
      let end = Math.min(parts.length, first + 4);
      let found = null;
      for (; end > first; end -= 1) {
        const run = parts.slice(first, end);
        found = this.#isOne(run, parts, depth + 1) ? this.#found(run.join(" "), depth + 1) : null;
        if (found !== null) break;
      }
      made.push(found ?? { text: parts[first], known: 0 });
      first = found === null ? first + 1 : end;
    }
    const known = made.reduce((sum, reading) => sum + reading.known, 0);
    return known ? { text: made.map((reading) => reading.text).join(" "), known } : null;
  }

  /** Whether so many of the sentences may be looked up as one: a single one, or several that an entry fits. */
  #isOne(run, parts, depth) {
    if (run.length === 1 || run.length === parts.length) return run.length < parts.length;
    const text = run.join(" ");
    return this.whole.has(text) || this.#fits(text, depth).length > 0;
  }
}

/** The sentences of a text; from a certain number on, what is left is one. */
function sentencesOf(text) {
  const sentences = [];
  let at = 0;
  for (const space of text.matchAll(SENTENCE_END)) {
    if (sentences.length === MAX_SENTENCES) break;
    sentences.push(text.slice(at, space.index));
    at = space.index + space[0].length;
  }
  return withWholeQuotations([...sentences, text.slice(at)], " ");
}

/** The parts of a text, those joined again that a quotation goes on in. */
function withWholeQuotations(parts, joint) {
  const whole = [];
  let open = 0;
  for (const part of parts) {
    if (open > 0) whole[whole.length - 1].push(part);
    else whole.push([part]);
    open = Math.max(0, open + part.split("“").length - part.split("”").length);
  }
  return whole.map((pieces) => pieces.join(joint));
}

/** Whether texts follow each other in a value; what follows within a quotation is somebody's own. */
const areSeveral = (value) => SEVERAL.test(value.replace(QUOTATION, "“”"));

/** Whether a value would begin or end with the space around the text, which is nobody's. */
const isSpace = (text, { literals }) => (/^\s/.test(text) && !literals[0]) || (/\s$/.test(text) && !literals.at(-1));

/** Whether a value can be what the name of its place says. */
const fillsIts = ([name, value]) => (!name.startsWith(COUNT) || /^≈?\p{Nd}/u.test(value)) && (!name.startsWith(PHRASE) || ONE_PHRASE.test(value));

const letters = (text) => text.replace(/[^\p{L}]/gu, "").length;

/** The first of the readings that account for most; null where there is none. */
function surest(readings) {
  const isSurer = (one, best) => one.known > best.known || (one.known === best.known && (one.own ?? 0) > (best.own ?? 0));
  return readings.reduce((best, one) => (one !== null && (best === null || isSurer(one, best)) ? one : best), null);
}

/** Entries that mark code, as they are where such marks mean nothing: in an answer over OSC. */
const withoutMarks = (entries) =>
  Object.entries(entries)
    .filter(([english]) => english.includes("`"))
    .map((entry) => entry.map((text) => text.replaceAll("`", "").replaceAll("\\|", "|")));

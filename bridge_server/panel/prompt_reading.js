/** What the engine makes of a prompt, shown under the button while it is typed. The server answers; nothing is guessed here. */

import { icon, make, show } from "./dom.js";

/** Milliseconds without a key after which the server is asked. */
const PAUSE = 250;

export class PromptReading {
  /** bridge: asks the server. id: of the box, which describes the prompt's field. */
  constructor(bridge, id) {
    this.bridge = bridge;
    this.box = make("div", { class: "reading", id, hidden: true });
    this.timer = 0;
    this.asked = "";
    this.shown = "";
  }

  /** Shows what the engine makes of {engine, task, prompt, lyrics, chords}, a moment after the last change; null shows nothing. */
  follow(given) {
    const texts = given && (given.prompt?.trim() || given.lyrics?.trim() || given.chords?.trim());
    const key = texts ? JSON.stringify(given) : "";
    if (key === this.asked) return;
    this.asked = key;
    clearTimeout(this.timer);
    if (!key) this.#show(null);
    else this.timer = setTimeout(() => this.#ask(given, key), PAUSE);
  }

  async #ask(given, key) {
    // The server's sentence for a text that is too long comes when it is sent; here nothing is shown then.
    const found = await this.bridge.connection.call("prompts.read", given).catch(() => null);
    if (key !== this.asked) return; // another one was typed meanwhile
    if (!found) this.asked = ""; // asked again with the next key, or once the server is back
    this.#show(found);
  }

  #show(found) {
    const rows = found ? lines(found) : [];
    const key = JSON.stringify(rows);
    if (key === this.shown) return;
    this.shown = key;
    this.box.replaceChildren(...rows.map(({ kind, name, text }) =>
      make("p", { class: kind }, icon(kind === "follows" ? "accept" : "warning"), make("span", {}, name ? make("b", { translate: false }, name) : null, name && text ? " " : null, text || null))));
    show(this.box, rows.length > 0);
  }
}

/** A reading as lines: {kind: "follows" or "ignores", name, text}. */
export function lines({ label, follows, ignores, notes }) {
  const found = new Map();
  for (const { text, effect } of follows) found.set(effect, [...(found.get(effect) ?? []), text]);
  const rows = [...found].map(([effect, texts]) => ({ kind: "follows", name: texts.join(", "), text: effect }));
  const plain = ignores.filter(({ reason }) => !reason).map(({ text }) => text);
  if (plain.length) rows.push({ kind: "ignores", name: plain.join(", "), text: `${plain.length > 1 ? "are" : "is"} not followed by ${label}` });
  for (const { text, reason } of ignores) if (reason) rows.push({ kind: "ignores", name: text, text: `is not followed: ${reason}` });
  for (const note of notes) rows.push({ kind: "ignores", name: "", text: note });
  return rows;
}

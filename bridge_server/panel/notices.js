/** Notices: errors as a sentence with its remedy, and short announcements for screen readers. */

import { button, byId, make } from "./dom.js";
import { englishOf } from "./language.js";

const SECONDS = 12;
const MOST = 3;

export class Notices {
  constructor() {
    this.box = byId("notices");
    this.live = byId("live");
    // The style sheet keeps the page's end, and what has the focus, out from under them.
    new ResizeObserver(() => document.documentElement.style.setProperty("--notices", `${this.box.offsetHeight}px`)).observe(this.box);
  }

  /** An error with `message` and `remedy`. */
  error(error) {
    this.say(error.message, error.remedy ?? "", true);
  }

  say(sentence, remedy = "", bad = false) {
    const text = make("div", { class: "text" }, make("div", {}, sentence), remedy ? make("div", { class: "remedy" }, remedy) : null);
    const notice = make("div", { class: bad ? "notice error" : "notice" }, text, button("Close", { picture: "close", onclick: () => notice.remove() }));
    for (const old of [...this.box.children].filter((child) => englishOf(child) === notice.textContent)) old.remove();
    this.box.append(notice);
    while (this.box.children.length > MOST) this.box.firstChild.remove();
    this.announce(`${sentence} ${remedy}`);
    let timer = setTimeout(() => notice.remove(), SECONDS * 1000);
    // No notice disappears while it is being read.
    notice.addEventListener("pointerenter", () => clearTimeout(timer));
    notice.addEventListener("pointerleave", () => {
      timer = setTimeout(() => notice.remove(), SECONDS * 500);
    });
  }

  /** For screen readers only. */
  announce(text) {
    this.live.textContent = "";
    setTimeout(() => {
      this.live.textContent = text;
    }, 30);
  }
}

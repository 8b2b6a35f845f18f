/**
 * The page's title, and notifications: they tell a producer who works elsewhere that a long render has ended. The title
 * goes back as soon as somebody looks at the page.
 */

import { byId, make } from "./dom.js";
import { isMine } from "./owners.js";
import { translated } from "./language.js";
import { outcomeOf } from "./words.js";

const LONG = 20; // seconds
const KEPT = "takebridge.notify";
const NAME = "Takebridge";

export class Attention {
  /** jobs: gives a job's name and its age in seconds. */
  constructor(store, jobs, notices) {
    Object.assign(this, { store, jobs, notices });
    this.news = "";
    this.switches = [];
    this.wanted = localStorage.getItem(KEPT) === "on";
    store.watch(["focus"], () => this.#show());
    store.watch(["lastEnded"], ({ lastEnded }) => lastEnded && this.#ended(lastEnded));
    for (const sign of ["pointerdown", "keydown", "focus"]) addEventListener(sign, () => this.#seen(), { capture: true });
    document.addEventListener("visibilitychange", () => document.hidden || this.#seen());
    byId("jobs").append(this.control());
  }

  /** A switch for notifications: off until the producer turns it on, which asks the browser for its permission. */
  control() {
    const input = make("input", { type: "checkbox", role: "switch", onchange: () => this.#choose(input.checked) });
    this.switches.push(input);
    const unable = cannotNotify();
    const label = make("label", { class: "notify" }, input, make("span", {}, "Notify me when a long render ends"), unable ? make("span", { class: "quiet" }, unable) : null);
    input.disabled = Boolean(unable);
    input.checked = this.#on;
    return label;
  }

  get #on() {
    return this.wanted && !cannotNotify() && Notification.permission === "granted";
  }

  async #choose(on) {
    this.wanted = on && (await Notification.requestPermission()) === "granted";
    if (on && !this.wanted) this.notices.say("The browser does not allow notifications from this page.", "Allow them in the browser's settings for this site, then switch them on again.");
    localStorage.setItem(KEPT, this.wanted ? "on" : "off");
    for (const input of this.switches) input.checked = this.wanted;
  }

  #ended(job) {
    if (!isMine(job) || job.state === "cancelled") return;
    const looking = !document.hidden && document.hasFocus();
    if (!document.hidden && this.jobs.age(job) <= LONG) return;
    const done = job.state === "done";
    const what = outcomeOf(job);
    this.news = done ? `✓ ${what}` : `✗ ${this.jobs.name(job)} failed`;
    this.#show();
    if (this.#on && !looking) this.#notify(job, done);
  }

  #notify(job, done) {
    const body = done ? `${this.jobs.name(job)} is done.` : job.failure?.sentence ?? "";
    // The same job tells once, however many tabs show it.
    const told = new Notification(`${translated(this.news)} – ${NAME}`, { body: translated(body), tag: `takebridge ${job.job}`, icon: "panel/icon.svg" });
    told.onclick = () => {
      window.focus();
      told.close();
    };
  }

  #seen() {
    if (!this.news) return;
    this.news = "";
    this.#show();
  }

  #show() {
    const song = this.store.get("focus")?.song;
    document.title = this.news ? `${this.news} – ${NAME}` : song ? `${song.title} · ${NAME}` : NAME;
  }
}

/** Why this browser shows no notifications; empty where it can. */
function cannotNotify() {
  if (!globalThis.isSecureContext) return "Browsers allow this on the bridge's own machine only, or over HTTPS.";
  return globalThis.Notification ? "" : "This browser has no notifications.";
}

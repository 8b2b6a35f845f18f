/** Escape and the running job: at once while little is lost, after a question when it is another client's or long under way. */

import { button, byId, make } from "./dom.js";
import { isMine, ownerName } from "./owners.js";
import { dialog } from "./songs.js";
import { duration } from "./words.js";

const SOON = 5; // seconds

export class Cancelling {
  constructor(store, bridge, jobs) {
    Object.assign(this, { store, bridge, jobs });
    this.box = byId("cancel-dialog");
    store.watch(["jobs"], () => this.#changed());
  }

  /** Cancels the foremost job, or asks first. */
  async cancel() {
    const job = this.jobs.foremost;
    if (!job) return;
    const own = isMine(job);
    if (own && (job.state === "queued" || this.jobs.age(job) <= SOON)) await this.bridge.cancel(job.job);
    else this.#ask(job, own);
  }

  #ask(job, own) {
    const name = this.jobs.name(job);
    const age = this.jobs.age(job);
    const since = job.state === "queued" ? "It is waiting its turn." : age < 1 ? "It has just begun." : `It has been rendering for ${duration(age)}.`;
    const stop = button("Cancel the render", { class: own ? "primary" : "", onclick: () => this.#stop(job) });
    const keep = button(job.state === "queued" ? "Keep it" : "Keep rendering", { class: own ? "" : "primary", onclick: () => this.box.close() });
    dialog("cancel-dialog", `Cancel ${name}?`,
      make("p", {}, own ? since : `${sentenceCase(ownerName(job))} requested it. ${since}`),
      make("div", { class: "answers" }, stop, keep));
    this.asked = job.job;
    this.box.showModal();
    // Enter does what is meant more often: to stop one's own render, and to leave another's alone.
    (own ? stop : keep).focus();
  }

  #stop(job) {
    this.box.close();
    this.bridge.cancel(job.job);
  }

  /** A render that ends meanwhile needs no answer. */
  #changed() {
    if (!this.box.open) return;
    const state = this.store.get("jobs").get(this.asked)?.state;
    if (state !== "running" && state !== "queued") this.box.close();
  }
}

const sentenceCase = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;

/**
 * Jobs that wait or run, with progress and cancel; and those that failed: this tab's own as a card with what to do about
 * it, those of other clients as a line.
 */

import { regionsOfJob } from "./bridge.js";
import { button, byId, make, setText, show } from "./dom.js";
import { isMine, ownerName } from "./owners.js";
import { counted, regionName, taskName, timeLeft } from "./words.js";

/** What is said when a job is done that gives no takes. */
const ENDED = { analyse: "The song is analysed.", plan: "The song is planned.", rewrite: "The prompt is rewritten." };
/** Seconds a failure stays listed. */
const SHOWN = 600;

export class Jobs {
  constructor(store, arranger, bridge, notices) {
    this.store = store;
    this.arranger = arranger;
    this.bridge = bridge;
    this.notices = notices;
    this.cards = new Map();
    this.put = new Set(JSON.parse(sessionStorage.getItem("takebridge.seen") ?? "[]"));
    this.seen = new Map();
    store.watch(["jobs", "grid", "focus"], (values) => this.#changed(values));
    store.watch(["lastEnded"], ({ lastEnded }) => this.#ended(lastEnded));
  }

  /** The job that Escape is about: this tab's own first, the running one before those that wait. */
  get foremost() {
    const jobs = [...this.store.get("jobs").values()];
    const first = (state, own) => jobs.find((job) => job.state === state && isMine(job) === own);
    return first("running", true) ?? first("queued", true) ?? first("running", false) ?? first("queued", false) ?? null;
  }

  /** Seconds since a job began to render. The server's clock may differ from this machine's, so what was seen counts too. */
  age(job) {
    const now = Date.now() / 1000;
    return Math.max(0, now - (job.started ?? now), now - (this.seen.get(job.job) ?? now));
  }

  #note(jobs) {
    for (const job of jobs.values()) if (job.state === "running" && !this.seen.has(job.job)) this.seen.set(job.job, Date.now() / 1000);
    for (const id of this.seen.keys()) if (!jobs.has(id)) this.seen.delete(id);
  }

  /** "Repaint bars 6–9". */
  name(job) {
    const { grid } = this.store.values;
    if (job.request.regions?.length > 1) return `${taskName(job.command)} ${counted(job.request.regions.length, "region")}`;
    const [region] = regionsOfJob(job, grid, this.arranger.rate);
    return `${taskName(job.command)}${region ? ` ${regionName(region, grid, this.arranger.rate)}` : ""}`;
  }

  #dismiss(id) {
    this.put.add(id);
    sessionStorage.setItem("takebridge.seen", JSON.stringify([...this.put].slice(-200)));
    this.#changed(this.store.values);
  }

  #changed({ jobs }) {
    this.#note(jobs);
    const now = Date.now() / 1000;
    const listed = [...jobs.values()].filter((job) => {
      if (job.state === "running" || job.state === "queued") return true;
      return job.state === "failed" && !this.put.has(job.job) && now - (job.ended ?? 0) < SHOWN;
    });
    listed.sort((a, b) => rank(a) - rank(b) || a.created - b.created);
    const list = byId("job-list");
    for (const [id, card] of this.cards) {
      const job = listed.find((entry) => entry.job === id);
      if (!job || kind(job) !== card.kind) {
        card.element.remove();
        this.cards.delete(id);
      }
    }
    listed.forEach((job, at) => {
      let card = this.cards.get(job.job);
      if (!card) {
        card = this.#make(job);
        this.cards.set(job.job, card);
      }
      card.update(job);
      if (list.children[at] !== card.element) list.insertBefore(card.element, list.children[at] ?? null);
    });
    show(byId("jobs"), listed.length > 0);
  }

  #make(job) {
    if (kind(job) === "running") return this.#running(job);
    return isMine(job) ? this.#failure(job) : this.#failureOfOthers(job);
  }

  #running(job) {
    const name = make("span", { class: "name" });
    const stage = make("span", {});
    const left = make("span", {});
    const bar = make("progress", { max: 1 });
    const owner = isMine(job) ? null : make("span", { class: "owner" }, ownerName(job));
    const element = make("li", { class: "job" },
      make("div", { class: "top" }, name, owner, button("Cancel", { class: "small plain", onclick: () => this.bridge.cancel(job.job) })),
      bar,
      make("div", { class: "stage" }, stage, left));
    const update = (now) => {
      const title = `${this.name(now)}${now.request.takes > 1 ? ` · ${counted(now.request.takes, "take")}` : ""}`;
      setText(name, title);
      bar.setAttribute("aria-label", title);
      if (now.progress) bar.value = now.progress.fraction;
      else bar.removeAttribute("value");
      setText(stage, now.state === "queued" ? "queued" : now.progress?.stage ?? "starting");
      setText(left, timeLeft(now.progress?.seconds_left));
    };
    return { kind: "running", element, update };
  }

  #failure(job) {
    const { sentence, remedy } = job.failure ?? {};
    const name = make("span", { class: "name" });
    const element = make("li", { class: "job failed", "data-job": job.job },
      make("div", { class: "top" }, name, button("Dismiss", { picture: "close", class: "small plain", onclick: () => this.#dismiss(job.job) })),
      make("p", { class: "sentence" }, sentence ?? "The job failed."),
      remedy ? make("p", { class: "remedy" }, remedy) : null);
    return { kind: "failed", element, update: (now) => setText(name, `${this.name(now)} failed`) };
  }

  /** One line with whose it was; what went wrong is for those who open it. */
  #failureOfOthers(job) {
    const { sentence, remedy } = job.failure ?? {};
    const name = make("span", { class: "name" });
    const element = make("li", { class: "job line", "data-job": job.job },
      make("details", {},
        make("summary", {}, name, make("span", { class: "owner" }, ownerName(job))),
        make("p", { class: "sentence" }, [sentence, remedy].filter(Boolean).join(" "))),
      button(`Dismiss the failure of ${ownerName(job)}`, { picture: "close", class: "small plain", title: "Dismiss", onclick: () => this.#dismiss(job.job) }));
    return { kind: "failed", element, update: (now) => setText(name, `${this.name(now)} failed`) };
  }

  #ended(job) {
    if (!job || (job.state === "failed" && !isMine(job))) return;
    if (job.state === "done") this.notices.announce(ENDED[job.command] ?? `${this.name(job)}: ${counted(job.came ?? 0, "take")} ready.`);
    if (job.state === "cancelled") this.notices.announce(`${this.name(job)} cancelled.`);
    if (job.state === "failed") setTimeout(() => this.#failed(job)); // when its card is there
  }

  /** The card says what went wrong; where it is out of sight, below the form, a notice does. */
  #failed(job) {
    const { sentence = "", remedy = "" } = job.failure ?? {};
    const place = this.cards.get(job.job)?.element.getBoundingClientRect();
    const inSight = place && place.bottom <= byId("transport").getBoundingClientRect().top && place.top >= byId("top").getBoundingClientRect().bottom;
    if (inSight) this.notices.announce(`${this.name(job)} failed. ${sentence} ${remedy}`);
    else this.notices.say(`${this.name(job)} failed. ${sentence}`, remedy, true);
  }
}

const kind = (job) => (job.state === "failed" ? "failed" : "running");
const rank = (job) => ({ running: 0, queued: 1 })[job.state] ?? 2;

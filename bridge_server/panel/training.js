/** Training a sound: which songs, under which name; how it goes; what came of it. Opened by anything with `data-training`. */

import { button, byId, make, setText, show } from "./dom.js";
import { lossPlot } from "./loss_plot.js";
import { modelNamed } from "./models.js";
import { dialog } from "./songs.js";
import { clock, counted, quoted, timeLeft } from "./words.js";

const FEW = 3; // songs: fewer teach one song rather than a sound
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MEMORY = [["0", "what is free"], ["8", "8 GB"], ["12", "12 GB"], ["16", "16 GB"], ["24", "24 GB or more"]];
const KINDS = [["lora", "LoRA"], ["lokr", "LoKr: a smaller file"]];
const STATES = { training: "Training", waiting: "Waits for a render", stopped: "Stopped", failed: "Failed", done: "Trained" };

/** Whether the server trains it: one that another program trains is that program's to show and to stop. */
export const underWay = (training) => ["training", "waiting"].includes(training?.state) && !training.elsewhere;

/** "my_sound: at step 120 of 2,000 · about 5 min left"; on: the render host that trains it. */
export function progressOf({ phase = "", step = 0, steps = 0, state, seconds_left: left, on = "" }) {
  const place = step && steps ? `at step ${step.toLocaleString("en")} of ${steps.toLocaleString("en")}` : "";
  const doing = state === "waiting" && !on ? "waits while the server renders" : place && phase === "training" ? "" : phase;
  return [on && `on the machine ${on}`, doing, place, left ? timeLeft(left) : ""].filter(Boolean).join(" · ");
}

/** The folder a song lies in, as the server wrote its path. */
const folderOf = (path) => path.replace(/[\\/][^\\/]*$/, "");

export class Training {
  constructor(store, bridge, notices, form) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.form = form;
    this.box = byId("training-dialog");
    this.curves = new Map(); // what is known of each training's losses, by name
    this.looked = null; // the songs that are shown, and may be agreed to
    this.#build();
    document.addEventListener("click", (event) => event.target.closest?.("[data-training]") && this.open());
    store.watch(["training"], ({ training }) => training && this.#moved(training));
    store.watch(["opened"], ({ opened }) => opened && this.load());
  }

  async open() {
    dialog("training-dialog", "Train a sound", this.reason, this.now, this.wish, this.list);
    if (!this.box.open) this.box.showModal();
    await this.load();
  }

  /** Everything the server knows of trainings; the sounds that requests can use among it. */
  async load() {
    const found = await this.bridge.read("training.list");
    if (!found) return;
    this.found = found;
    this.store.set({ sounds: found.trainings.filter((one) => one.adapter).map((one) => ({ name: one.name, adapter: one.adapter })) });
    if (this.box.open) await this.#show();
  }

  #build() {
    const field = (label, input, note) => make("div", { class: "field" }, make("label", { class: "label", for: input.id }, label), input, note ?? null);
    const select = (id, entries) => make("select", { id }, ...entries.map(([value, label]) => make("option", { value }, label)));
    this.reason = make("div", { class: "reason", id: "training-reason", hidden: true });
    this.now = make("section", { id: "training-now", "aria-label": "Under way", hidden: true });
    this.folders = make("datalist", { id: "training-folders" });
    this.songs = make("input", { id: "training-songs", type: "text", maxLength: 1000, autocomplete: "off", spellcheck: false });
    this.songs.setAttribute("list", "training-folders");
    this.look = button("Look", { id: "training-look", onclick: () => this.#look() });
    this.seen = make("div", { id: "training-seen", role: "status" });
    this.name = make("input", { id: "training-name", type: "text", maxLength: 64, placeholder: "my_sound", autocomplete: "off", spellcheck: false });
    this.where = select("training-where", []);
    this.whereField = field("Where", this.where);
    this.leaves = make("span", {});
    this.model = select("training-model", []);
    this.memory = select("training-memory", MEMORY);
    this.prompt = make("input", { id: "training-prompt", type: "text", maxLength: 512, placeholder: "as the first song is described" });
    this.kind = select("training-kind", KINDS);
    this.steps = make("input", { id: "training-steps", type: "number", min: 1, step: 1, placeholder: "2000" });
    this.describe = make("input", { type: "checkbox", checked: true });
    this.describes = make("label", { class: "check", hidden: true }, this.describe, "let the planner write about songs that have no words with them");
    this.consent = make("input", { type: "checkbox", id: "training-consent" });
    this.begin = make("button", { type: "submit", class: "primary", id: "training-start" }, "Start training");
    this.missing = make("p", { class: "under", id: "training-missing" });
    this.modelField = field("Model", this.model);
    this.wish = make("form", { id: "training-form", noValidate: true },
      make("p", { class: "quiet" }, "A trained sound is a small file that teaches the model the sound of some songs: 3 to 50 of them, in one folder. ", this.leaves),
      this.whereField,
      make("div", { class: "field" }, make("label", { class: "label", for: "training-songs" }, "Folder with the songs"), make("div", { class: "with-button" }, this.songs, this.look), this.folders),
      this.seen,
      make("div", { class: "pair" }, field("Name of the sound", this.name), field("Memory to fit into", this.memory)),
      make("details", {}, make("summary", {}, "More"), make("div", { class: "fold" },
        this.modelField,
        field("Prompt of the previews", this.prompt),
        make("div", { class: "pair" }, field("Form of the file", this.kind), field("Steps at most", this.steps)),
        this.describes)),
      make("label", { class: "check consent" }, this.consent, "I have the right to train on these songs, and everyone who performs on them agreed."),
      this.begin, this.missing);
    this.wish.addEventListener("input", (event) => this.#typed(event.target));
    this.wish.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.songs.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#look();
    });
    this.list = make("section", { id: "training-list", "aria-label": "Sounds" });
  }

  #typed(target) {
    if (target === this.songs) this.#forget();
    if (target === this.where) this.#place();
    this.#missing();
  }

  /** What can be trained where it is to be trained; consent to another place is asked for anew. */
  #place() {
    const host = this.found.hosts?.find((one) => one.address === this.where.value);
    const { ready, reason = "", remedy = "", models = [], planner = false } = host ?? this.found;
    this.consent.checked = false;
    setText(this.leaves, host ? `The songs are sent to ${host.name}, which removes them when the sound is trained.` : "Nothing leaves this machine.");
    const model = host ? null : modelNamed(remedy);
    show(this.reason, !ready);
    this.reason.replaceChildren(make("p", {}, reason), make("p", {}, remedy), model ? button("Get the model…", { class: "small", "data-models": model }) : "");
    show(this.modelField, models.length > 1);
    const chosen = this.model.value;
    this.model.replaceChildren(make("option", { value: "" }, "the plain turbo"), ...models.map((one) => make("option", { value: one }, one)));
    this.model.value = models.includes(chosen) ? chosen : "";
    show(this.describes, planner);
  }

  /** Other songs need another consent. */
  #forget() {
    this.looked = null;
    this.consent.checked = false;
    this.seen.replaceChildren();
  }

  /** What is still to be given before it can start. */
  #missing() {
    const named = NAME.test(this.name.value.trim());
    const place = this.found?.hosts?.find((one) => one.address === this.where.value) ?? this.found;
    const words = place && !place.ready ? "It cannot be trained there now." : !this.looked ? "Look at the folder first." : !named ? "Give it a name: letters, digits, - and _." : !this.consent.checked ? "Say that the songs may be used." : "";
    setText(this.missing, words);
    this.begin.setAttribute("aria-disabled", Boolean(words));
    return words;
  }

  async #look() {
    const folder = this.songs.value.trim();
    this.#forget();
    if (!folder) return this.#missing();
    this.look.disabled = true;
    setText(this.seen, "reading the songs …");
    const failed = (error) => this.seen.replaceChildren(make("div", { class: "reason" }, make("p", {}, error.message), make("p", {}, error.remedy ?? "")));
    try {
      const found = await this.bridge.connection.call("training.songs", { folder });
      if (folder !== this.songs.value.trim()) return undefined; // typed on meanwhile
      this.looked = found;
      const seconds = found.songs.reduce((sum, one) => sum + one.seconds, 0);
      const entry = (one) => make("li", {}, make("strong", { translate: false }, one.name), make("span", { class: "quiet" }, ` ${clock(one.seconds, 0)} · `), one.words ? make("span", { translate: false }, one.caption) : make("span", { class: "quiet" }, "no words with it"), one.lyrics ? make("span", { class: "quiet" }, " · lyrics") : null);
      this.seen.replaceChildren(
        make("p", {}, `${counted(found.songs.length, "song")}, ${clock(seconds, 0)}`),
        found.songs.length < FEW ? make("p", { class: "bad" }, "So few songs teach the model these songs rather than a sound.") : "",
        make("ul", { class: "songs-to-learn", tabIndex: 0, "aria-label": "Songs to train on" }, ...found.songs.map(entry)));
    } catch (error) {
      failed(error);
    } finally {
      this.look.disabled = false;
      this.#missing();
    }
    return undefined;
  }

  async #start() {
    const missing = this.#missing();
    if (missing) return this.notices.say(missing);
    const name = this.name.value.trim();
    const begun = await this.bridge.call("training.start", {
      name, songs: this.looked.folder, digest: this.looked.digest, consent: true, memory: Number(this.memory.value), kind: this.kind.value,
      preview_prompt: this.prompt.value.trim(), describe: this.describe.checked,
      ...(this.where.value ? { on: this.where.value } : {}),
      ...(this.model.value ? { checkpoint: this.model.value } : {}),
      ...(this.steps.value ? { steps: Number(this.steps.value) } : {}),
    });
    if (!begun) return undefined;
    this.curves.delete(name);
    this.#forget();
    this.name.value = "";
    await this.load();
    this.now.querySelector("button")?.focus();
    return undefined;
  }

  async #show() {
    const { ready, hosts = [], trainings } = this.found;
    const running = trainings.find(underWay);
    show(this.wish, (ready || hosts.length > 0) && !running);
    show(this.whereField, hosts.length > 0);
    const where = this.where.value;
    const named = (one) => (hosts.some((other) => other !== one && other.name === one.name) ? `${one.name} (${one.address})` : one.name);
    this.where.replaceChildren(make("option", { value: "" }, "this machine"), ...hosts.map((one) => make("option", { value: one.address }, named(one))));
    this.where.value = hosts.some((one) => one.address === where) ? where : ready ? "" : (hosts.find((one) => one.ready)?.address ?? "");
    const agreed = this.consent.checked && this.where.value === where;
    this.#place();
    this.consent.checked = agreed;
    const songs = this.store.get("songs") ?? [];
    this.folders.replaceChildren(...[...new Set([...songs.map((one) => folderOf(one.source)), ...this.found.folders])].map((value) => make("option", { value })));
    this.#missing();
    const others = trainings.filter((one) => one !== running);
    this.list.replaceChildren(...(others.length ? [make("h3", {}, "Sounds"), make("ul", { class: "models" }, ...others.map((one) => this.#entry(one)))] : []));
    const held = this.now.contains(document.activeElement);
    await this.#showNow(running);
    if (held && !running) (this.list.querySelector("button") ?? this.box.querySelector("button")).focus();
  }

  /** The one under way, with its curve as it grows. */
  async #showNow(running) {
    show(this.now, Boolean(running));
    if (!running) {
      this.shown = null;
      return;
    }
    if (this.shown?.name !== running.name) {
      this.shown = { name: running.name, title: make("strong", { translate: false }, running.name), words: make("span", { class: "quiet", role: "status" }), bar: make("progress", { max: 1, "aria-label": "Training" }), plot: make("div", {}), previews: make("div", {}), list: "" };
      this.now.replaceChildren(
        make("div", { class: "top" }, this.shown.title, button(`Stop training ${quoted(running.name)}`, { text: "Stop", class: "small", onclick: () => this.#stop(running.name) })),
        this.shown.bar, this.shown.words, this.shown.plot, this.shown.previews);
      await this.#curve(running.name);
    }
    this.#figures(running);
  }

  #figures(running) {
    const { words, bar, plot, previews } = this.shown;
    setText(words, progressOf(running) || "starting");
    if (running.share > 0) bar.value = running.share;
    else bar.removeAttribute("value");
    const curve = this.curves.get(running.name);
    if (curve?.losses.length) plot.replaceChildren(lossPlot(curve, plot.clientWidth), legend());
    const names = (curve?.previews ?? []).join();
    if (names !== this.shown.list) {
      this.shown.list = names;
      previews.replaceChildren(this.#previews(running.name, curve.previews));
    }
  }

  /** The whole curve, from the server. */
  async #curve(name) {
    const found = await this.bridge.read("training.show", { name });
    if (found) this.curves.set(name, { losses: found.losses ?? [], checks: found.checks ?? [], steps: found.steps ?? 0, previews: found.previews ?? [] });
  }

  #entry(one) {
    const about = [one.elsewhere ? one.phase : "", one.on ? `on the machine ${one.on}` : "", one.step && one.steps ? `at step ${one.step.toLocaleString("en")} of ${one.steps.toLocaleString("en")}` : "", one.songs?.length ? counted(one.songs.length, "song") : ""].filter(Boolean).join(" · ");
    const use = one.adapter ? button(`Use it: ${quoted(one.name)}`, { text: "Use it", class: "small primary", onclick: () => this.#use(one) }) : null;
    const again = ["stopped", "failed"].includes(one.state) ? button(`Resume ${quoted(one.name)}`, { text: "Resume", class: "small", onclick: () => this.#resume(one.name) }) : null;
    const remove = again ? button(`Remove what is unfinished of ${quoted(one.name)}`, { text: "Remove", class: "small", onclick: (event) => this.#discard(one.name, event.currentTarget) }) : null;
    const fold = make("details", {}, make("summary", {}, "Loss and previews"));
    fold.addEventListener("toggle", () => fold.open && this.#unfold(one.name, fold), { once: true });
    return make("li", { class: `model ${one.state}`, "data-sound": one.name },
      make("div", { class: "top" }, make("strong", { translate: false }, one.name), make("span", { class: "state" }, STATES[one.state]), make("span", { class: "push" }), use, again, remove),
      about ? make("p", { class: "quiet" }, about) : null,
      one.described?.length ? make("p", { class: "quiet" }, `The planner wrote about ${one.described.map(quoted).join(", ")}.`) : null,
      one.sentence ? make("p", { class: "bad" }, one.sentence) : null,
      one.remedy ? make("p", { class: "quiet" }, one.remedy) : null,
      one.step || one.previews?.length ? fold : null);
  }

  async #unfold(name, fold) {
    await this.#curve(name);
    const curve = this.curves.get(name);
    if (!curve) return;
    fold.append(...(curve.losses.length ? [lossPlot(curve, fold.clientWidth), legend()] : []), this.#previews(name, curve.previews));
  }

  #previews(name, previews) {
    if (!previews?.length) return make("div", {});
    const title = (one) => ({ 0: "before training", finished: "the finished sound" })[one] ?? `after step ${one}`;
    const player = (one) => {
      const audio = make("audio", { controls: true, preload: "none", src: this.bridge.locate(`trainings/${encodeURIComponent(name)}/previews/${one}.wav`), "aria-label": `${quoted(name)}, ${title(one)}` });
      audio.addEventListener("play", () => this.box.querySelectorAll("audio").forEach((other) => other !== audio && other.pause()));
      return make("li", {}, make("span", {}, title(one)), audio);
    };
    return make("ul", { class: "previews", "aria-label": `Previews of ${quoted(name)}` }, ...previews.map(player));
  }

  #use(one) {
    if (!this.form.useSound(one.adapter)) return this.notices.say("No engine can use a trained sound at the moment.", "“Models” shows what is missing.", true);
    this.box.close();
    return this.notices.say(`The sound ${quoted(one.name)} is in the request.`, "Its strength is under “More”.");
  }

  async #stop(name) {
    await this.bridge.call("training.stop", { name });
  }

  async #resume(name) {
    if (!(await this.bridge.call("training.resume", { name }))) return;
    await this.load();
    this.now.querySelector("button")?.focus();
  }

  /** At the second press: hours of work may be in it. */
  async #discard(name, pressed) {
    if (pressed.dataset.sure !== "yes") {
      pressed.dataset.sure = "yes";
      pressed.replaceChildren(make("span", {}, "Remove for good?"));
      pressed.setAttribute("aria-label", `Remove for good what is unfinished of ${quoted(name)}?`);
      return;
    }
    const removed = await this.bridge.call("training.discard", { name });
    if (removed?.note) this.notices.say(`${quoted(name)} is removed.`, removed.note, true);
    if (removed) await this.load();
    this.box.querySelector("button")?.focus();
  }

  /** News of the training under way, whoever began it. */
  #moved(moved) {
    const curve = this.curves.get(moved.training);
    if (curve) {
      const { step = 0, loss, checked } = moved;
      curve.steps = moved.steps ?? curve.steps;
      // Steps that came too quickly to be told are drawn as a straight line; the whole curve is read when it is opened.
      const missing = loss === undefined ? 0 : step - curve.losses.length;
      const before = curve.losses.at(-1) ?? loss;
      for (let number = 1; number <= missing; number += 1) curve.losses.push(before + ((loss - before) * number) / missing);
      if (checked !== undefined && curve.checks.at(-1)?.[0] !== step) curve.checks.push([step, checked]);
      if (moved.preview && !curve.previews.includes(moved.preview)) curve.previews.push(moved.preview);
    }
    const running = underWay(moved);
    if (running && this.shown?.name === moved.training && this.box.open) {
      this.#figures({ ...moved, name: moved.training });
      return;
    }
    if (!running) {
      this.curves.delete(moved.training);
      if (moved.state === "done") this.notices.say(`The sound ${quoted(moved.training)} is trained.`, "“Train a sound” has it: it can be used at once.");
      else if (moved.state === "failed" && !this.box.open) this.notices.say(moved.sentence, moved.remedy, true);
    }
    if (!running || this.box.open) this.load();
  }
}

const legend = () => make("p", { class: "quiet legend" }, make("span", { class: "each" }, "each step"), make("span", { class: "average" }, "moving average"), make("span", { class: "checks" }, "fixed examples"));

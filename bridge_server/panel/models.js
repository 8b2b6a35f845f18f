/** The models engines render with: which are here, where they run, and getting one. Opened by anything with `data-models`. */

import { button, byId, make, setText, show } from "./dom.js";
import { dialog } from "./songs.js";
import { bytes, counted, quoted, timeLeft, troublesOf } from "./words.js";

const PARTS = ["autoencoder", "text encoder", "tokenizer"];
const STATES = { here: "on this machine", begun: "download begun", damaged: "damaged", absent: "" };
const DOING = { checking: "looking at what is missing", fetching: "downloading" };

/** The model a reason names ("… `takebridge models pull base` …"); null where it names none. */
export function modelNamed(reason) {
  return /models pull ([\w.-]*\w)/.exec(reason ?? "")?.[1] ?? null;
}

/** "1.2 GB of 5.1 GB · 12 MB/s · about 5 min left" */
export function progressOf({ done = 0, total = 0, speed = 0 }) {
  if (!total) return "";
  const left = speed > 0 ? timeLeft((total - done) / speed) : "";
  return [`${bytes(done)} of ${bytes(total)}`, speed > 0 ? `${bytes(speed)}/s` : "", left].filter(Boolean).join(" · ");
}

/** "downloading turbo, 25 %"; empty while nothing is downloaded. */
export function transferName(transfer) {
  if (!underWay(transfer)) return "";
  return `downloading ${transfer.model}${transfer.total ? `, ${Math.floor((100 * (transfer.done ?? 0)) / transfer.total)} %` : ""}`;
}

const underWay = (transfer) => transfer?.state === "checking" || transfer?.state === "fetching";

/** What is wrong with a render host, or else what it offers. */
const hostInWords = (host) => troublesOf(host).join(" ") || [quoted(host.name), host.connected ? counted(host.places, "place") : "connecting"].join(", ");

export class Models {
  constructor(store, bridge, notices) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.box = byId("models-dialog");
    this.machine = make("dl", { class: "figures" });
    this.lists = make("div", { id: "model-lists" });
    this.doing = make("span", { role: "status" });
    this.figures = make("span", { class: "quiet" });
    this.bar = make("progress", { max: 1, "aria-label": "Download" });
    this.stop = button("Cancel the download", { text: "Cancel", class: "small", id: "model-cancel", onclick: () => this.bridge.call("models.cancel") });
    this.progress = make("div", { class: "model-transfer", hidden: true }, make("div", { class: "top" }, this.doing, this.stop), this.bar, this.figures);
    this.failure = make("div", { class: "reason", id: "model-failure", hidden: true });
    document.addEventListener("click", (event) => {
      const opener = event.target.closest?.("[data-models]");
      if (opener) this.open(opener.dataset.models);
    });
    store.watch(["transfer"], ({ transfer }) => this.#moved(transfer));
    store.watch(["status"], () => this.box.open && this.found && this.#showMachine(this.found));
    store.watch(["opened"], () => this.box.open && this.#load());
  }

  /** Opens the place, at one model if it is named. */
  async open(name = "") {
    dialog("models-dialog", "Models", this.progress, this.failure, make("div", { class: "machine" }, this.machine), this.lists);
    if (!this.box.open) this.box.showModal();
    await this.#load();
    const row = name ? this.#row(name) : null;
    if (!row) return;
    const fold = row.closest("details");
    if (fold) fold.open = true;
    row.scrollIntoView({ block: "center" });
    row.classList.add("asked-for");
    (row.querySelector("button:not(:disabled)") ?? row).focus();
  }

  /** The entry of a model, by its name or its folder's. */
  #row(name) {
    const model = this.found?.models.find((one) => one.name === name || one.path.split(/[\\/]/).at(-1) === name);
    return model ? this.lists.querySelector(`[data-model="${CSS.escape(model.name)}"]`) : null;
  }

  async #load() {
    const found = await this.bridge.read("models.list");
    if (!found) return;
    this.found = found;
    // What the server said last about a download is newer than what this page may have missed.
    if (found.transfer && (underWay(found.transfer) || underWay(this.store.get("transfer")))) this.store.set({ transfer: found.transfer });
    this.#showMachine(found);
    this.#showLists(found);
    this.#show(this.store.get("transfer"));
  }

  #showMachine({ device, memory_limit: limit, memory, cards, folder, free_bytes: free, engine }) {
    const name = this.store.get("engines")?.[engine]?.label ?? engine;
    const rows = [
      ["Engine", engine ? name : "This server has no engine that uses models."],
      ["Device", engine && (device === "auto" ? "automatic: the best one there is" : device)],
      ...cards.map((card) => ["Graphics card", `${card.name}, ${bytes(card.memory)} of memory, ${bytes(card.free)} free`]),
      ["Memory", memory && `${bytes(memory)}${limit ? `; renders use at most ${limit} GB of the device's` : ""}`],
      ...(this.store.get("status")?.render_hosts ?? []).map((host) => ["Render host", hostInWords(host)]),
      ["Folder", folder],
      ["Free on its disk", folder && bytes(free)],
    ].filter(([, text]) => text);
    this.machine.replaceChildren(...rows.flatMap(([title, text]) => [make("dt", {}, title), make("dd", {}, text)]));
  }

  #showLists({ models }) {
    const focused = document.activeElement?.closest("[data-model]")?.dataset.model;
    const isPart = (one) => PARTS.includes(one.kind);
    const list = (label, entries) => entries.length ? make("section", { "aria-label": label }, make("h3", {}, label), make("ul", { class: "models" }, ...entries.map((one) => this.#entry(one)))) : "";
    const open = this.lists.querySelector("details")?.open ?? false;
    this.lists.replaceChildren(
      list("Music models", models.filter((one) => one.kind === "music model")),
      list("Stem separators: for extract, and for the layers of a repaint", models.filter((one) => one.kind === "stem separator")),
      list("Prompt listeners: to rank takes by how well they follow their prompt", models.filter((one) => one.kind === "prompt listener")),
      list("Word listeners: to tell whether takes sing their lyrics", models.filter((one) => one.kind === "word listener")),
      list("Planners: they write a song's plan before it is rendered", models.filter((one) => one.kind === "planner")),
      models.some(isPart) ? make("details", { open }, make("summary", {}, "Parts, which come with the models that need them"), make("ul", { class: "models" }, ...models.filter(isPart).map((one) => this.#entry(one)))) : "",
    );
    if (focused) this.#row(focused)?.querySelector("button")?.focus();
  }

  #entry(one) {
    const size = one.state === "here" || one.published_bytes === null ? bytes(one.bytes) : `about ${bytes(one.published_bytes)}`;
    const licence = one.licence ? make("a", { href: one.page, target: "_blank", rel: "noopener" }, `Licence: ${one.licence}. Page of ${one.name}`) : null;
    const needed = one.get_bytes > (one.published_bytes ?? 0) ? ` with ${one.needs.join(", ")}` : "";
    const words = { begun: "Resume", damaged: "Repair", here: "Get the rest of" }[one.state] ?? "Get";
    const get = one.published_bytes !== null && one.get_bytes > 0
      ? button(`${words} ${one.name}, about ${bytes(one.get_bytes)}${needed}`, { text: `${words.replace(/ of$/, "")} · ${bytes(one.get_bytes)}`, class: "get small primary", title: `Downloads ${one.name}${needed}`, onclick: () => this.#get(one) })
      : null;
    return make("li", { class: `model ${one.state}`, "data-model": one.name, tabIndex: -1 },
      make("div", { class: "top" }, make("strong", {}, one.name), STATES[one.state] ? make("span", { class: "state" }, STATES[one.state]) : null, get),
      one.about ? make("p", {}, one.about) : null,
      one.note ? make("p", { class: one.state === "damaged" ? "bad" : "quiet" }, one.note) : null,
      make("p", { class: "quiet about" }, make("span", {}, size), licence),
      one.state === "here" ? make("p", { class: "quiet where" }, one.path) : null);
  }

  async #get(one) {
    const begun = await this.bridge.call("models.get", { model: one.name });
    if (!begun) return;
    this.store.set({ transfer: begun });
    this.#show(begun);
    this.stop.focus();
    this.progress.scrollIntoView({ block: "nearest" });
  }

  /** Every state of a download, of whoever began it. */
  #moved(transfer) {
    this.#show(transfer);
    const ended = this.before && underWay(this.before) && transfer && !underWay(transfer);
    this.before = transfer;
    if (ended) this.#ended(transfer);
  }

  async #ended(transfer) {
    if (transfer.state === "done") {
      const engines = await this.bridge.read("engines"); // it may be able to do more now
      if (engines) this.store.set({ engines: engines.engines });
      this.notices.say(`The model ${transfer.model} is on the server's machine.`, "It can be used at once: choose its engine under “More”.");
    } else if (transfer.state === "failed" && !this.box.open) this.notices.say(transfer.sentence, transfer.remedy, true);
    if (this.box.open) await this.#load();
  }

  #show(transfer) {
    const busy = underWay(transfer);
    const focused = this.stop === document.activeElement;
    setText(this.doing, busy ? `${transfer.model}: ${DOING[transfer.state]}${transfer.state === "checking" ? " …" : ""}` : "");
    setText(this.figures, busy ? [progressOf(transfer), transfer.file].filter(Boolean).join(" · ") : "");
    if (busy && transfer.total) this.bar.value = (transfer.done ?? 0) / transfer.total;
    else this.bar.removeAttribute("value");
    show(this.progress, busy);
    for (const get of this.lists.querySelectorAll(".get")) get.disabled = busy;
    const failed = transfer?.state === "failed";
    show(this.failure, failed);
    if (failed) this.failure.replaceChildren(make("p", {}, transfer.sentence), make("p", {}, transfer.remedy ?? ""));
    if (focused && !busy) (this.#row(transfer?.model ?? "") ?? this.box.querySelector("button"))?.focus();
  }
}

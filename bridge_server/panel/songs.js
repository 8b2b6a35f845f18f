/** Choosing the song: from the server's folders, by dropping a file, or in the DAW. And its tempo, time signature and key. */

import { button, byId, make, setText, show } from "./dom.js";
import { songList } from "./song_list.js";
import { SongTempo } from "./tempo.js";
import { bytes, clock, quoted, songName, tempoName } from "./words.js";

export class Songs {
  #refill = null;

  constructor(store, bridge, notices) {
    this.store = store;
    this.bridge = bridge;
    this.notices = notices;
    this.tempo = new SongTempo(store, bridge, notices);
    bridge.beforeSelecting = () => {
      if (!this.tempo.mustAsk()) return false;
      this.openFacts(true);
      return true;
    };
    this.input = make("input", { type: "file", id: "song-file", accept: "audio/*,.wav,.flac,.aif,.aiff,.ogg,.mp3,.mid,.midi", hidden: true, "aria-label": "A song from this machine" });
    this.input.addEventListener("change", () => this.#send(this.input.files[0]));
    document.body.append(this.input);
    byId("song-button").addEventListener("click", () => this.open());
    byId("facts-button").addEventListener("click", () => this.openFacts());
    this.#dropping();
    store.watch(["focus", "grid", "songs", "recent"], (values) => this.#title(values));
    store.watch(["focus", "songs", "recent", "connection", "locked", "lockedWords"], (values) => this.#welcome(values));
    store.watch(["focus", "grid"], () => byId("facts-dialog").open && this.facts?.());
    store.watch(["songs", "recent"], () => byId("song-dialog").open && this.#refill?.());
  }

  open() {
    this.bridge.refreshSongs();
    this.#fillDialog();
    byId("song-dialog").showModal();
    byId("song-dialog").querySelector("input[type=search]")?.focus();
  }

  #title({ focus, grid, songs, recent }) {
    const song = focus?.song;
    const title = byId("song-title");
    if (song) title.dir = "auto"; // a name, which is never translated
    else title.removeAttribute("dir");
    setText(title, song ? songName(song) : focus?.problem ? "The song cannot be read" : "Choose a song");
    // Bounces of one project have the same title in their tags: then the file's name tells them apart.
    const twin = song?.tag_title && [...(songs ?? []), ...(recent ?? [])].some((other) => other.tag_title === song.tag_title && other.title !== song.title);
    setText(byId("song-artist"), (twin ? song.title : song?.tag_artist) ?? "");
    byId("song-button").title = song ? `The song's file: ${quoted(song.title)}` : "";
    show(byId("facts-button"), Boolean(song));
    if (!song) return;
    const meter = grid?.meters.length ? [...new Set(grid.meters.map(([, name]) => name))].join(", ") : "";
    const tempo = focus.tempo_known === false ? "tempo not set" : tempoName(grid?.tempi);
    setText(byId("facts"), [tempo, meter, focus.key, clock(song.length / song.rate, 0)].filter(Boolean).join(" · "));
  }

  #list(filter = "") {
    return songList(this.store.values, filter, (source) => this.#choose(source));
  }

  async #choose(source) {
    byId("song-dialog").close();
    await this.bridge.choose(source);
  }

  /** Asks for the token that the terminal shows, also as a QR code. */
  #lock(box, locked, words) {
    const typed = byId("token")?.value ?? "";
    const input = make("input", { id: "token", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false, required: true });
    const form = make("form", { class: "fold" },
      make("div", {}, make("label", { class: "label", for: "token" }, "Token"), input),
      make("button", { type: "submit", class: "primary" }, "Open the panel"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.bridge.unlock(input.value);
    });
    const titles = { wrong: "Wrong token", late: "Wait a moment", needed: "Enter the token" };
    box.replaceChildren(make("div", {},
      make("h2", {}, titles[locked]),
      locked === "late" ? make("p", { class: "reason" }, words) : null,
      make("p", { class: "lead" }, locked === "late"
        ? "Other tabs and programs on this device count as well. The page tries again by itself; if its token is wrong, enter the right one."
        : "The terminal running the server shows an address that ends with the token, and a QR code. Scan the code with your tablet's camera, or enter the address or the token here."),
      form));
    input.value = typed;
    input.focus();
  }

  #welcome({ focus, songs, recent, connection, locked, lockedWords }) {
    const box = byId("welcome");
    const empty = Boolean(focus) && !focus.song;
    show(box, empty || !focus || Boolean(locked));
    byId("side").inert = empty || Boolean(locked);
    document.body.classList.toggle("empty", !box.hidden);
    if (box.hidden) return;
    const key = JSON.stringify([Boolean(focus) || connection === "open", focus?.problem, songs, recent, locked, lockedWords]);
    if (this.welcomed === key) return;
    this.welcomed = key;
    if (locked) {
      this.#lock(box, locked, lockedWords);
      return;
    }
    if (!focus && connection === "open") {
      box.replaceChildren(make("div", {}, make("h2", {}, "Loading …")));
      return;
    }
    if (!focus) {
      box.replaceChildren(make("div", {}, make("h2", {}, "Connecting to the server …"), make("p", { class: "lead" }, "If nothing happens, start it with ", make("kbd", {}, "takebridge serve"), ". The page connects automatically.")));
      return;
    }
    const way = (title, text, action) => make("div", { class: "way" }, make("h3", {}, title), make("p", {}, text), action ?? null);
    box.replaceChildren(make("div", {},
      make("h2", {}, focus.problem ? "The song cannot be read" : "Choose a song"),
      focus.problem
        ? make("p", { class: "reason" }, `${focus.problem.sentence} ${focus.problem.remedy}`)
        : make("p", { class: "lead" }, "Choose one here or in your DAW. Then select some bars and request new takes of them; everything outside stays bit-identical."),
      make("div", { class: "ways" },
        way("In your DAW", "Select a region and press a Takebridge key; the song appears here at once."),
        way("A file of yours", "Drag it onto this page, or choose it here.", button("Choose a file …", { onclick: () => this.input.click() })),
        way("From the server's folders", songs?.length ? "The songs in them, newest first." : "They contain no songs yet. Start the server with --root and your song's folder.")),
      ...(songs?.length || recent?.length ? [this.#list()] : [])));
  }

  #fillDialog() {
    const { songs, recent } = this.store.values;
    const empty = !songs?.length && !recent?.length;
    const search = make("input", { type: "search", placeholder: "Find a song", "aria-label": "Find a song" });
    const holder = make("div", {}, this.#list());
    const fill = () => holder.replaceChildren(this.#list(search.value));
    search.addEventListener("input", fill);
    // A list that arrives while one types replaces the rows only.
    this.#refill = empty ? () => this.#fillDialog() : fill;
    dialog("song-dialog", "Choose a song",
      empty ? make("p", { class: "quiet" }, "The server's folders contain no songs. Start it with --root and your song's folder, or choose a file on this machine.") : search,
      empty ? null : holder,
      make("div", {}, button("A file from this machine …", { picture: "file", text: "A file from this machine …", onclick: () => this.input.click() })));
  }

  /** first: whether it comes before a selection, which waits for it. */
  openFacts(first = false) {
    const { focus, grid } = this.store.values;
    const mapped = Boolean(focus?.request?.tempo_map);
    const bpm = make("input", { id: "fact-bpm", type: "number", min: 5, max: 1000, step: "any", placeholder: mapped ? tempoName(grid.tempi) : "120" });
    const meter = make("input", { id: "fact-meter", type: "text", placeholder: "4/4" });
    const key = make("input", { id: "fact-key", type: "text", placeholder: "F# minor" });
    this.#factsIn({ bpm, meter, key });
    const field = (input, label) => make("div", {}, make("label", { class: "label", for: input.id }, label), input);
    const form = make("form", { class: "fold" },
      make("p", { class: "quiet" }, mapped ? "Your DAW sent a complete tempo map. A tempo entered here replaces it." : "Your DAW can send these, with a complete tempo map; otherwise enter them here. Regions snap to the resulting bars."),
      make("div", { class: "pair" }, field(bpm, "Tempo, BPM"), field(meter, "Time signature")),
      field(key, "Key"),
      make("button", { type: "submit", class: "primary" }, "Apply"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const typed = (input) => (input.value === input.defaultValue ? null : input.value.trim() || null);
      const changed = { bpm: Number(typed(bpm)) || null, meter: typed(meter), key: typed(key) };
      // A single time signature makes no sense in a complete map, which has its own.
      if (mapped && !changed.bpm) changed.meter = null;
      if (await this.bridge.facts(changed)) byId("facts-dialog").close();
    });
    dialog("facts-dialog", "Tempo, time signature and key", this.tempo.box,
      first ? make("p", { class: "quiet", id: "selects-after" }, "Once the bars are right, close this and select yours. Closing it now leaves the bars at 120 BPM.") : null,
      form);
    this.tempo.refresh();
    byId("facts-dialog").showModal();
    if (focus?.tempo_known === false) this.tempo.find.focus();
    else bpm.select();
  }

  /** Keeps the fields as the song is, also when a tempo is accepted above them; what is typed stays. */
  #factsIn({ bpm, meter, key }) {
    this.facts = () => {
      const { focus, grid } = this.store.values;
      const only = (entries, name) => (focus?.tempo_known !== false && entries?.length === 1 ? String(entries[0][name]) : "");
      bpm.defaultValue = only(grid?.tempi, 1);
      meter.defaultValue = only(grid?.meters, 1);
      key.defaultValue = focus?.key ?? "";
    };
    this.facts();
  }

  async #send(file) {
    this.input.value = "";
    byId("song-dialog").close();
    if (!file) return;
    if (/\.midi?$/i.test(file.name)) {
      await this.#sendMap(file);
      return;
    }
    const bar = make("progress", { max: 1, value: 0, "aria-label": `Uploading ${quoted(file.name)}` });
    const words = make("span", {}, `Uploading ${quoted(file.name)}, ${bytes(file.size)}`);
    const notice = make("div", { class: "notice" }, make("div", { class: "text" }, words, bar));
    byId("notices").append(notice);
    try {
      const source = await this.bridge.upload(file, (fraction) => {
        bar.value = fraction;
      });
      setText(words, `Reading ${quoted(file.name)} …`);
      bar.removeAttribute("value");
      const chosen = await this.bridge.choose(source, () => notice.remove());
      this.bridge.refreshSongs();
      if (chosen) this.notices.announce(`${quoted(file.name)} is loaded.`);
    } catch (error) {
      notice.remove(); // before it is said why
      this.notices.error(error);
    } finally {
      notice.remove();
    }
  }

  /** A MIDI file is the tempo map of the song in view. */
  async #sendMap(file) {
    if (!this.tempo.source) {
      this.notices.say("A MIDI file gives a song its tempo map.", "Choose the song first, then drop the MIDI file.");
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    const kept = await this.bridge.songTempo({ source: this.tempo.source, midi: btoa(text) });
    if (kept) this.notices.announce(`${quoted(file.name)} is the song's tempo map now.`);
  }

  #dropping() {
    const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let depth = 0;
    const over = (visible) => show(byId("drop"), visible);
    window.addEventListener("dragenter", (event) => {
      if (!carriesFiles(event)) return;
      depth += 1;
      over(true);
    });
    window.addEventListener("dragleave", (event) => {
      if (!carriesFiles(event)) return;
      depth = Math.max(0, depth - 1);
      over(depth > 0);
    });
    window.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    window.addEventListener("drop", (event) => {
      depth = 0;
      over(false);
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.#send(event.dataTransfer.files[0]);
    });
  }
}

/** Fills a dialog: title, a button that closes it, and a body. */
export function dialog(id, title, ...body) {
  const box = byId(id);
  if (!box.dataset.ready) {
    box.dataset.ready = "yes";
    // A click outside the dialog closes it.
    box.addEventListener("click", (event) => event.target === box && box.close());
  }
  box.replaceChildren(
    make("div", { class: "title-row" }, make("h2", { id: `${id}-title` }, title), button("Close", { picture: "close", class: "plain", onclick: () => box.close() })),
    make("div", { class: "body" }, ...body.filter(Boolean)),
  );
}


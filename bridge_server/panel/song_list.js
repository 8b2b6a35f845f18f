/** The songs one can choose: those uploaded last, and those in the server's folders, each newest first. */

import { make } from "./dom.js";
import { ago, bytes } from "./words.js";

const MOST = 200; // rows of one group

/** The list of a store's songs whose name, ending or folder contains `filter`. choose(source) opens one. */
export function songList({ songs, recent, focus }, filter, choose) {
  const wanted = filter.trim().toLowerCase();
  const fits = (song) => `${song.title}${song.ending} ${song.folder}`.toLowerCase().includes(wanted);
  const groups = [["Recent uploads", recent], ["In the server's folders", songs]]
    .map(([title, entries]) => [title, (entries ?? []).filter(fits)])
    .filter(([, entries]) => entries.length);
  if (!groups.length) return make("p", { class: "quiet" }, `No song's name or folder contains “${filter.trim()}”.`);
  return make("div", { class: "song-groups" }, ...groups.map(([title, entries]) => group(title, entries, focus, choose)));
}

function group(title, entries, focus, choose) {
  const now = Date.now() / 1000;
  const current = focus?.request?.source;
  return make("section", { "aria-label": title },
    make("h3", {}, title),
    make("ul", { class: "song-list" }, ...entries.slice(0, MOST).map((song) => row(song, now, song.source === current, choose))));
}

function row(song, now, isCurrent, choose) {
  const about = [song.folder, bytes(song.bytes), ago(song.modified, now)].filter(Boolean).join(" · ");
  return make("li", {},
    make("button", { type: "button", title: song.folder ? song.source : `${song.title}${song.ending}`, "aria-current": isCurrent ? "true" : undefined, onclick: () => choose(song.source) },
      make("span", { class: "name" }, make("span", { class: "title", dir: "auto" }, song.title), make("span", { class: "ending" }, song.ending)),
      make("span", { class: "about" }, about)));
}

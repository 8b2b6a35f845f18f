/** The songs one can choose: those uploaded last, and those in the server's folders, each newest first. */

import { make } from "./dom.js";
import { ago, bytes, songName } from "./words.js";

const MOST = 200; // rows of one group

/** The list of a store's songs whose name, file or folder contains `filter`. choose(source) opens one. */
export function songList({ songs, recent, focus }, filter, choose) {
  const wanted = filter.trim().toLowerCase();
  const fits = (song) => `${song.title}${song.ending} ${song.folder} ${song.tag_title} ${song.tag_artist}`.toLowerCase().includes(wanted);
  const groups = [["Recent uploads", recent], ["In the server's folders", songs]]
    .map(([title, entries]) => [title, (entries ?? []).filter(fits)])
    .filter(([, entries]) => entries.length);
  if (!groups.length) return make("p", { class: "quiet" }, `No song's name, artist or folder contains “${filter.trim()}”.`);
  return make("div", { class: "song-groups" }, ...groups.map(([title, entries]) => group(title, entries, focus, choose)));
}

function group(title, entries, focus, choose) {
  const now = Date.now() / 1000;
  const current = focus?.request?.source;
  return make("section", { "aria-label": title },
    make("h3", {}, title),
    make("ul", { class: "song-list" }, ...entries.slice(0, MOST).map((song) => row(song, now, song.source === current, choose))));
}

/** A song by its tags has its file below; one without tags is called by its file. */
function row(song, now, isCurrent, choose) {
  const file = `${song.title}${song.ending}`;
  const about = [song.folder, bytes(song.bytes), ago(song.modified, now)].filter(Boolean).join(" · ");
  const named = songName(song) !== song.title;
  return make("li", {},
    make("button", { type: "button", class: named || song.tag_artist ? "tagged" : undefined, title: song.folder ? song.source : file, "aria-current": isCurrent ? "true" : undefined, onclick: () => choose(song.source) },
      make("span", { class: "name" },
        make("span", { class: "title", dir: "auto" }, songName(song)),
        named ? null : make("span", { class: "ending" }, song.ending),
        song.tag_artist ? make("span", { class: "artist", dir: "auto" }, song.tag_artist) : null),
      make("span", { class: "about" }, named ? make("bdi", {}, file) : null, named ? ` · ${about}` : about)));
}

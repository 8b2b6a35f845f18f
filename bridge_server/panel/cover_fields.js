/** What a cover keeps of its song: its form only, its sound too, or all but the words that an edit changes. */

import { make } from "./dom.js";

/** The draft's values, as they are before anybody changed them. */
export const COVER = { edit: false, song_prompt: "", song_lyrics: "", faithful: false };

/** Whether a field can be used with this engine and draft. */
export function coverFieldShown(name, engine, draft) {
  if (name === "edit") return Boolean(engine?.edits);
  if (name === "song_prompt" || name === "song_lyrics") return Boolean(engine?.edits && draft.edit);
  if (name === "faithful") return Boolean(engine?.options?.cover_from) && !draft.edit;
  return true;
}

/** The request's own values for them. */
export function coverValues(engine, draft) {
  if (draft.task !== "cover") return {};
  if (engine?.edits && draft.edit) {
    const given = { edit: true };
    for (const name of ["song_prompt", "song_lyrics"]) if (draft[name].trim()) given[name] = draft[name].trim();
    return given;
  }
  return engine?.options?.cover_from && draft.faithful ? { options: { cover_from: "song" } } : {};
}

export function coverFields() {
  const check = (name, text, title) => make("label", { class: "check", "data-field": name, title }, make("input", { type: "checkbox", name }), text);
  const words = (name, label, rows, placeholder) => {
    const input = make("textarea", { id: `f-${name}`, name, rows, maxLength: name === "song_prompt" ? 2000 : 8000, placeholder });
    return make("div", { class: "field", "data-field": name }, make("label", { class: "label", for: input.id }, label), input);
  };
  return [
    check("edit", "keep the song, change only words", "Prompt and lyrics say what the song is to be; what they leave out stays as it is."),
    words("song_prompt", "The song as it is", 2, "slow piano ballad, female voice"),
    words("song_lyrics", "Its lyrics as they are", 3, "[Verse]\nFirst line …"),
    check("faithful", "keep the song's own sound", "A faithful remix: structure and timbre stay closer to the song."),
  ];
}

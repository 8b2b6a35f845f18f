/** Figures and positions as a producer reads them. Pure: values in, text out. */

const TASKS = {
  analyse: "Analyse",
  repaint: "Repaint",
  complete: "Complete",
  accompany: "Accompany",
  extract: "Extract",
  generate: "Generate",
  lego: "Add a track",
  cover: "Cover",
  plan: "Plan",
  rewrite: "Rewrite",
};

/** What has come of a job: "2 takes", or of one that gives no takes what it has done. */
export const outcomeOf = (job) => ({ analyse: "analysed", plan: "planned", rewrite: "rewritten" })[job.command] ?? counted(job.came ?? 0, "take");

export const taskName = (task) => TASKS[task] ?? task;

const IN_WORDS = ["analyse", "plan", "rewrite"]; // what makes no take

/** An engine with the takes it can make: "ACE-Step v1: repaint, complete, generate, cover"; cannot: reasons by task; say: a word of it in the language of the page. */
export function abilities({ label, cannot = {} }, say = (text) => text) {
  const able = Object.keys(TASKS).filter((task) => !IN_WORDS.includes(task) && !cannot[task]);
  return `${label}: ${able.map((task) => say(taskName(task)).toLowerCase()).join(", ") || say("not ready")}`;
}

/** What is wrong with a render host, in sentences. */
export function troublesOf({ name, connected, problem, notes = [] }) {
  if (connected) return notes;
  return problem ? [`The render host ${name} cannot be reached: ${problem.replace(/\.$/, "")}.`] : [];
}

/** A producer's own words within a sentence: in any language they stay as they are. */
export const quoted = (words) => `“${words}”`;

/** What a song is called: by its file's tags, or else by its file's name. */
export const songName = (song) => song.tag_title || song.title;

/** 75.25 -> "1:15.3"; digits: of the fraction. */
export function clock(seconds, digits = 1) {
  const sign = seconds < 0 ? "−" : "";
  const unit = 10 ** digits;
  const whole = Math.round(Math.abs(seconds) * unit) / unit;
  const minutes = Math.floor(whole / 60);
  const rest = (whole - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return `${sign}${minutes}:${rest}`;
}

/** A duration for reading: "0.42 s", "8.0 s", "3 min 20 s". */
export function duration(seconds) {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} min ${rest} s` : `${whole / 60} min`;
}

/** What is left of a job: "a moment", "about 12 s", "about 3 min". */
export function timeLeft(seconds) {
  if (seconds === undefined || seconds === null) return "";
  if (seconds < 1.5) return "a moment left";
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** "bars 6–9", "bar 6", "6|3 to ≈9|1", or seconds where there are no bars. rate: samples a second. */
export function regionName(region, grid, rate) {
  if (!region) return "";
  if (!grid) return `${clock(region.start / rate)} to ${clock(region.end / rate)}`;
  if (grid.isBar(region.start) && grid.isBar(region.end)) {
    const first = grid.place(region.start).bar;
    const last = grid.place(region.end).bar - 1;
    return first >= last ? `bar ${first}` : `bars ${first}–${last}`;
  }
  return `${placeName(region.start, grid, rate)} to ${placeName(region.end, grid, rate)}`;
}

/** Before a place that is not its beat's first sample. No tilde: that is "to" in Korean. */
export const NEARLY = "≈";

/** "6|3", or "≈6|3"; "0:12.34" without bars. */
export function placeName(sample, grid, rate) {
  if (!grid) return clock(sample / rate, 2);
  const { bar, beat, exact } = grid.place(sample);
  return `${exact ? "" : NEARLY}${bar}|${beat}`;
}

/** For a screen reader: "bar 6 beat 3". */
export function placeSpoken(sample, grid, rate) {
  if (!grid) return `${(sample / rate).toFixed(2)} seconds`;
  const { bar, beat } = grid.place(sample);
  return `bar ${bar}, beat ${beat}`;
}

export function decibels(value, digits = 1) {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(digits)} dB`;
}

/** 1536 -> "1.5 kB". */
export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Seconds since 1970 -> "just now", "5 min ago", "3 h ago", or the date. */
export function ago(then, now) {
  const passed = now - then;
  if (passed < 45) return "just now";
  if (passed < 3600) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 86400) return `${Math.round(passed / 3600)} h ago`;
  return new Date(then * 1000).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "short", year: "numeric" });
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** "120 BPM", or "118–140 BPM" where it changes. */
export function tempoName(tempi) {
  if (!tempi?.length) return "";
  const values = tempi.map(([, bpm]) => Number(bpm));
  const plain = (value) => String(Math.round(value * 100) / 100);
  const low = Math.min(...values);
  const high = Math.max(...values);
  return low === high ? `${plain(low)} BPM` : `${plain(low)}–${plain(high)} BPM`;
}

/** The figures of a receipt as [name, value] for a table; those that do not apply are omitted. */
export function receiptFigures(receipt) {
  const rows = [
    ["Position", receipt.position, (value) => `sample ${value.toLocaleString("en")}`],
    ["Length", receipt.length, (value) => `${value.toLocaleString("en")} samples, ${(value / receipt.rate).toFixed(3)} s`],
    ["As requested", receipt.exact, (value) => (value ? "exactly" : "NOT exactly")],
    ["Outside the region", receipt.outside_identical, (value) => (value ? "bit-identical" : "CHANGED")],
    ["Similarity to the original", receipt.correlation, (value) => value.toFixed(2)],
    ["Largest difference", receipt.changed, (value) => `${(value * 100).toFixed(0)} % of full scale`],
    ["Peak", receipt.peak_db, (value) => `${value.toFixed(1)} dBFS`],
    ["Clipped samples", receipt.clipped, (value) => String(value)],
    ["Loudness", receipt.loudness_lufs, (value) => `${value.toFixed(1)} LUFS`],
    ["Matched to", receipt.reference_lufs, (value) => `${value.toFixed(1)} LUFS`],
    ["Gain applied", receipt.gain_db, (value) => decibels(value)],
    ["Step at the start", receipt.seam_in_db, (value) => decibels(value)],
    ["Step at the end", receipt.seam_out_db, (value) => decibels(value)],
    ["Larger step, among the song's bar lines", receipt.seam_rank, (value) => `percentile ${value.toFixed(0)}`],
    ["Joins inside", receipt.joins, (value) => String(value)],
    ["Largest step at them, among the song's bar lines", receipt.join_rank, (value) => `percentile ${value.toFixed(0)}`],
    ["Onsets off the grid, median", receipt.drift_median_ms, (value) => `${value.toFixed(1)} ms`],
    ["Onsets off the grid, 90 %", receipt.drift_p90_ms, (value) => `${value.toFixed(1)} ms`],
    ["Onsets measured", receipt.onsets, (value) => String(value)],
    ["Sum of the stems minus the source", receipt.sum_error, (value) => value.toExponential(1)],
    ["Crossfade in", receipt.crossfade_in, (value) => `${((value / receipt.rate) * 1000).toFixed(1)} ms`],
    ["Crossfade out", receipt.crossfade_out, (value) => `${((value / receipt.rate) * 1000).toFixed(1)} ms`],
  ];
  return rows.filter(([, value]) => value !== undefined && value !== null).map(([name, value, format]) => [name, format(value)]);
}

/** How many words of a take's lyrics were heard, as [name, value] for the same table; nothing where nobody listened. */
export function wordFigures(heard) {
  if (!heard || heard.match === null || heard.match === undefined) return [];
  const { match, words = 0, confidence = 0, text = "" } = heard; // what is zero or empty is left out of answers
  const sure = confidence < 0.5 ? ", unsure" : "";
  const rows = [["Words of the lyrics heard", `${Math.round(match * words)} of ${words}${sure}`]];
  return text ? [...rows, ["Heard", text]] : rows;
}

/** The receipt in one line. */
export function receiptLine(receipt) {
  const warnings = receipt.warnings?.length ?? 0;
  const parts = [receipt.exact ? "On the exact sample" : "Not at the requested position"];
  if (receipt.outside_identical === true) parts.push("nothing outside changed");
  if (receipt.outside_identical === false) parts.push("the outside CHANGED");
  if (receipt.reference_lufs !== undefined && receipt.reference_lufs !== null) parts.push("loudness matched");
  if (receipt.seam_rank !== undefined && receipt.seam_rank !== null && receipt.seam_rank <= 95) parts.push("seams as smooth as the song");
  if (receipt.sum_error !== undefined && receipt.sum_error !== null) parts.push("the stems make up the song");
  if (warnings) parts.push(counted(warnings, "warning"));
  return `${parts.join(", ")}.`;
}

/** How far a network is that listens to takes. */
export const listeningText = (fraction) => (fraction > 0 ? `Listening … ${Math.round(fraction * 100)} %` : "Listening …");

"use strict";

/** What the producer chose, kept in the folder Live gives the extension; without one, until Live quits. */

const files = require("node:fs/promises");
const path = require("node:path");

const FILE = "settings.json";

const DEFAULTS = {
  address: "127.0.0.1:9125",
  token: "",
  prompt: "",
  takes: 3,
  strength: 0.5,
  bars: 8,
  stems: "",
  place: "lanes",
  mode: "each",
  meter: "",
  context: 20,
  summary: true,
};

/** How each value must be: numbers have a range, texts a pattern. What is wrong is the default. */
const RULES = {
  takes: [1, 8],
  strength: [0, 1],
  bars: [1, 64],
  context: [0, 120],
  place: /^(lanes|track)$/,
  mode: /^(each|together)$/,
  meter: /^$|^\d{1,2}\/(1|2|4|8|16|32)$/,
};

class Settings {
  constructor(folder) {
    this.folder = folder;
    this.values = { ...DEFAULTS };
  }

  /** The settings of a folder. A file that is not there or cannot be read means the defaults. */
  static async open(folder) {
    const settings = new Settings(folder);
    if (folder) {
      try {
        settings.values = checked(JSON.parse(await files.readFile(path.join(folder, FILE), "utf8")));
      } catch (error) {
        if (error.code !== "ENOENT") console.warn(`[takebridge] settings not read: ${error.code ?? error.name}`);
      }
    }
    return settings;
  }

  /** Changes some values and keeps them. The file holds the token: only this user may read it. */
  async change(changes) {
    this.values = checked({ ...this.values, ...changes });
    if (!this.folder) return;
    try {
      await files.mkdir(this.folder, { recursive: true });
      const text = JSON.stringify(this.values, null, 2);
      await files.writeFile(path.join(this.folder, FILE), text, { encoding: "utf8", mode: 0o600 });
    } catch (error) {
      console.warn(`[takebridge] settings not kept: ${error.code ?? error.name}`);
    }
  }
}

function checked(given) {
  const found = {};
  for (const [name, fallback] of Object.entries(DEFAULTS)) {
    found[name] = isRight(name, given?.[name], fallback) ? given[name] : fallback;
  }
  return found;
}

function isRight(name, value, fallback) {
  if (typeof value !== typeof fallback) return false;
  const rule = RULES[name];
  if (Array.isArray(rule)) return value >= rule[0] && value <= rule[1];
  return rule === undefined || rule.test(value);
}

module.exports = { DEFAULTS, Settings, checked };

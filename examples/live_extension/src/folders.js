"use strict";

/** Where the extension may write: the folders Live gives it, and no others. */

const files = require("node:fs/promises");
const path = require("node:path");

const { Refused } = require("./refused.js");

const AGAIN = "Quit Live and start it again; it gives extensions their folders when it starts.";

/** Writes a file under a folder for things that may go again; returns its path. Throws Refused. */
async function writeScratch(environment, name, bytes) {
  let problem = null;
  for (const folder of [environment.tempDirectory, environment.storageDirectory]) {
    if (!folder) continue;
    try {
      const place = path.join(folder, "takebridge");
      await files.mkdir(place, { recursive: true });
      const file = path.join(place, name);
      await files.writeFile(file, bytes);
      return file;
    } catch (error) {
      problem = error;
    }
  }
  throw new Refused(`Live gave the extension no folder to write in${problem ? ` (${problem.code})` : ""}.`, AGAIN);
}

/** A file that Live has written for us. Throws Refused. */
async function readRendered(file) {
  try {
    return await files.readFile(file);
  } catch (error) {
    throw new Refused(`The extension may not read what Live rendered (${error.code}).`, AGAIN);
  }
}

/** Removes a file that is not needed any more; one that stays is only in the way. */
async function remove(file) {
  await files.rm(file, { force: true }).catch((error) => console.warn(`[takebridge] a file stays: ${error.code}`));
}

/** A name for a file, for every system: what Windows refuses is a space, and long names are cut. */
function fileName(text) {
  const plain = text.replace(/[\\/:*?"<>|\p{Cc}]/gu, " ").replace(/\s+/g, " ").trim();
  return [...plain].slice(0, 80).join("").replace(/[ .]+$/, "") || "take";
}

module.exports = { fileName, readRendered, remove, writeScratch };

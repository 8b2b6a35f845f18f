"use strict";

/** WAV files as Live and the server write them: integers of 16 to 32 bits and floats. */

const { Refused } = require("./refused.js");

const INTEGER = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** What a file holds: rate in Hz, channels, frames, bits and format of a sample, and where its samples begin. */
function header(bytes) {
  if (bytes.length < 12 || bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WAVE") {
    throw new Refused("Live's render is not a WAV file.", "Report this: right-click > Takebridge: Self-test.");
  }
  let format = null;
  for (let place = 12; place + 8 <= bytes.length; ) {
    const name = bytes.toString("latin1", place, place + 4);
    const size = bytes.readUInt32LE(place + 4);
    const body = place + 8;
    if (name === "fmt ") {
      const code = bytes.readUInt16LE(body);
      format = {
        code: code === EXTENSIBLE ? bytes.readUInt16LE(body + 24) : code,
        channels: bytes.readUInt16LE(body + 2),
        rate: bytes.readUInt32LE(body + 4),
        frameBytes: bytes.readUInt16LE(body + 12),
        bits: bytes.readUInt16LE(body + 14),
      };
    }
    if (name === "data" && format) {
      const there = Math.min(size, bytes.length - body);
      return { ...format, start: body, frames: Math.floor(there / format.frameBytes) };
    }
    place = body + size + (size % 2);
  }
  throw new Refused("Live's render has no audio in it.", "Report this: right-click > Takebridge: Self-test.");
}

/** One channel's samples, -1 to 1, as numbers. */
function samples(bytes, channel = 0) {
  const file = header(bytes);
  const width = file.bits / 8;
  const read = {
    [`${INTEGER}:16`]: (at) => bytes.readInt16LE(at) / 2 ** 15,
    [`${INTEGER}:24`]: (at) => bytes.readIntLE(at, 3) / 2 ** 23,
    [`${INTEGER}:32`]: (at) => bytes.readInt32LE(at) / 2 ** 31,
    [`${FLOAT}:32`]: (at) => bytes.readFloatLE(at),
    [`${FLOAT}:64`]: (at) => bytes.readDoubleLE(at),
  }[`${file.code}:${file.bits}`];
  if (!read) throw new Refused(`A WAV file has ${file.bits} bits a sample in format ${file.code}.`);
  const found = new Float64Array(file.frames);
  for (let frame = 0; frame < file.frames; frame += 1) {
    found[frame] = read(file.start + frame * file.frameBytes + channel * width);
  }
  return found;
}

/** A mono file of 32-bit floats. */
function encode(values, rate) {
  const bytes = Buffer.alloc(44 + 4 * values.length);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(36 + 4 * values.length, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(FLOAT, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(4 * rate, 28);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt16LE(32, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(4 * values.length, 40);
  values.forEach((value, frame) => bytes.writeFloatLE(value, 44 + 4 * frame));
  return bytes;
}

module.exports = { encode, header, samples };

// WAV files for the double of Live's Extension Host: what the server and the tests write is read, floats are written.
"use strict";

const fs = require("node:fs");

const READ = {
  "1:16": (bytes, at) => bytes.readInt16LE(at) / 32768, "1:24": (bytes, at) => bytes.readIntLE(at, 3) / 8388608,
  "3:32": (bytes, at) => bytes.readFloatLE(at),
};

function readWav(path) {
  const bytes = fs.readFileSync(path);
  let format = null;
  for (let place = 12; place + 8 <= bytes.length;) {
    const id = bytes.toString("latin1", place, place + 4), size = bytes.readUInt32LE(place + 4), body = place + 8;
    if (id === "fmt ") {
      const code = bytes.readUInt16LE(body);
      format = { code: code === 65534 ? bytes.readUInt16LE(body + 24) : code, channels: bytes.readUInt16LE(body + 2), rate: bytes.readUInt32LE(body + 4), bits: bytes.readUInt16LE(body + 14) };
    }
    if (id === "data") {
      const width = format.bits / 8, frames = size / width / format.channels, read = READ[`${format.code}:${format.bits}`];
      const channels = Array.from({ length: format.channels }, () => new Float32Array(frames));
      for (let at = body, frame = 0; frame < frames; frame += 1) {
        for (const channel of channels) { channel[frame] = read(bytes, at); at += width; }
      }
      return { rate: format.rate, frames, channels };
    }
    place = body + size + (size % 2);
  }
  throw new Error(`${path} has no audio`);
}

function writeWav(channels, rate) {
  const frames = channels[0].length, block = 4 * channels.length;
  const bytes = Buffer.alloc(44 + frames * block);
  bytes.write("RIFF", 0); bytes.writeUInt32LE(36 + frames * block, 4); bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16); bytes.writeUInt16LE(3, 20); bytes.writeUInt16LE(channels.length, 22);
  bytes.writeUInt32LE(rate, 24); bytes.writeUInt32LE(rate * block, 28); bytes.writeUInt16LE(block, 32);
  bytes.writeUInt16LE(32, 34); bytes.write("data", 36); bytes.writeUInt32LE(frames * block, 40);
  const interleaved = new Float32Array(frames * channels.length);
  channels.forEach((channel, number) => channel.forEach((value, frame) => { interleaved[frame * channels.length + number] = value; }));
  Buffer.from(interleaved.buffer).copy(bytes, 44); // little-endian, as every machine is that runs this
  return bytes;
}

module.exports = { readWav, writeWav };

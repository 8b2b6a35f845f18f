/** WAV files in 32-bit float, as the server sends passages. Pure. */

const FLOAT = 3;

/** {rate, frames, channels: [Float32Array]} of a file's bytes. Throws an Error with words for anything else. */
export function parseWave(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  if (buffer.byteLength < 12 || name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("The bridge did not send audio.");
  let form = null;
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name(at) === "fmt ") {
      form = { tag: view.getUint16(body, true), count: view.getUint16(body + 2, true), rate: view.getUint32(body + 4, true), bits: view.getUint16(body + 14, true) };
      if (form.tag !== FLOAT || form.bits !== 32 || !form.count) throw new Error("The bridge sent audio in another format; reload the page.");
    }
    if (name(at) === "data" && form) {
      if (body + size > buffer.byteLength) throw new Error("The bridge sent only a part of the audio.");
      return { rate: form.rate, ...parted(buffer, view, body, size, form.count) };
    }
    at = body + size + (size & 1);
  }
  throw new Error("The bridge did not send audio.");
}

/** Interleaved samples as one array a channel. */
function parted(buffer, view, body, size, count) {
  const frames = Math.floor(size / (4 * count));
  const aligned = body % 4 === 0 && littleEndian();
  const samples = aligned ? new Float32Array(buffer, body, frames * count) : null;
  const channels = [];
  for (let channel = 0; channel < count; channel += 1) {
    const found = new Float32Array(frames);
    for (let frame = 0, at = channel; frame < frames; frame += 1, at += count) {
      found[frame] = samples ? samples[at] : view.getFloat32(body + 4 * at, true);
    }
    channels.push(found);
  }
  return { frames, channels };
}

const littleEndian = () => new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/**
 * An AudioContext whose clock a test moves by hand. It plays what a real one would: sources that begin and end at exact
 * frames, one that is started too late at once.
 */
export class PretendContext {
  constructor(rate) {
    this.sampleRate = rate;
    this.frame = 0;
    this.state = "running";
    this.destination = {};
    this.sources = [];
    this.late = 0;
  }

  get currentTime() {
    return this.frame / this.sampleRate;
  }

  async resume() {
    this.state = "running";
  }

  async suspend() {
    this.state = "suspended";
  }

  createBuffer(count, frames) {
    const channels = Array.from({ length: count }, () => new Float32Array(frames));
    return { channels, copyToChannel: (samples, channel) => channels[channel].set(samples) };
  }

  createBufferSource() {
    const { sampleRate, sources } = this;
    const source = { first: null, last: Infinity, gone: Infinity };
    source.connect = () => sources.push(source);
    source.disconnect = () => { source.gone = this.frame; };
    source.start = (time) => {
      const at = Math.round(time * sampleRate);
      if (at < this.frame) this.late += 1;
      source.first = Math.max(at, this.frame);
    };
    source.stop = (time) => { source.last = Math.max(Math.round(time * sampleRate), this.frame); };
    return source;
  }

  /** The first channel of everything that was played up to now. */
  heard() {
    const found = new Float32Array(this.frame);
    for (const { first, last, gone, buffer } of this.sources) {
      const end = Math.min(last, gone, first + buffer.channels[0].length, this.frame);
      for (let at = first; at < end; at += 1) found[at] += buffer.channels[0][at - first];
    }
    return found;
  }
}

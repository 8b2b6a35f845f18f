/**
 * A render in progress, for a listener in this browser: asks every now and then what of it is rendered, until its take
 * is there. Knows neither sound nor page.
 */

const EACH = 250; // milliseconds between questions

export class RenderFollowing {
  /**
   * ask(params): what `audition.passage` answers, or rejects with; underWay(job): whether a job may still get a take.
   * heard: {grown(passage): there is more to play; finished(passage): of the take; failed(error): there will be none}.
   */
  constructor(ask, underWay, heard, wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))) {
    Object.assign(this, { ask, underWay, heard, wait });
    this.job = "";
    this.turn = 0;
  }

  /** Follows a job's first take under way to its end. bars(): the bars around it, as they are wanted by now. */
  async begin(job, bars) {
    this.end();
    this.job = job;
    const { turn } = this;
    const goes = () => turn === this.turn;
    let number;
    let before = "";
    while (goes()) {
      const { found, error } = await this.ask({ job, ...(number ? { number } : {}), ...bars() }).then((found) => ({ found }), (error) => ({ error }));
      if (!goes()) return;
      // Nothing is rendered yet, or the bridge cannot be reached: both pass.
      if (error?.code && !this.underWay(job)) this.#over(() => this.heard.failed(error));
      else if (found?.take) this.#over(() => this.heard.finished(found));
      else if (found && named(found) !== before) {
        before = named(found);
        number = found.number; // of several takes the one that has begun to play
        this.heard.grown(found);
      }
      if (goes()) await this.wait(EACH);
    }
  }

  /** Asks no more. */
  end() {
    this.turn += 1;
    this.job = "";
  }

  #over(say) {
    this.end();
    say();
  }
}

/** What changes when there is more to play: more bars, another range, or something else accepted around it. */
function named({ start, end, ready, sides }) {
  return JSON.stringify([start, end, ready, sides.map((side) => side.sound)]);
}

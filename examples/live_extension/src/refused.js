"use strict";

/** Something that cannot be done, for the producer: `sentence` says what is wrong, `remedy` what to do about it. */
class Refused extends Error {
  constructor(sentence, remedy = "") {
    super(`${sentence} ${remedy}`.trim());
    this.sentence = sentence;
    this.remedy = remedy;
  }
}

/** The producer cancelled. Nothing has been changed in the set. */
class Cancelled extends Error {}

module.exports = { Cancelled, Refused };

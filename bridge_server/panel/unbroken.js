/** Sentences that name options of the command line, such as `--root`: browsers break lines at hyphens, also inside those. */

const OPTION = /(--[a-z][\w-]*)/;

/** The class of what `unbroken` makes: it is translated as one sentence, not part by part. */
export const SENTENCE = "with-options";

/** A text whose options stay on one line: itself where it names none. */
export function unbroken(text) {
  if (!OPTION.test(text)) return text;
  const sentence = document.createElement("span");
  sentence.className = SENTENCE;
  sentence.append(...partsOf(text));
  return sentence;
}

/** The nodes such a sentence consists of. */
export function partsOf(text) {
  return text.split(OPTION).map((part, at) => {
    if (at % 2 === 0) return new Text(part);
    const option = document.createElement("span");
    option.className = "unbroken";
    option.append(part);
    return option;
  });
}

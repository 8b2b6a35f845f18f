"""`python -m tests.languages [TAG]`: what a language's file lacks, as lines to translate and paste into it."""

from __future__ import annotations

import json
import sys

from bridge_server.languages.installed import installed_languages
from tests.languages.table import missing_in_panel, missing_sentences, stale


def main(languages: list[str]) -> int:
    """Prints each missing text with its place; returns 1 when there are any."""
    lacking = 0
    for language in languages:
        for section, texts in (
            ("sentences", missing_sentences(language)),
            ("panel", missing_in_panel(language)),
        ):
            for text in texts:
                print(
                    f'{language}.json, "{section}": {json.dumps(text.text, ensure_ascii=False)}: "",  {text.where}'
                )
            lacking += len(texts)
        for english in stale(language):
            print(f"{language}.json, to be removed: {json.dumps(english, ensure_ascii=False)}")
            lacking += 1
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(installed_languages()[1:])))

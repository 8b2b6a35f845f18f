"""`make audit`: whether a published vulnerability is known of any version in constraints.txt.

Asks PyPI's advisories by way of pip-audit. Where they cannot be reached, or a mirror of PyPI has none, that is said and
nothing fails: an audit that was not made has found nothing, in neither sense.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PINS = Path(__file__).parents[1] / "constraints.txt"
COMMAND = [
    sys.executable, "-m", "pip_audit", "--requirement", str(PINS), "--no-deps", "--disable-pip", "--format", "json",
    "--progress-spinner", "off",
]  # fmt: skip
PATIENCE = 300.0  # seconds


def main() -> int:
    """Exit status 1 for a known vulnerability, 0 for none and for an audit that could not be made."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=PATIENCE, check=False)
        found = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        found = []
    text, status = verdict(found)
    print(text)
    return status


def verdict(found: list[dict[str, Any]]) -> tuple[str, int]:
    """What to print about pip-audit's dependencies, and the exit status."""
    audited = [one for one in found if "vulns" in one]
    lines = [
        f"{one['name']} {one['version']}: {vuln['id']}, fixed in {', '.join(vuln['fix_versions']) or 'no version yet'}"
        for one in audited
        for vuln in one["vulns"]
    ]
    if lines:
        return "\n".join(
            ("Known vulnerabilities:", *lines, "Raise the version in constraints.txt, then test.")
        ), 1
    if not audited:
        return "NOT AUDITED: no database of vulnerabilities can be reached from here.", 0
    text = f"{len(audited)} packages audited, no known vulnerability."
    skipped = [str(one["name"]) for one in found if "vulns" not in one]
    return f"{text} NOT AUDITED: {', '.join(skipped)}." if skipped else text, 0


if __name__ == "__main__":
    sys.exit(main())

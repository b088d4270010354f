"""Break the course in every way that tests/faults knows, and print what came of it as one table.

    faults.py [--share 0.01] [NAME …]   NAME: a file of tests/faults, such as kills; all by default

A row says how often a fault was tried, survived, explained by an error that says what to do, and
how often something was lost. Rows that are not tried now are those of the run before.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "build" / "faults.json"
OUTCOMES = ("survived", "named error", "lost")


def table(counts):
    """The counts {fault: {outcome: number}} as a table in Markdown, faults in order, with a sum."""
    lines = ["| fault | tried | survived | named error | lost |", "|---|--:|--:|--:|--:|"]
    sums = {outcome: sum(row.get(outcome, 0) for row in counts.values()) for outcome in OUTCOMES}
    for fault, row in [*sorted(counts.items()), ("all", sums)]:
        numbers = [row.get(outcome, 0) for outcome in OUTCOMES]
        cells = [fault, *(f"{number:,}" for number in (sum(numbers), *numbers))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(words=None):
    """Run the tests, print the table. Returns: pytest's exit status, not 0 where a test failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files of tests/faults, such as kills; else all")
    parser.add_argument("--share", default="1", help="of the trials of a full run, such as 0.01")
    given = parser.parse_args(words)
    folder = ROOT / "tests" / "faults"
    files = [folder / f"test_{name}.py" for name in given.names] or [folder]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "slow or not slow", *map(str, files)],
        cwd=ROOT,
        env=os.environ | {"FAULTS": given.share, "FAULTS_TABLE": str(TABLE)},
        check=False,
    )
    if TABLE.is_file():
        print(table(json.loads(TABLE.read_text(encoding="utf-8"))))
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())

"""Faults: each trial notes what came of it, and `make faults` prints all as one table.

FAULTS is the share of the trials that are made, 0.01 where it is unset; FAULTS_TABLE is a file that
gets the counts and keeps the rows of what was not tried.
"""

import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from faults import OUTCOMES

sys.path.insert(0, str(Path(__file__).parent))
SHARE = float(os.environ.get("FAULTS", "0.01"))
COUNTS = defaultdict(Counter)


@pytest.fixture
def tally():
    """Notes what came of trials: tally(fault, outcome, count); a lost one fails the test."""

    def note(fault, outcome, count=1):
        known = outcome if outcome in OUTCOMES else "lost"
        COUNTS[fault][known] += count
        assert known != "lost", f"{fault}: {outcome}"

    return note


@pytest.fixture
def trials():
    """How many of a full run's trials are made: two at least."""
    return lambda full: max(2, round(full * SHARE))


def pytest_sessionfinish():
    """Write the table."""
    if path := os.environ.get("FAULTS_TABLE"):
        path = Path(path)
        before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(before | COUNTS), encoding="utf-8")

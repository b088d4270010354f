"""Workers of a study are killed with kill -9 at any moment: no row is lost, none is there twice.

tests/studies/test_workers.py holds single moments, tests/studies/test_scale.py hangs and breaks.
"""

import csv
import random
import time
from collections import Counter

from helpers import studies
from helpers.studies import table as tables

import postgres
import psycopg
import pytest
import tiny_study
from tiny_study import Worker, grid, lines, wait_for

KILLS = 50  # of each number of workers with each storage
STORAGES = ["journal", "PostgreSQL"]


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    tiny_study.prepare(monkeypatch, tmp_path)


@pytest.fixture(params=STORAGES)
def storage(request):
    """The URL of a storage, None for the journal file, and what it is called."""
    if request.param == "journal":
        yield None, request.param
        return
    if postgres.MISSING is not None:
        pytest.skip(str(postgres.MISSING))
    with postgres.server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE faults")
        yield url.replace("/postgres", "/faults"), request.param


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_killed_at_any_moment_no_row_is_lost_and_none_is_there_twice(
    storage, count, tmp_path, tally, trials
):
    url, kind = storage
    kills, chance = trials(KILLS), random.Random(f"{kind} {count}")
    plan = grid(tmp_path / "studies", factors={"width": list(range(2 * kills))}, seeds=(1,))
    crew = [Worker(plan, url, PAUSE="0.05") for _ in range(count)]
    before = {}
    for _ in range(kills):
        begun = len(tiny_study.trained())
        wait_for(lambda begun=begun: len(tiny_study.trained()) > begun or done(crew))
        time.sleep(chance.uniform(0, 0.3))
        number = chance.randrange(count)
        crew[number].kill()
        crew[number].join()
        written = Counter(csv_rows(plan))
        good, bad = tables.Table(plan).read_rows()
        lost = before.keys() - good.keys()
        changed = [key for key in before.keys() & good.keys() if before[key] != good[key]]
        twice = written.total() - len(written)
        fine = not (bad or lost or changed or twice)
        words = f"{len(bad)} spoilt, {len(lost)} lost, {len(changed)} changed, {twice} twice"
        tally(f"SIGKILL, {count} worker(s), {kind}", "survived" if fine else words)
        before, crew[number] = good, Worker(plan, url, PAUSE="0.05")
    for one in crew:
        one.join(120)
    table = studies.run(plan, url)
    assert Counter(table["row"]) == Counter(list(plan.rows)) and len(lines(plan)) == len(plan.rows)
    assert before.items() <= tables.Table(plan).read_rows()[0].items()
    repeated = len(tiny_study.trained()) - len(plan.rows)
    assert repeated <= kills, "a kill costs the row that was being trained, no more"


def csv_rows(plan):
    """What each line of a table is of."""
    if not plan.path.exists():
        return []
    with plan.path.open(encoding="utf-8", newline="") as file:
        return [(line["row"], line["seed"]) for line in csv.DictReader(file)]


def done(crew):
    """Whether every worker has ended by itself: nothing is left to train."""
    return all(one.exitcode == 0 for one in crew)

"""Workers of a study are killed with kill -9 at any moment: no row is lost, none is there twice.

tests/studies/test_workers.py holds single moments, tests/studies/test_scale.py hangs and breaks.
"""

import csv
import random
import shutil
import subprocess
import sys
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
RESTARTS = 20
BOXED = 25  # kills of containers of one host name
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
        words = f"{len(bad)} spoilt, {len(lost)} lost, {len(changed)} changed, {twice} twice; "
        words += "; ".join(line.problem for line in bad)
        tally(f"SIGKILL, {count} worker(s), {kind}", "survived" if fine else words)
        before, crew[number] = good, Worker(plan, url, PAUSE="0.05")
    for one in crew:
        one.join(120)
    table = studies.run(plan, url)
    assert Counter(table["row"]) == Counter(list(plan.rows)) and len(lines(plan)) == len(plan.rows)
    assert before.items() <= tables.Table(plan).read_rows()[0].items()
    repeated = len(tiny_study.trained()) - len(plan.rows)
    assert repeated <= kills, "a kill costs the row that was being trained, no more"


@pytest.mark.slow
def test_a_server_stopped_and_started_under_load_costs_no_row(tmp_path, tally, trials):
    if postgres.MISSING is not None:
        pytest.skip(str(postgres.MISSING))
    stops, chance = trials(RESTARTS), random.Random(0)
    plan = grid(tmp_path / "studies", factors={"width": list(range(40 * stops))}, seeds=(1,))
    with postgres.server() as url:
        # a minute for a server that begins again on a busy machine
        crew = [Worker(plan, url, PAUSE="0.05", ASKED="120") for _ in range(4)]
        for _ in range(stops):
            begun = len(tiny_study.trained())
            wait_for(lambda begun=begun: len(tiny_study.trained()) > begun + 2 or done(crew))
            assert not done(crew), "expected work for as long as the server is being stopped"
            time.sleep(chance.uniform(0, 0.3))
            postgres.restart(url, chance.uniform(0, 2))
            written, bad = Counter(csv_rows(plan)), tables.Table(plan).read_rows()[1]
            fine = not bad and written.total() == len(written) and all(map(alive, crew))
            tally("PostgreSQL stopped and started", "survived" if fine else "a worker gave up")
        for one in crew:
            one.join(300)
        assert done(crew)
    trained = Counter(row for _, row in tiny_study.trained())
    assert sorted(row for row, _ in csv_rows(plan)) == sorted(plan.rows)
    assert len(trained) == len(plan.rows)
    assert trained.total() == len(trained), "no row was trained again"


def alive(worker):
    """Whether a worker is at work, or has ended by itself."""
    return worker.exitcode in (None, 0)


IN_A_BOX = """
import os, sys
sys.path[:0] = {paths}
from pathlib import Path
import tiny_study
folder = Path({folder!r})
plan = tiny_study.grid(folder, factors={{"width": list(range({rows}))}}, seeds=(1,))
tiny_study._work(plan, {url!r}, None, None, {{**os.environ, "PAUSE": "0.05"}})
"""


def boxed(plan, url):
    """A worker in a container: all have one host name, and each its own process numbers."""
    rows = len(plan.rows)
    words = {"paths": sys.path, "folder": str(plan.folder), "rows": rows, "url": url}
    command = ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--die-with-parent"]
    command += ["--unshare-pid", "--unshare-uts", "--hostname", "box"]
    return subprocess.Popen([*command, sys.executable, "-c", IN_A_BOX.format(**words)])


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bwrap"), reason="no bubblewrap here")
def test_containers_of_one_name_are_told_apart(storage, tmp_path, tally, trials):
    url, kind = storage
    kills, chance = trials(BOXED), random.Random(kind)
    plan = grid(tmp_path / "studies", factors={"width": list(range(20 * kills))}, seeds=(1,))
    crew = [boxed(plan, url) for _ in range(2)]
    for _ in range(kills):
        begun = len(tiny_study.trained())
        wait_for(lambda begun=begun: len(tiny_study.trained()) > begun + 4)
        time.sleep(chance.uniform(0, 0.3))
        number = chance.randrange(2)
        crew[number].kill()
        crew[number].wait()
        written, bad = Counter(csv_rows(plan)), tables.Table(plan).read_rows()[1]
        fine = not bad and written.total() == len(written)
        tally(f"SIGKILL, 2 containers of one name, {kind}", "survived" if fine else "spoilt")
        crew[number] = boxed(plan, url)
    assert [one.wait(300) for one in crew] == [0, 0]
    table = studies.run(plan, url)
    assert Counter(table["row"]) == Counter(list(plan.rows)) and len(lines(plan)) == len(plan.rows)
    assert {process for process, _ in tiny_study.trained()} == {2}, "their numbers are alike"


def csv_rows(plan):
    """What each line of a table is of."""
    if not plan.path.exists():
        return []
    with plan.path.open(encoding="utf-8", newline="") as file:
        return [(line["row"], line["seed"]) for line in csv.DictReader(file)]


def done(crew):
    """Whether every worker has ended by itself: nothing is left to train."""
    return all(one.exitcode == 0 for one in crew)

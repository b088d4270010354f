"""One study on many computers: PostgreSQL is all that they share, and they die, hang, come back."""

import os
import random
import secrets
import signal
import time
from collections import Counter

from helpers import studies
from helpers.studies import storage, workers
from helpers.studies import table as tables

import postgres
import psutil
import psycopg
import pytest
import tiny_study
from tiny_study import Worker, grid, trained, wait_for

pytestmark = pytest.mark.skipif(postgres.MISSING is not None, reason=str(postgres.MISSING))


@pytest.fixture(scope="module")
def server():
    with postgres.server() as url:
        yield url


@pytest.fixture
def url(server):
    """An empty database."""
    name = f"db_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres", f"/{name}")


@pytest.fixture(autouse=True)
def tiny(monkeypatch, tmp_path):
    tiny_study.prepare(monkeypatch, tmp_path)


class Computer:
    """A worker with a folder of its own, which can be killed, stopped and started."""

    def __init__(self, folder, storage, rows, start=True, pause=0.1):
        self.plan = grid(folder, factors={"width": list(range(rows))}, seeds=(1,))
        self.storage, self.pause = storage, pause
        if start:
            self.start()

    def start(self, **options):
        self.worker = Worker(self.plan, self.storage, **options, PAUSE=str(self.pause))

    def row(self):
        """What it trained last."""
        rows = [row for process, row in trained() if process == self.worker.pid]
        return rows[-1] if rows else None

    def signal(self, number):
        os.kill(self.worker.pid, number)

    def has_stopped(self):
        return psutil.Process(self.worker.pid).status() == psutil.STATUS_STOPPED

    def join(self):
        self.worker.join(60)
        assert self.worker.exitcode == 0


def times_trained():
    return Counter(row for _, row in trained())


def finished(plan, url):
    """How often each row is finished in the storage."""
    study = storage.connect(plan.study_name, url, None)
    return Counter(trial.user_attrs["row"] for trial in workers.finished(study))


def each_has_everything(computers):
    plan = computers[0].plan
    assert finished(plan, computers[0].storage) == Counter(list(plan.rows))
    texts = {computer.plan.path.read_text(encoding="utf-8") for computer in computers}
    assert len(texts) == 1  # seconds too: one training of each row counts, and all tables hold it
    good, bad = tables.Table(plan).read_rows()
    assert good.keys() == plan.rows.keys() and bad == []


def test_four_computers_share_a_study_though_one_dies_and_one_hangs(url, tmp_path):
    four = [Computer(tmp_path / name, url, rows=20, start=False) for name in "abcd"]
    dies, hangs, *calm = four
    dies.start(die=("optuna:trial.Trial.report", 3, "after"))  # in its second row
    hangs.start(die=("optuna:trial.Trial.report", 5, "after"), hang=True)  # in its third
    for computer in calm:
        computer.start()
    dies.worker.join()
    wait_for(hangs.has_stopped)
    lost = [dies.row(), hangs.row()]
    dies.start()
    wait_for(lambda: {row for row, count in times_trained().items() if count == 2} == set(lost))
    hangs.signal(signal.SIGCONT)
    for computer in four:
        computer.join()
    each_has_everything(four)
    assert times_trained() == Counter([f"width={width}" for width in range(20)] + lost)


def test_a_lost_connection_is_made_anew(url, tmp_path):
    computer = Computer(tmp_path / "a", url, rows=6, start=False)
    computer.start(die=("optuna:trial.Trial.report", 3, "before"), hang=True)
    wait_for(computer.has_stopped)
    with psycopg.connect(url) as connection:
        own = "pid <> pg_backend_pid() AND datname = current_database()"
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}"
        assert connection.execute(ended).fetchall() == [(True,)]
    computer.signal(signal.SIGCONT)
    computer.join()
    each_has_everything([computer])


def test_a_transaction_of_a_worker_that_hangs_holds_nobody_up(url, tmp_path):
    hangs = Computer(tmp_path / "a", url, rows=6, start=False)
    moment = ("optuna.storages:RDBStorage._get_prepared_new_trial", 1, "after")
    hangs.start(die=moment, hang=True)  # while it holds the lock on the list of trials
    wait_for(hangs.has_stopped)
    other = Computer(tmp_path / "b", url, rows=6)
    other.join()
    hangs.signal(signal.SIGCONT)
    hangs.join()  # it lost its connection, and goes on with another
    each_has_everything([other, hangs])


def test_connections_that_break_again_and_again_stop_nobody(url, tmp_path):
    storage.reach(url, None)  # two that make the tables at once lose a try to that alone
    pair = [Computer(tmp_path / name, url, rows=30) for name in "ab"]
    own = "pid <> pg_backend_pid() AND datname = current_database()"
    ended = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {own}"
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in storage.PAUSES:  # one break more, and a step that always meets one gives up
            time.sleep(0.5)
            wait_for(lambda: connection.execute(ended).fetchone()[0] > 0)
    for computer in pair:
        computer.join()
    each_has_everything(pair)


@pytest.mark.slow
def test_whatever_happens_every_row_is_finished_once_and_none_is_lost(url, tmp_path):
    chance = random.Random(0)
    four = [Computer(tmp_path / name, url, rows=40, pause=0.5) for name in "abcd"]
    for _ in range(8):
        time.sleep(chance.uniform(0, 1))
        victim = chance.choice(four)
        if victim.worker.exitcode == 0:  # every row was finished
            victim.start()
        assert victim.worker.is_alive()
        if chance.random() < 0.5:
            victim.signal(signal.SIGKILL)
            victim.worker.join()
            victim.start()
        else:
            victim.signal(signal.SIGSTOP)
            time.sleep(3)
            victim.signal(signal.SIGCONT)
    for computer in four:
        computer.worker.join(120)
        computer.start()
        computer.join()
    each_has_everything(four)


def test_what_the_storage_knows_reaches_a_computer_that_comes_last(url, tmp_path):
    plan = grid(tmp_path / "first")
    table = studies.run(plan, url)
    late = grid(tmp_path / "late")
    assert studies.run(late, url).equals(table) and len(trained()) == len(plan.rows)

"""Killed with kill -9 at any moment of a load, the next one is right bit by bit."""

import random
import signal
import time

import loads
import pytest
from loads import LETTERS, MNIST, Load

KILLS = {LETTERS: 150, MNIST: 50}


def stage(folder):
    """How far a load has come, by what lies there."""
    if list(folder.glob("cache/handwriting-course/*/about.json")):
        return "at its end"
    begun = list(folder.glob("cache/handwriting-course/*.partial/*"))
    archive = folder / ".cache" / "emnist" / "emnist.zip"
    return "unpacking" if begun or archive.is_file() else "downloading"


def leftovers(folder):
    """What lies there beside archives and one whole cache."""
    every = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    known = ("emnist.zip", "mnist.npz", "about.json", "keras.json")
    caches = {path.parent for path in every if path.name == "about.json"}
    strange = [path for path in every if path.name not in known and path.parent not in caches]
    return strange + list(folder.rglob("*partial*")) + [caches] * (len(caches) != 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLS)
def test_killed_at_any_moment_the_next_load_is_right(name, tmp_path, tally, trials):
    chance, files, right = random.Random(name), loads.published(), loads.right(name)
    with loads.Server(files) as server:
        whole = Load(name, tmp_path / "whole", server.url, files)
        began = whole.begun()
        assert whole.outcome() == right
        seconds, number, killed = time.monotonic() - began, 0, 0
        while killed < trials(KILLS[name]):
            number += 1
            assert number < 20 * trials(KILLS[name]), "too few kills came before the end"
            folder = tmp_path / f"{number}"
            victim = Load(name, folder, server.url, files)
            victim.begun()
            time.sleep(chance.uniform(0, 1.1 * seconds))
            victim.kill()
            victim.join()
            assert victim.exitcode in (0, -signal.SIGKILL)
            if victim.exitcode == 0:
                continue
            killed += 1
            fault = f"SIGKILL while {name} is {stage(folder)}"
            found = Load(name, folder, server.url, files)
            found.begun()
            outcome = found.outcome()
            outcome = "survived" if outcome == right else outcome
            tally(fault, f"left behind: {left}" if (left := leftovers(folder)) else outcome)


def test_what_the_next_load_finds_of_a_killed_one_is_told_apart(tmp_path):
    assert stage(tmp_path) == "downloading" and leftovers(tmp_path)
    (tmp_path / "cache/handwriting-course/a.partial").mkdir(parents=True)
    (tmp_path / "cache/handwriting-course/a.partial/train-labels.npy").touch()
    assert stage(tmp_path) == "unpacking" and leftovers(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", KILLS)
def test_eight_processes_at_once_download_once_and_all_are_right(name, tmp_path, tally, trials):
    files, right = loads.published(), loads.right(name)
    for number in range(trials(10)):
        with loads.Server(files) as server:
            barrier = loads.FORKS.Barrier(8)
            every = [
                Load(name, tmp_path / f"{number}", server.url, files, barrier) for _ in "8" * 8
            ]
            for one in every:
                one.begun()
            for one in every:
                outcome = one.outcome()
                tally(f"eight processes load {name}", "survived" if outcome == right else outcome)
            assert len(server.asked) == 1 and not leftovers(tmp_path / f"{number}")

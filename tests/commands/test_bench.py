"""The benchmark's archive is NIST's layout, and its table judges the targets."""

import json

from helpers import data

import bench
import bench_tasks
import emnist
import numpy as np
import pytest
import tiny

pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")


def row(name="load_byclass", ours=1.0, peer=40.0, **fields):
    return {"name": name, "unit": "s", "ours": ours, "peer": peer, "ratio": ours / peer,
            "ours_spread": 0.1, "peer_spread": 2.0, "machine": "here"} | fields  # fmt: skip


def test_images_are_repeated_until_there_are_enough(fresh_cache, monkeypatch, tmp_path):
    members = tiny.emnist_members("byclass", (70, 65), 62, first_label=0)
    source = tiny.write_zip(tmp_path / "data/emnist/emnist.zip", members)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    few = data.load("emnist/byclass")
    archive = tmp_path / "home/.cache/emnist/emnist.zip"
    archive.parent.mkdir(parents=True)
    bench_tasks.write_archive(archive, few, (200, 80), total_bytes=1_000_000)
    assert 1_000_000 <= archive.stat().st_size < 1_100_000
    monkeypatch.delenv("COURSE_DATA")
    ours = data.load("emnist/byclass")
    rows = np.arange(200) % 70
    assert np.array_equal(ours.train.images, np.array(few.train.images)[rows])
    assert np.array_equal(ours.train.labels, few.train.labels[rows])
    images, labels = emnist.extract_test_samples("byclass")
    assert np.array_equal(images, ours.test.images) and np.array_equal(labels, ours.test.labels)
    assert source.is_file()


def test_the_table_says_whether_targets_are_met():
    rows = [row(ours=1.0), row(ours=3.0), row("load_byclass_first", 39.0)]
    rows += [row("epoch_byclass", 2400.0), row("epoch_byclass", 2600.0, unit="MB")]
    lines = bench.table(rows).splitlines()
    verdicts = [line.rsplit(": ", 1)[-1] for line in lines[1:]]
    assert verdicts == ["met", "NOT MET", "met", "met", "NOT MET"]
    assert "0.0250" in lines[1] and "at most 2500 MB" in lines[5]
    both = bench.table([row("mnist_99", 5.0, 100.0), row("predict_image")]).splitlines()[1:]
    assert "ours at most 6 s: met; ratio at most 0.04: NOT MET" in both[0]
    assert both[1].endswith("none")


def test_a_row_of_speed_gives_each_turn_its_seed_and_the_peer_fewer_turns(monkeypatch, tmp_path):
    seen = []

    def child(tasks, task, variables):
        seen.append((task, variables["BENCH_TURN"]))
        return 1.0

    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "_child", child)
    monkeypatch.setitem(
        bench.ROWS, "mnist_99", bench.ROWS["mnist_99"]._replace(turns=2, peer_turns=1)
    )
    bench.measure("mnist_99")
    assert seen == [("ours_mnist_99", "1"), ("peer_mnist_99", "1"), ("ours_mnist_99", "2")]


@pytest.mark.parametrize("name", bench.ROWS)
def test_every_row_has_a_task_for_each_side(name):
    plan = bench.ROWS[name]
    sides = ("ours", "peer") if plan.peer_turns else ("ours",)
    assert all(callable(getattr(plan.tasks, f"{side}_{plan.task}")) for side in sides)
    assert all(at_most > 0 for _, at_most in plan.targets)
    assert plan.peer_turns or plan.ratio is None  # nobody to be compared with


def test_a_row_is_the_medians_of_its_turns_with_their_spread(monkeypatch, tmp_path):
    figures = {"ours_load": iter([9.0, 1.0, 3.0, 2.0]), "peer_load": iter([60.0, 90.0, 80.0])}
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "_child", lambda tasks, task, variables: next(figures[task]))
    measured = bench.measure("load_byclass")  # the first of ours is thrown away: it unpacks
    assert (measured["ours"], measured["peer"], measured["ratio"]) == (2.0, 80.0, 0.025)
    assert (measured["ours_spread"], measured["peer_spread"]) == (2.0, 30.0)
    assert list(tmp_path.iterdir()) == []


def test_a_row_without_a_peer_has_figures_of_ours_only(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "_child", lambda tasks, task, variables: 2.5)
    measured = bench.measure("prepare")
    assert (measured["ours"], measured["peer"], measured["ratio"]) == (2.5, None, None)
    line = bench.table([measured]).splitlines()[1]
    assert line.split()[:6] == ["prepare", "ms", "2.5", "(0)", "-", "-"]
    assert line.endswith("ours at most 3 ms: met")
    file = tmp_path / "a.json"
    file.write_text(json.dumps([measured]), encoding="utf-8")
    assert bench.compare(file, file).splitlines()[1].endswith("- -> -")


def test_compare_shows_the_change(tmp_path):
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(json.dumps([row(ours=2.0)]), encoding="utf-8")
    after.write_text(json.dumps([row(ours=1.0), row("memory_byclass")]), encoding="utf-8")
    lines = bench.compare(before, after).splitlines()
    assert "-50.0 %" in lines[1] and "0.0500 -> 0.0250" in lines[1]
    assert lines[2].startswith("memory_byclass")


def test_an_unknown_row_is_explained(monkeypatch):
    monkeypatch.setenv("ROWS", "load_byclas")
    with pytest.raises(SystemExit, match=r"expected some of mnist_.*; found load_byclas\."):
        bench.main()


def test_the_turns_of_both_sides_are_spread_over_the_run():
    assert bench.order({"ours": 2, "peer": 2}) == ["ours", "peer", "ours", "peer"]
    order = bench.order({"ours": 10, "peer": 3})
    assert [n for n, side in enumerate(order) if side == "peer"] == [1, 5, 9]
    assert order.count("ours") == 10

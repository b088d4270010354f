"""A study trains the rows its table lacks, reports what is wrong by row, and rows repeat."""

import functools
import importlib
import pkgutil
import random
import time
from dataclasses import replace

from helpers import data, evaluation, models, statistics, studies, training
from helpers.recipes import augmentation
from helpers.studies import runner, storage, workers
from helpers.studies import table as tables

import keras
import optuna
import pandas as pd
import plans
import pytest
import tiny_study
from plans import common, notebook_22
from tiny_study import Network, Worker, grid, lines, search, wait_for

ROWS = [f"width={width} seed={seed}" for width in (1, 2, 3) for seed in (1, 2)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "studies"


@pytest.fixture(autouse=True)
def tiny(request, monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINED", str(tmp_path / "trained"))
    monkeypatch.setattr(workers, "PATIENCE", 0.5)  # of this process, whose peers here are dead
    monkeypatch.setattr(storage, "PAUSES", (0.01,) * 4)
    if "sample" not in request.fixturenames:
        monkeypatch.delenv("COURSE_DATA", raising=False)
        tiny_study.install(monkeypatch.setattr)


@pytest.fixture
def sample(own_caches, monkeypatch):
    """Real training, on the built-in sample."""
    monkeypatch.setenv("COURSE_DATA", "sample")


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "quick")


def trained():
    """The widths trained so far, once a seed."""
    return [int(row.removeprefix("width=")) for _, row in tiny_study.trained()]


# --- the table --------------------------------------------------------------------------------


def test_a_run_fills_the_table_and_the_next_has_nothing_to_do(folder, capsys):
    plan = grid(folder)
    table = studies.run(plan)
    assert table["row"].tolist() == ROWS and trained() == [1, 1, 2, 2, 3, 3]
    pd.testing.assert_frame_equal(studies.run(plan), table)
    assert "another one has the row" not in capsys.readouterr().err
    pd.testing.assert_frame_equal(studies.load(plan), table)
    assert trained() == [1, 1, 2, 2, 3, 3] and capsys.readouterr().out == ""


def test_a_row_says_what_was_trained_and_on_what(folder):
    row = studies.run(grid(folder, images=50)).iloc[-1]
    expected = {"study": "tiny", "width": 3, "seed": 2, "state": "complete", "trained_epochs": 2}
    expected |= {"trained_images": 50, "parameters": 10, "tier": "full", "data": "mnist"}
    assert row[list(expected)].to_dict() == expected
    assert row["accuracy"] == pytest.approx(row["val_accuracy"][-1], abs=1e-5)
    assert row["loss"] == pytest.approx(row["val_loss"][-1], abs=1e-5)
    assert {len(row[curve]) for curve in tables.CURVES} == {2} and row["seconds"] > 0
    assert row["versions"].startswith(f"keras {keras.__version__} {keras.backend.backend()} ")
    assert "cores" in row["machine"]


def test_a_cost_has_a_column_and_is_part_of_the_configuration(folder):
    plain = grid(folder)
    table = studies.run(replace(plain, name="dear", **tiny_study.TWO_OBJECTIVES))
    assert table["cost"].tolist() == [1] * 6 and list(table)[-1] == "cost"
    assert plain.configuration_hash({"width": 1}) != table["configuration"][0]
    assert statistics.summarise(table, "width")["cost"].tolist() == [1, 1, 1]
    cheap = studies.run(plain)
    assert "cost" not in cheap and "cost" not in statistics.summarise(cheap, "width")


def test_recipes_may_choose_epochs_and_images(folder):
    def recipe(width):
        return Network(0.5), {"epochs": width, "images": 10 * width}

    table = studies.run(grid(folder, recipe=recipe))
    assert table["trained_epochs"].tolist() == [1, 1, 2, 2, 3, 3]
    assert table["trained_images"].tolist() == [10, 10, 20, 20, 30, 30]


def test_without_a_table_the_command_that_makes_it_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"tiny\.csv.*make studies NAME=tiny"):
        studies.load(grid(folder))


def test_missing_rows_are_told_and_only_they_are_trained(folder, capsys):
    plan = grid(folder)
    studies.run(plan)
    more = grid(folder, factors={"width": [1, 2, 3, 4]}, seeds=(1, 2, 3))
    capsys.readouterr()
    assert studies.load(more)["row"].tolist() == ROWS
    assert "6 of 12 rows are missing; run them: make studies NAME=tiny" in capsys.readouterr().out
    before = tables.Table(plan).read_rows()[0].items()
    assert len(studies.run(more)) == 12 and trained()[6:] == [1, 2, 3, 4, 4, 4]
    assert before <= tables.Table(more).read_rows()[0].items()


def test_another_checkout_has_the_rows_of_the_table(folder, tmp_path):
    plan = grid(folder)
    table = studies.run(grid(folder, factors={"width": [1, 2]}))
    elsewhere = replace(plan, folder=tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.path.write_bytes(plan.path.read_bytes())
    pd.testing.assert_frame_equal(studies.run(elsewhere)[:4], table)
    assert trained() == [1, 1, 2, 2, 3, 3]


# --- the quick tier ---------------------------------------------------------------------------


def test_the_quick_tier_trains_two_settings_from_two_seeds_and_keeps_them_apart(folder, quick):
    def recipe(width, depth):
        return tiny_study.wide(width)

    factors = {"width": [1, 2, 3], "depth": [5, 6]}
    plan = grid(folder, factors=factors, seeds=(1, 2, 3), recipe=recipe)
    table = studies.run(plan)
    settings = [(width, 5, seed) for width in (1, 2) for seed in (1, 2)]
    assert list(zip(table["width"], table["depth"], table["seed"], strict=True)) == settings
    assert set(table["tier"]) == {"quick"} and not plan.path.exists()
    pd.testing.assert_frame_equal(studies.run(plan), table)
    assert len(trained()) == 4


@pytest.mark.parametrize("sampler", ["random", "tpe", "genetic"])
def test_the_quick_tier_makes_two_rows_of_a_search(folder, quick, sampler):
    plan = search(folder, sampler, prune=True)
    assert studies.run(plan)["row"].tolist() == ["trial 0", "trial 1"] and not plan.path.exists()


def test_the_table_is_the_same_in_both_tiers_and_a_quick_run_leaves_it_alone(folder, monkeypatch):
    plan = grid(folder)
    table, content = studies.run(plan), plan.path.read_bytes()
    monkeypatch.setenv("COURSE_TIER", "quick")
    pd.testing.assert_frame_equal(studies.load(plan), table)
    assert len(studies.run(plan)) == 4 and plan.path.read_bytes() == content


def test_a_quick_run_of_a_changed_recipe_starts_anew(folder, quick):
    studies.run(grid(folder))
    assert len(studies.run(grid(folder, epochs=7))) == 4 and len(trained()) == 8


# --- what goes wrong --------------------------------------------------------------------------


def test_a_setting_that_raises_is_reported_and_tried_again_and_the_others_go_on(
    folder, monkeypatch, capsys
):
    plan = grid(folder)
    monkeypatch.setenv("BROKEN", "2")
    assert studies.run(plan)["width"].tolist() == [1, 1, 3, 3]
    report = capsys.readouterr().err
    for seed in (1, 2):
        assert f"tiny, row width=2 seed={seed}: ValueError: no such width" in report
    monkeypatch.delenv("BROKEN")
    assert len(studies.run(plan)) == 6 and trained() == [1, 1, 2, 2, 3, 3, 2, 2]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_training_that_is_lost_ends_at_once_and_is_over(folder, loss):
    def recipe(width):
        return Network(0.5, loss if width == 2 else None, row=f"width={width}"), {}

    plan = grid(folder, recipe=recipe)
    table = studies.run(plan)
    assert table["state"].tolist() == ["complete"] * 2 + ["nan"] * 2 + ["complete"] * 2
    assert table["trained_epochs"].tolist() == [2, 2, 1, 1, 2, 2]
    assert len(studies.run(plan)) == 6 and trained() == [1, 1, 2, 2, 3, 3]
    assert statistics.summarise(table, "width").index.tolist() == [1, 3]


def test_a_row_that_another_worker_has_is_told(folder, monkeypatch, capsys):
    store = runner._Record.store
    monkeypatch.setattr(runner._Record, "store", lambda *what: store(*what) and False)
    studies.run(grid(folder, factors={"width": [1]}, seeds=(1,)))
    told = "row width=1 seed=1: this worker gave no sign of life for 0.5 s; another one has the row"
    assert told in capsys.readouterr().err


def test_ctrl_c_gives_the_row_back(folder, monkeypatch):
    plan, fit = grid(folder), training.fit

    @functools.wraps(fit)  # a configuration has its options
    def interrupted(*arguments, **options):
        if len(trained()) == 2:
            tiny_study.note("width=2")
            raise KeyboardInterrupt
        return fit(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "fit", interrupted)
        studies.run(plan)
    before = tables.Table(plan).read_rows()[0]
    assert list(before) == ROWS[:2]
    assert studies.run(plan)["row"].tolist() == ROWS and trained() == [1, 1, 2, 2, 2, 3, 3]
    assert before.items() <= tables.Table(plan).read_rows()[0].items()


def another(width):
    return Network(0.5 + width / 1000), {}


@pytest.mark.parametrize(
    "change",
    [{"epochs": 3}, {"images": 99}, {"data": "emnist/digits"}, {"recipe": another}],
    ids=lambda change: next(iter(change)),
)
def test_rows_of_another_plan_are_left_out_and_stay(folder, capsys, change):
    studies.run(grid(folder))
    plan = grid(folder, **change)
    content = plan.path.read_bytes()
    assert studies.load(plan).empty and studies.run(plan).empty
    captured = capsys.readouterr()
    for number, row in enumerate(ROWS, start=2):
        line = f"tiny.csv, line {number} ({row}): its configuration is not what the plan's recipe"
        assert line in captured.out and line in captured.err
    assert plan.path.read_bytes() == content and len(trained()) == 6


def test_rows_that_the_plan_lost_stay_in_the_file(folder, capsys):
    studies.run(grid(folder))
    fewer = grid(folder, factors={"width": [1, 3]})
    content = set(fewer.path.read_text(encoding="utf-8").splitlines())
    assert studies.run(fewer)["width"].tolist() == [1, 1, 3, 3] and len(trained()) == 6
    report = capsys.readouterr().err
    assert "line 4 (width=2 seed=1): width is '2', which can't be" in report
    assert set(fewer.path.read_text(encoding="utf-8").splitlines()) == content


def test_a_search_may_get_values_and_trials(folder):
    plan = search(folder, "tpe", trials=12)
    before = studies.run(plan)
    wider = search(folder, "tpe", trials=14, factors=plan.factors | {"width": [1, 2, 3, 4]})
    table = studies.run(wider)
    pd.testing.assert_frame_equal(table[:12], before)
    assert len(table) == 14 == len(tiny_study.trained())


def test_each_row_of_each_search_is_chosen_by_a_seed_of_its_own(tmp_path):
    rates = [
        rate
        for seed in (1, 2, 3)
        for rate in studies.run(search(tmp_path / str(seed), "random", seeds=(seed,)))["rate"]
    ]
    assert len(rates) == len(set(rates)) == 60


def test_a_spoilt_line_is_reported_and_trained_again_once_it_is_deleted(folder, capsys):
    plan = grid(folder)
    table = studies.run(plan)
    lines = plan.path.read_text(encoding="utf-8").splitlines(keepends=True)
    spoilt = lines[3].replace("complete", "done")
    plan.path.write_text("".join([*lines[:3], spoilt, *lines[4:]]), encoding="utf-8")
    (folder / "outputs" / "tiny.journal").unlink()  # as in a fresh checkout
    assert studies.run(plan)["row"].tolist() == [row for row in ROWS if row != ROWS[2]]
    assert f"line 4 ({ROWS[2]}): state is 'done'" in capsys.readouterr().err
    assert spoilt in plan.path.read_text(encoding="utf-8") and len(trained()) == 6
    plan.path.write_text("".join([*lines[:3], *lines[4:]]), encoding="utf-8")
    figures = ["row", "accuracy"]
    pd.testing.assert_frame_equal(studies.run(plan)[figures], table[figures])
    assert trained()[6:] == [2]


def test_a_spoilt_line_is_mended_where_the_journal_knows_better(folder):
    plan = grid(folder)
    table = studies.run(plan)
    spoilt = plan.path.read_bytes().replace(b"complete", b"done", 1)
    plan.path.write_bytes(spoilt)
    pd.testing.assert_frame_equal(studies.run(plan), table)
    assert len(trained()) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": "best"}, "sampler 'best' and 0 trials; expected one of grid, random"),
        ({"sampler": "tpe"}, "sampler 'tpe' and 0 trials"),
        ({"trials": 3}, "sampler 'grid' and 3 trials"),
        ({"sampler": "tpe", "trials": 3, "final": True}, "would search on the test images"),
        (tiny_study.TWO_OBJECTIVES | {"prune": False}, "expected prune=None beside a cost"),
        (tiny_study.TWO_OBJECTIVES | {"prune": True}, "expected prune=None beside a cost"),
        ({"prune": None}, "expected prune=None beside a cost, and True or False without"),
        ({"factors": {"loss": [1]}}, "factor named loss; expected another name"),
        ({"factors": {"cost": [1]}}, "factor named cost; expected another name"),
        ({"factors": {"row": [1]}}, "factor named row; expected another name"),
        ({"factors": {}}, "expects factors"),
        ({"seeds": ()}, "seeds that differ"),
        ({"seeds": (1, 1)}, "seeds that differ"),
        ({"factors": {"width": []}}, r"has \[\] for width; expected a list of different"),
        ({"factors": {"width": [1, 1]}}, "expected a list of different"),
        ({"factors": {"width": [1, "1"]}}, "expected a list of different"),
        ({"factors": {"width": [(8, 16)]}}, "expected a list of different"),
        ({"factors": {"width": [None]}}, "expected a list of different"),
        ({"factors": {"width": ["a\nb"]}}, "one-line strings"),
        ({"factors": {"width": range(3)}}, "expected a list of different"),
        (
            {"factors": {"width": optuna.distributions.IntDistribution(1, 9)}},
            "in a search also an Optuna Float- or IntDistribution",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(folder, changes, message):
    with pytest.raises(ValueError, match=f"study 'tiny'.*{message}"):
        grid(folder, **changes)


# --- the same again ---------------------------------------------------------------------------


def test_a_row_again_is_equal_and_nothing_is_written(folder):
    plan = grid(folder)
    stored, content = studies.run(plan).iloc[2], plan.path.read_bytes()
    paths = set(folder.rglob("*"))
    again = studies.rerun(plan, seed=1, width=2)
    pd.testing.assert_series_equal(again.drop("seconds"), stored.drop("seconds"), check_names=False)
    assert plan.path.read_bytes() == content and set(folder.rglob("*")) == paths


def test_another_seed_makes_one_more_run(folder):
    again = studies.rerun(grid(folder), seed=9, width=2)
    assert again["seed"] == 9 and again["row"] == "width=2 seed=9"


def test_a_trial_of_a_search_can_be_trained_again(folder):
    plan = search(folder, "random", trials=2)
    stored = studies.run(plan).iloc[1]
    again = studies.rerun(plan, 1, rate=stored["rate"], width=stored["width"])
    assert again["accuracy"] == stored["accuracy"]


@pytest.mark.parametrize("make", [grid, lambda folder: search(folder, "random")])
@pytest.mark.parametrize("setting", [{}, {"height": 2}, {"width": 2, "height": 2}, {"width": 9}])
def test_a_setting_that_the_study_lacks_is_refused(folder, make, setting):
    with pytest.raises(ValueError, match=r"no setting .*expected a value for each factor"):
        studies.rerun(make(folder), seed=1, **setting)


# --- real training ----------------------------------------------------------------------------


def test_real_training_killed_and_started_again_repeats_bit_for_bit(folder, sample):
    plan = grid(folder, recipe=tiny_study.dense, epochs=1, images=200)
    data.load("mnist")  # unpacks the sample
    before, chance = [], random.Random(0)
    for count in (1, 3):
        worker = Worker(plan)
        wait_for(lambda count=count: len(lines(plan)) >= count)
        time.sleep(chance.uniform(0, 0.3))
        worker.kill()
        worker.join()
        assert set(before) <= set(lines(plan))
        before = lines(plan)
    table = studies.run(plan)
    assert set(before) <= set(lines(plan)) and table["row"].tolist() == ROWS
    assert len(trained()) <= len(ROWS) + 2
    assert set(table["trained_images"]) == {200} and table["accuracy"].between(0, 1).all()
    for number in (0, 3):
        stored = table.iloc[number].drop("seconds")
        again = studies.rerun(plan, int(stored["seed"]), width=int(stored["width"]))
        pd.testing.assert_series_equal(again.drop("seconds"), stored, check_names=False)


def test_real_training_in_the_quick_tier_is_one_epoch(folder, sample, quick):
    one = {"factors": {"width": [16]}, "seeds": (1,), "images": 200}
    (row,) = studies.run(grid(folder, recipe=tiny_study.dense, epochs=5, **one)).to_dict("records")
    assert (row["trained_epochs"], row["tier"]) == (1, "quick")


def test_a_final_study_trains_on_all_images_and_judges_once_on_the_test_images(
    folder, sample, monkeypatch
):
    @functools.wraps(training.fit)
    def counted(*arguments, fit=training.fit, **options):
        tiny_study.note("width=16")
        return fit(*arguments, **options)

    monkeypatch.setattr(training, "fit", counted)
    factors = {"width": [16]}
    plan = grid(folder, recipe=tiny_study.dense, factors=factors, seeds=(1,), epochs=2, final=True)
    (row,) = studies.run(plan).to_dict("records")
    mnist = data.load("mnist")
    assert row["trained_images"] == len(mnist.train) and len(row["train_loss"]) == 2
    ends = [row["val_accuracy"], row["val_loss"]]
    assert ends == [[pytest.approx(row[name], rel=1e-4)] for name in ("accuracy", "loss")]
    kept = keras.saving.load_model(plan.outputs / "tiny width=16 seed=1.keras")
    judged = evaluation.evaluate(kept, mnist.test, mnist.classes)
    assert [judged.accuracy, judged.loss] == pytest.approx([row["accuracy"], row["loss"]], abs=1e-5)
    assert not kept.compiled
    pd.testing.assert_frame_equal(studies.run(plan), studies.load(plan))
    assert trained() == [16]


def shifted(width):
    model, options = tiny_study.dense(width)
    return model, options | {"judged_as": augmentation.shift_averaged}


def test_a_final_study_may_judge_another_reading_of_the_trained_weights(folder, sample):
    factors = {"width": [16]}
    plan = grid(folder, recipe=shifted, factors=factors, seeds=(1,), epochs=2, final=True)
    (row,) = studies.run(plan).to_dict("records")
    kept = keras.saving.load_model(plan.outputs / "tiny width=16 seed=1.keras")
    mnist = data.load("mnist")
    assert kept.get_layer("mean") and not kept.compiled
    assert not kept.get_layer("dense_16").compiled  # the network inside, whose weights were trained
    judged = evaluation.evaluate(kept, mnist.test, mnist.classes)
    assert judged.accuracy == pytest.approx(row["accuracy"], abs=1e-5)


def test_a_study_of_one_epoch_may_judge_another_reading_too(folder, sample):
    factors = {"width": [16]}
    read = {}
    for recipe in (shifted, tiny_study.dense):
        plan = grid(folder / recipe.__name__, recipe=recipe, factors=factors, seeds=(1,), epochs=1)
        (row,) = studies.run(plan).to_dict("records")
        assert row["val_accuracy"] == [row["accuracy"]]
        read[recipe.__name__] = row
    same = [row["train_accuracy"] for row in read.values()]
    assert same[0] == same[1] and read["shifted"]["loss"] != read["dense"]["loss"]


def held(width):
    return models.dense_ann((width,)), {"fold": (1, 5)}


def test_a_study_that_keeps_networks_judges_each_once_on_the_images_held_out(folder, sample):
    options = {"factors": {"width": [16]}, "seeds": (1,), "epochs": 2, "keep": folder / "kept"}
    plan = grid(folder, recipe=held, **options)
    (row,) = studies.run(plan).to_dict("records")
    train, judge = studies.parts(plan, plan.images, (1, 5))
    assert row["trained_images"] == len(train) == pytest.approx(4 * len(judge), abs=4)
    assert len(row["train_loss"]) == 2 and len(row["val_loss"]) == 1
    (name, network), *others = studies.load_networks(plan).items()
    judged = evaluation.evaluate(network, judge, data.CLASSES[plan.data])
    assert judged.accuracy == pytest.approx(row["accuracy"], abs=5e-3)  # in half precision
    assert name == "16 1" and others == []
    assert plan.fingerprint == replace(plan, keep=None).fingerprint
    pd.testing.assert_frame_equal(studies.run(plan), studies.load(plan))


def test_a_network_that_was_not_kept_yet_is_told_with_the_command(folder):
    plan = grid(folder, keep=folder / "kept")
    with pytest.raises(FileNotFoundError, match=r"seed=1\.npz.*make studies NAME=tiny"):
        studies.load_networks(plan)


def test_a_quick_run_keeps_its_networks_apart(folder, quick, sample):
    one = {"factors": {"width": [16]}, "seeds": (1,)}
    studies.run(grid(folder, recipe=held, keep=folder / "kept", **one))
    assert not (folder / "kept").exists()


def test_a_recipe_may_make_targets_from_the_images_it_trains_on(folder, monkeypatch):
    seen = []

    def fit(model, split, validation, *, targets, **options):
        seen.append((split, targets))
        return tiny_study.fit(model, split, validation, **options)

    monkeypatch.setattr(training, "fit", fit)

    def recipe(width):
        return Network(0.5), {"targets": tiny_study.Named("next", lambda split: split.labels + 1)}

    studies.run(grid(folder, factors={"width": [1]}, seeds=(1,), recipe=recipe))
    ((split, targets),) = seen
    assert (targets == split.labels + 1).all()


def test_a_recipe_may_add_images_but_not_to_those_that_judge(folder, monkeypatch):
    def fit(model, split, validation, callbacks=(), **options):
        return training.History([1], [0], [1], [0], 1.0, len(split), 32)

    monkeypatch.setattr(training, "fit", fit)
    seen = []

    def recipe(width):
        def more(split, judge):
            seen.append(len(judge))
            return split[[*range(len(split))] * 2]

        return Network(0.5), {
            "more": tiny_study.Named("more", more),
            "targets": tiny_study.Named("none", lambda split: seen.append(len(split))),
        }

    table = studies.run(grid(folder, factors={"width": [1]}, seeds=(1,), recipe=recipe))
    judged, trained = seen
    assert table["trained_images"].tolist() == [trained]
    plain = studies.run(grid(folder / "plain", factors={"width": [1]}, seeds=(1,)))
    assert trained == 2 * plain["trained_images"].iloc[0] and judged > 0


def folded(width, fold):
    return models.dense_ann((width,)), {"fold": (fold, 3)}


def test_folds_share_the_images_between_them(folder, sample, monkeypatch):
    seen = []

    @functools.wraps(training.fit)
    def fit(model, split, validation, **options):
        seen.append([{image.tobytes() for image in part.images} for part in (split, validation)])
        return training.History([1], [0], [1], [0], 1.0, len(split), 32)

    monkeypatch.setattr(training, "fit", fit)
    factors = {"width": [16], "fold": [1, 2, 3]}
    plan = grid(folder, recipe=folded, factors=factors, seeds=(1,), images=300)
    assert set(studies.run(plan)["trained_images"]) == {200}
    assert all(train.isdisjoint(held) for train, held in seen)
    held = [held for _, held in seen]
    assert len(set.union(*held)) == sum(map(len, held)) == 300


# --- the command ------------------------------------------------------------------------------


def test_the_command_trains_the_studies_that_are_named(folder):
    three = [replace(grid(folder), name=name) for name in ("one", "two", "three")]
    studies.command(three, ["one", "three"])
    assert [plan.path.exists() for plan in three] == [True, False, True]
    studies.command(three, [])
    assert three[1].path.exists() and len(trained()) == 18


def test_the_command_explains_a_name_it_does_not_know(folder, capsys):
    with pytest.raises(SystemExit) as ended:
        studies.command([grid(folder)], ["other"])
    assert ended.value.code == 2
    assert "found no study other; expected tiny" in capsys.readouterr().err


def test_the_command_keeps_the_sample_out_of_the_tables(folder, sample, capsys):
    with pytest.raises(SystemExit) as ended:
        studies.command([grid(folder)], [])
    assert ended.value.code == 2 and not folder.exists()
    assert "COURSE_DATA is 'sample'; expected real data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "header", "message"),
    [
        (["--storage", "sqlite:////no/such/folder/x.db"], None, "could not use 'sqlite:////no"),
        ([], "study,row", "one.csv has the columns study, row"),
    ],
)
def test_the_command_tells_what_stops_a_study(folder, options, header, message):
    pair = [replace(grid(folder), name=name) for name in ("one", "two")]
    if header:
        folder.mkdir()
        pair[0].path.write_text(header, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        studies.command(pair, options)
    assert message in str(ended.value.code)
    assert pair[1].path.exists() == (header is not None)  # the others go on


# --- the course's own studies -----------------------------------------------------------------


def test_names_of_studies_differ_and_every_table_has_its_plan():
    names = [plan.name for plan in plans.every()]
    assert len(set(names)) == len(names)
    tables_there = {path.stem for plan in plans.every() for path in plan.path.parent.glob("*.csv")}
    assert tables_there and tables_there <= set(names)


@pytest.mark.parametrize("plan", plans.every(), ids=lambda plan: plan.name)
def test_every_plan_of_the_course_builds_and_its_table_fits(plan):
    runs = len(plan.seeds) * len(plan.factors.get("fold", "1"))
    compares = plan.sampler == "grid" and not plan.judged_once  # settings with one another
    assert plan.images >= 20_000 or plan.sampler != "grid"
    assert runs >= 3 or not compares
    for setting in (plan.settings[0], plan.settings[-1]):
        model, options = plan.recipe(**setting)
        assert not model.compiled and model.input_shape == (None, 28, 28)
        assert isinstance(options, dict)
    assert tables.Table(plan).read_rows()[1] == []


def test_every_stored_table_has_its_plan_and_the_rows_of_those_that_wait_fit_too():
    modules = [module.name for module in pkgutil.iter_modules(plans.__path__)]
    values = [vars(importlib.import_module(f"plans.{name}")).values() for name in modules]
    known = {plan.path: plan for every in values for one in every for plan in plans._plans(one)}
    folder = common.NOTEBOOKS / "studies"
    stored = {*folder.glob("*.csv"), *folder.glob("larger/*.csv")}
    assert stored and stored <= known.keys()
    read = {plan.path for plan in plans.every()}  # whose rows the test above looks at
    waiting = [tables.Table(known[path]).read_rows() for path in sorted(stored - read)]
    assert [problem for _, bad in waiting for problem in bad] == []


def test_the_rule_of_notebook_22_picks_the_networks_that_are_trained_in_full():
    assert list(dict.fromkeys(notebook_22.picked().values())) == notebook_22.PICKED

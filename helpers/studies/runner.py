"""Run a study: train the rows that its table lacks, read the table, train one row again."""

import argparse
import sys
from dataclasses import replace
from importlib.metadata import version

from helpers import course, data, evaluation, files, preflight, training
from helpers._keras import keras
from helpers.archives import download
from helpers.recipes import weights
from helpers.studies import table, workers

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from tqdm import tqdm


def load(plan):
    """The committed table of a study, the same in both tiers.

    Prints, line by line, what doesn't fit the plan and is left out, and how many rows are missing.

    Returns: DataFrame, one line a row of the study: factors, seed, state ("complete", "pruned" or
        "nan"), accuracy and loss on the validation images after the last epoch, trained_epochs,
        seconds, trained_images, parameters, tier, data, versions, machine, four curves, lists of a
        float an epoch, and the cost where the plan has one.
    Raises: FileNotFoundError where there is no table. Taught in notebook 03.
    """
    if not plan.path.exists():
        raise FileNotFoundError(
            f"expected the table {plan.path.name} of study {plan.name!r}, found none in the folder "
            f"{plan.path.parent.name!r}. Run it: make studies NAME={plan.name}"
        )
    good, bad = table.read(plan.path, plan)
    for line in bad:
        print(line.problem)
    if len(good) < len(plan.rows):
        missing = f"{len(plan.rows) - len(good)} of {len(plan.rows)} rows are missing"
        print(f"{plan.path.name}: {missing}; run them: make studies NAME={plan.name}")
    return table.frame(good, plan)


def run(plan, storage=None):
    """Train the rows that a study lacks, and write each into its table as soon as it is done.

    Kill it at any moment and start it again: no finished row is lost or trained twice. Start it in
    several processes and they share the rows. The quick tier trains two settings from two seeds
    and keeps them apart.

    Arguments: plan: a Plan. storage: an Optuna URL, for workers on several machines; None is a
        journal file.
    Returns: DataFrame as from `load`. What doesn't fit the plan, and a row whose setting raises an
        error, is reported and left out; the other rows go on.
    Raises: workers.StorageGone; table.WrongColumns. Taught in notebooks 07 and 17.
    """
    plan = plan.quick() if course.tier() == "quick" else plan
    good, bad = table.read(plan.path, plan)
    for line in bad:
        print(line.problem, file=sys.stderr)
    journal = plan.outputs / f"{plan.name}.journal"
    is_grid = plan.sampler == "grid"
    study = workers.connect(
        f"{plan.name} {plan.fingerprint} {plan.tier}", storage, journal, plan.prune
    )
    workers.restore(study, good.values(), {} if is_grid else plan.factors)
    table.add(plan.path, plan, workers.results(study))
    spoilt = {line.row for line in bad}
    _work(plan, study, {key: row for key, row in plan.rows.items() if key not in spoilt})
    table.add(plan.path, plan, workers.results(study))  # also what a killed worker had just done
    return table.frame(table.read(plan.path, plan)[0], plan)


def _work(plan, study, rows):
    """Take rows and train them until none is left; says at once what goes wrong with one."""
    over, total = workers.over(study), len(plan.rows)
    with tqdm(total=total, initial=over, desc=plan.name, unit="row") as bar:

        def show():
            bar.n = workers.over(study)
            bar.refresh()

        while trial := workers.take(study, rows, show):
            row = trial.user_attrs["row"]
            try:
                setting, seed = _setting(plan, study, trial)
                watch = workers.Watch(trial)
                result, model = _train(plan, row, setting, seed, watch)
                if plan.final:
                    _save(model, plan.outputs / f"{plan.name} {row}.keras")
                elif plan.keep:
                    weights.save(model, plan.keep / f"{plan.name} {row}.npz")
            except workers.RowLost:
                _lost(plan, row)
                continue
            except BaseException as error:
                workers.fail(study, trial)
                if not isinstance(error, Exception):  # Ctrl-C: the row is given back
                    raise
                problem = f"{plan.name}, row {row}: {type(error).__name__}: {error}"
                bar.write(f"{problem}; the next run tries it again", file=sys.stderr)
                del rows[row]
                continue
            _keep(plan, study, trial, result)
            show()


def _setting(plan, study, trial):
    """The setting and the seed of a trial: planned, or chosen by the sampler."""
    row = dict(plan.rows[trial.user_attrs["row"]])
    if plan.sampler == "grid":
        return {name: row[name] for name in plan.factors}, row["seed"]
    number = list(plan.rows).index(trial.user_attrs["row"])
    chosen_by = 1000 * plan.seeds[0] + number
    return workers.suggest(study, trial, plan.factors, plan.sampler, chosen_by), plan.seeds[0]


def _train(plan, row, setting, seed, watch):
    """Train one setting from one seed; returns its line of the table, and the model."""
    keras.utils.set_random_seed(seed)
    model, options = plan.recipe(**setting)
    epochs, images = options.pop("epochs", plan.epochs), options.pop("images", plan.images)
    if start := options.pop("start", None):
        model = start(model)
    callbacks = [*options.pop("callbacks", ()), watch]
    split, judge = parts(plan, images, options.pop("fold", None))
    if more := options.pop("more", None):
        split = more(split, judge)
    judged_as = options.pop("judged_as", None)
    if targets := options.pop("targets", None):
        options["targets"] = targets(split)
    validation = None if plan.judged_once else judge
    history = training.fit(
        model, split, validation, epochs=epochs, verbose=False, callbacks=callbacks, **options
    )
    if plan.judged_once:
        model = judged_as(model) if judged_as else model
        judged = evaluation.evaluate(model, judge, data.CLASSES[plan.data])
        history = replace(history, val_loss=[judged.loss], val_accuracy=[judged.accuracy])
    backend = keras.backend.backend()
    curves = (history.loss, history.accuracy, history.val_loss, history.val_accuracy)
    line = {
        "study": plan.name,
        "configuration": plan.configuration_hash(setting),
        "row": row,
        **setting,
        "seed": seed,
        "state": watch.state,
        "accuracy": history.val_accuracy[-1],
        "loss": history.val_loss[-1],
        "trained_epochs": history.epochs,
        "seconds": history.seconds,
        "trained_images": history.images,
        "parameters": model.count_params(),
        **({"cost": plan.cost(model)} if plan.cost else {}),
        "tier": course.tier(),
        "data": plan.data,
        "versions": f"keras {keras.__version__} {backend} {version(backend)}",
        "machine": preflight.machine(),
        **dict(zip(table.CURVES, map(list, curves), strict=True)),
    }
    return table.rounded(line, plan), model


def parts(plan, images, fold=None):
    """The images that a row trains on, and those that judge it.

    Arguments: plan: a Plan. images: how many, the first in an order drawn once and for all.
        fold: None, or (number, folds): judge on this part of the images, train on the others.
    Returns: two Splits. Taught in notebook 14.
    """
    dataset = data.load(plan.data)
    dataset = dataset if fold or plan.final else dataset.with_validation()
    order = np.random.default_rng(0).permutation(len(dataset.train))
    chosen = dataset.train[np.sort(order[:images])]
    if fold is None:
        return chosen, dataset.test if plan.final else dataset.validation
    number, folds = fold
    splitter = StratifiedKFold(folds, shuffle=True, random_state=0)
    train, rest = list(splitter.split(chosen.labels, chosen.labels))[number - 1]
    return chosen[train], chosen[rest]


def _save(model, path):
    """Write a trained network without its optimiser, whole or not at all."""
    uncompiled = keras.Model(model.inputs, model.outputs, name=model.name)
    bare = keras.models.clone_model(uncompiled)  # the networks inside it are not compiled either
    bare.set_weights(model.get_weights())
    with files.whole(path) as part:
        bare.save(part)


def _keep(plan, study, trial, result):
    """Store a row's result; in the table too, whatever becomes of the storage."""
    try:
        workers.finish(study, trial, result)
        table.add(plan.path, plan, workers.results(study))
    except workers.RowLost:
        _lost(plan, result["row"])
    except workers.StorageGone:
        table.add(plan.path, plan, [result])
        raise


def _lost(plan, row):
    """Say that another worker has this one's row now."""
    silent = f"this worker gave no sign of life for {workers.PATIENCE} s"
    tqdm.write(f"{plan.name}, row {row}: {silent}; another one has the row", file=sys.stderr)


def rerun(plan, seed, **setting):
    """Train one row of a study again, now; nothing is written.

    Arguments: plan: a Plan. seed, setting: of the row, e.g. seed=1, kernel=3; another seed makes
        one more run of the setting.
    Returns: Series with the columns of `load`, equal to the row's on the same machine, but for the
        seconds. Raises: ValueError where the study has no such setting. Taught in notebook 03.
    """
    is_grid = plan.sampler == "grid"
    if setting not in plan.settings if is_grid else setting.keys() != plan.factors.keys():
        raise ValueError(
            f"study {plan.name!r} has no setting {setting}; expected a value for each factor, of "
            f"{plan.factors}."
        )
    row = " ".join(f"{name}={value}" for name, value in {**setting, "seed": seed}.items())
    return pd.Series(_train(plan, row, setting, seed, workers.Watch())[0])


def kept(plan):
    """The trained networks that a study has kept; in the quick tier the rows of a quick study.

    Arguments: plan: a Plan with a folder to keep networks in.
    Returns: dict of the rows' values, such as "vgg 1" (setting and seed), → uncompiled keras.Model,
        its weights as `weights.save` rounds them.
    Raises: FileNotFoundError where one was not trained yet. Taught in notebook 14.
    """
    rows = plan.quick().rows if course.tier() == "quick" else plan.rows
    networks = {}
    for key, row in rows.items():
        path = plan.keep / f"{plan.name} {key}.npz"
        if not path.exists():
            raise FileNotFoundError(
                f"expected the weights {path.name!r} in the folder {path.parent.name!r}, found "
                f"none. Train the network: make studies NAME={plan.name}"
            )
        model, _ = plan.recipe(**{name: row[name] for name in plan.factors})
        networks[" ".join(map(str, row.values()))] = weights.load(model, path)
    return networks


def command(plans, arguments=None):
    """The command of the studies: list them, or train the rows they lack.

    Arguments: plans: list of Plan. arguments: list of words, else those of the command line.
    Returns: nothing; ends the process with status 1 where a storage is gone or a table's columns
        are not its plan's; the other studies go on.
    """
    names = [plan.name for plan in plans]
    parser = argparse.ArgumentParser(description="Train the rows that the studies lack.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--storage", help="Optuna URL that several machines share")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.names) - set(names)
    if unknown:
        parser.error(f"found no study {', '.join(unknown)}; expected {', '.join(names)}")
    if download.source() == "sample":
        parser.error(
            "COURSE_DATA is 'sample'; expected real data, as the tables are kept: unset it"
        )
    failed = []
    for plan in plans:
        if not chosen.names or plan.name in chosen.names:
            try:
                run(plan, chosen.storage)
            except (workers.StorageGone, table.WrongColumns) as error:
                failed.append(f"{plan.name}: {error}")
    if failed:
        sys.exit("\n".join(failed))

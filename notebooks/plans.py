"""The plans of all studies. `make studies` trains the rows that their tables, in studies/, lack.

A plan says which settings are trained; its recipe turns a setting into a network and the options of
its training. The tables are made by this file and nothing else.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from helpers import (
    data,
    distillation,
    families,
    fast,
    fronts,
    genomes,
    models,
    rates,
    structure,
    studies,
    training,
)

Plan = partial(studies.Plan, folder=Path(__file__).parent / "studies")

# --- notebook 03: report A's grid over a dense network, as a whole and searched


def dense(batch_size, epochs, layers, width, optimizer):
    model = models.dense_ann((width,) * layers)
    return model, {"batch_size": batch_size, "epochs": epochs, "optimizer": optimizer}


dense_grid = Plan(
    "dense_grid",
    {
        "batch_size": [32, 64],
        "epochs": [6, 10],
        "layers": [1, 2, 3],
        "width": [64, 397],
        "optimizer": ["adam", "rmsprop"],
    },
    dense,
    epochs=10,
)
dense_searches = [
    replace(
        dense_grid, name=f"dense_search_{seed}", sampler="tpe", trials=16, prune=True, seeds=(seed,)
    )
    for seed in (1, 2, 3)
]

# --- notebook 05: overfitting

AUGMENT = {"rotation": 8, "shift": 0.02, "zoom": 0.08, "shear": 0.1}  # report A


def remedy(remedy):
    if remedy == "smaller network":
        return models.study_cnn(filters=(8, 16), units=(32,)), {}
    model = models.study_cnn(dropout=0.25 if remedy == "dropout" else 0.0)
    options = {
        "augmentation": {"augment": training.augmentation(**AUGMENT)},
        "more images": {"images": 50_000},
    }
    return model, options.get(remedy, {})


def training_images(images):
    return models.study_cnn(), {"images": images}


remedies = Plan(
    "remedies",
    {"remedy": ["nothing", "smaller network", "dropout", "augmentation", "more images"]},
    remedy,
    epochs=20,
)
learning_curve = Plan(
    "learning_curve",
    {"images": [1_000, 2_000, 5_000, 10_000, 20_000, 50_000]},
    training_images,
    epochs=20,
)

# --- notebook 06: how to train; report A's studies 2, 3 and 4

REPORT_RATES = {
    "rmsprop": 0.01,
    "nadam": 0.01,
    "sgd": 0.1,
    "adadelta": 1.0,
    "adagrad": 0.1,
    "adam": 0.01,
}


def optimizer(optimizer, rate):
    share = {"report's": 1, "a tenth": 0.1}[rate]
    options = {"optimizer": optimizer, "learning_rate": share * REPORT_RATES[optimizer]}
    return models.study_cnn(), options


def adam_rate(learning_rate):
    return models.study_cnn(), {"learning_rate": learning_rate}


def loss(loss_function):
    one_hot = loss_function != "sparse_categorical_crossentropy"
    return models.study_cnn(), {
        "loss": training.one_hot_loss(loss_function, 10) if one_hot else loss_function
    }


def batch_size(batch_size):
    return models.study_cnn(), {"batch_size": batch_size}


def schedule(schedule):
    options = {
        "constant .001": 0.001,
        "constant .01": 0.01,
        "one cycle up to .01": rates.one_cycle(0.01),
    }
    return models.study_cnn(), {"learning_rate": options[schedule]}


optimizers = Plan(
    "optimizers",
    {"optimizer": list(REPORT_RATES), "rate": ["report's", "a tenth"]},
    optimizer,
    epochs=10,
)
adam_rates = Plan(
    "adam_rates",
    {"learning_rate": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]},
    adam_rate,
    epochs=10,
)
losses = Plan(
    "losses",
    {
        "loss_function": [
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
            "kl_divergence",
        ]
    },
    loss,
    epochs=10,
)
batch_sizes = Plan(
    "batch_sizes", {"batch_size": [16, 32, 64, 128, 256, 512]}, batch_size, epochs=10
)
schedules = Plan(
    "schedules",
    {"schedule": ["constant .001", "constant .01", "one cycle up to .01"]},
    schedule,
    epochs=10,
)

# --- notebook 07: what to train; report A's studies 1, 5, 6, 7, 8 and 9

ONE_CYCLE = {"learning_rate": rates.one_cycle(0.01)}  # what notebook 06 found to be best


def kernel(kernel):
    return models.study_cnn(kernel=kernel), ONE_CYCLE


def pool(pooling):
    return models.study_cnn(pooling=pooling), ONE_CYCLE


def pairs(pairs):
    return models.study_cnn(filters=(32, 64, 128)[:pairs]), ONE_CYCLE


def filters(filters):
    return models.study_cnn(filters=tuple(map(int, filters.split("-")))), ONE_CYCLE


def dense_layers(layers):
    return models.study_cnn(units=(128,) * layers), ONE_CYCLE


def dense_units(units):
    return models.study_cnn(units=(units,)), ONE_CYCLE


kernels = Plan("kernels", {"kernel": [3, 5, 7]}, kernel, epochs=8)
pooling = Plan("pooling", {"pooling": ["max", "average"]}, pool, epochs=8)
conv_pairs = Plan("conv_pairs", {"pairs": [1, 2, 3]}, pairs, epochs=8)
filter_counts = Plan(
    "filter_counts",
    {"filters": ["8-16", "16-32", "32-64", "64-128", "128-256", "256-512"]},
    filters,
    epochs=5,  # the largest network does 55 times the work of the usual one
)
layer_counts = Plan("layer_counts", {"layers": [1, 2, 3, 4]}, dense_layers, epochs=8)
unit_counts = Plan("unit_counts", {"units": [16, 32, 64, 128, 256, 512]}, dense_units, epochs=8)

# --- notebook 08: regularise and augment; report A's studies 10 and 11, and its augmentation


def dropout(dropout):
    return models.study_cnn(batch_norm=True, dropout=dropout), ONE_CYCLE


def normalise(normalise):
    hidden, logits = "hidden" in normalise, "logits" in normalise
    return models.study_cnn(batch_norm=hidden, normalise_logits=logits, dropout=0.2), ONE_CYCLE


def activation(slope):
    return models.study_cnn(slope=slope), ONE_CYCLE


def augmented(augment):
    pipeline = training.augmentation(**AUGMENT) if augment == "yes" else None
    return models.study_cnn(), {"augment": pipeline, "batch_size": 256}


def kind(kind):
    change = {
        "nothing": {},
        "rotation 8°": {"rotation": 8},
        "shift .02": {"shift": 0.02},
        "zoom .08": {"zoom": 0.08},
        "shear .1": {"shear": 0.1},
        "all four": AUGMENT,
        "all four, three times": {name: 3 * amount for name, amount in AUGMENT.items()},
        "horizontal flip": {"flip": "horizontal"},
        "vertical flip": {"flip": "vertical"},
    }[kind]
    augment = training.augmentation(**change) if change else None
    return models.study_cnn(), ONE_CYCLE | {"augment": augment}


dropouts = Plan("dropouts", {"dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}, dropout, epochs=8)
normalisation = Plan(
    "normalisation",
    {"normalise": ["nothing", "hidden layers", "logits", "hidden layers and logits"]},
    normalise,
    epochs=8,
)
activations = Plan(
    "activations", {"slope": [0.0, 0.01, 0.05, 0.08, 0.1, 0.2, 0.3]}, activation, epochs=8
)
augmentation = Plan("augmentation", {"augment": ["no", "yes"]}, augmented, epochs=50)
augmentations = Plan(
    "augmentations",
    {
        "kind": [
            "nothing",
            "rotation 8°",
            "shift .02",
            "zoom .08",
            "shear .1",
            "all four",
            "all four, three times",
            "horizontal flip",
            "vertical flip",
        ]
    },
    kind,
    epochs=12,
)

# --- notebook 09: report A's final network and the course's


def finalist(network):
    if network == "report A's":
        options = {"learning_rate": 0.01, "batch_size": 256}
        return models.report_a_final(), options | {"augment": training.augmentation(**AUGMENT)}
    augment = training.augmentation(rotation=10, shift=0.08, zoom=0.1, shear=0.1, fill="constant")
    return models.digit_cnn(), {"learning_rate": rates.one_cycle(0.004), "augment": augment}


def repaired(network):
    model, options = finalist("report A's")
    return model, options | ONE_CYCLE


finalists = Plan("finalists", {"network": ["report A's", "course's"]}, finalist, epochs=15)
repaired_finalist = Plan(
    "repaired_finalist", {"network": ["report A's, one cycle"]}, repaired, epochs=15
)

# --- notebook 11: report D's three networks on three parts of EMNIST

GENTLE = {"learning_rate": rates.one_cycle(0.003)}
ALL_IMAGES = 1_000_000  # as many as there are


def report_d(network, classes):
    build = {
        "first": partial(models.study_cnn, filters=(32,), units=(512, 128)),
        "second": models.report_d_2,
        "third": partial(models.study_cnn, units=(512,), dropout=0.25),
    }
    return build[network](classes=classes), GENTLE


def fifth_held_out(classes):
    """The recipe of report D's networks, 20 % of the images held out for validation."""

    def recipe(network):
        model, options = report_d(network, classes)
        return model, options | {"fold": (1, 5)}

    return recipe


report_d_letters, report_d_balanced, report_d_bymerge = (
    Plan(
        f"report_d_{name}",
        {"network": ["first", "second", "third"]},
        fifth_held_out(len(data.CLASSES[f"emnist/{name}"])),
        epochs=8,
        images=images,
        data=f"emnist/{name}",
    )
    for name, images in (
        ("letters", ALL_IMAGES),
        ("balanced", ALL_IMAGES),
        ("bymerge", 50_000),  # 40,000 to train on, 10,000 to judge
    )
)


def letters_dropout(dropout):
    return models.study_cnn(units=(512,), dropout=dropout, classes=26), GENTLE


def bymerge_images(images):
    model, options = report_d("third", 47)
    return model, options | {"images": images}


letters_dropouts = Plan(
    "letters_dropouts",
    {"dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]},
    letters_dropout,
    epochs=8,
    data="emnist/letters",
)
bymerge_curve = Plan(
    "bymerge_curve",
    {"images": [5_000, 10_000, 20_000, 40_000, 80_000]},
    bymerge_images,
    epochs=8,
    data="emnist/bymerge",
)

# --- notebook 12: report E's network on 62 classes


def activation_fold(setting, fold):
    settings = {
        "ReLU": {"convolutions": 2, "batch_norm": False},
        "LeakyReLU": {"convolutions": 2, "batch_norm": False, "slope": 0.1},
        "ReLU + BN": {"convolutions": 2},
        "ReLU + BN, 3 convolutions": {"convolutions": 3},
    }
    return models.report_e(**settings[setting]), GENTLE | {"fold": (fold, 6)}


def depth(convolutions):
    return models.report_e(convolutions), GENTLE


def passes(epochs):
    # report E's batches; with 128, two epochs end before the moving averages have settled
    return models.report_e(), GENTLE | {"epochs": epochs, "batch_size": 36}


activation_folds = Plan(
    "activation_folds",
    {
        "setting": ["ReLU", "LeakyReLU", "ReLU + BN", "ReLU + BN, 3 convolutions"],
        "fold": [1, 2, 3, 4, 5, 6],
    },
    activation_fold,
    epochs=8,
    images=24_000,  # 20,000 to train on, 4,000 to judge
    seeds=(1,),  # of each fold
    data="emnist/byclass",
)
depths = Plan(
    "depths",
    {"convolutions": [1, 2, 3, 4]},
    depth,
    epochs=8,
    data="emnist/byclass",
)
epoch_counts = Plan(
    "epoch_counts",
    {"epochs": [2, 5, 10, 20]},
    passes,
    epochs=20,
    data="emnist/byclass",
)

# --- notebooks 11 and 12: finished networks, trained on all images, judged once


def course_emnist(classes):
    """The course's network for EMNIST, shifted by whole pixels in training and in use."""
    options = {
        "learning_rate": rates.one_cycle(0.004),
        "weight_decay": 0.05,
        "augment": training.pixel_shifts(),
        "judged_as": models.shift_averaged,
    }
    return models.digit_cnn(classes), options


def finished(split):
    """The recipe of the networks that are judged on the test images of a split of EMNIST."""
    classes = len(data.CLASSES[f"emnist/{split}"])

    def recipe(network):
        if network == "course's":
            return course_emnist(classes)
        if network == "report E's":
            return models.report_e(classes=classes), {"batch_size": 36, "epochs": 10}
        model, options = report_d(network, classes)
        return model, options | {"epochs": 8}

    return recipe


def emnist_augmentation(augmentation):
    model, options = course_emnist(62)
    gentle = {"rotation": 5, "shift": 0.05, "zoom": 0.05, "shear": 0.05}
    change = {
        "none": None,
        "parts of a pixel": training.augmentation(**gentle, fill="constant"),
        "whole pixels": training.pixel_shifts(),
    }
    return model, options | {"augment": change[augmentation]}


emnist_augmentations = Plan(
    "emnist_augmentations",
    {"augmentation": ["none", "parts of a pixel", "whole pixels"]},
    emnist_augmentation,
    epochs=6,
    images=80_000,
    data="emnist/byclass",
)

REPORT_D = ["first", "second", "third"]
final_letters, final_balanced, final_bymerge, final_byclass = (
    Plan(
        f"final_{name}",
        {"network": [*networks, "course's"]},
        finished(name),
        epochs=epochs,  # of the course's network
        images=ALL_IMAGES,
        seeds=(1,),
        data=f"emnist/{name}",
        final=True,
    )
    for name, epochs, networks in (
        ("letters", 20, REPORT_D),
        ("balanced", 20, [*REPORT_D, "report E's"]),
        ("bymerge", 18, [*REPORT_D, "report E's"]),
        ("byclass", 18, ["report E's"]),
    )
)

# --- notebook 14: members of ensembles, and single networks that learn from an ensemble

HELD_OUT = (1, 20)  # part 1 of 20 of the training images: all choices are made on it
TOGETHER = ("mnist", "emnist/letters", "emnist/balanced", "emnist/bymerge")


def course_options(name):
    """How the course trains for a set of images: notebook 09's digits, notebook 12's characters."""
    wide = {"rotation": 10, "shift": 0.08, "zoom": 0.1, "shear": 0.1, "fill": "constant"}
    digits = name == "mnist"
    return {
        "learning_rate": rates.one_cycle(0.004),
        "weight_decay": 0.05,
        "augment": training.augmentation(**wide) if digits else training.pixel_shifts(),
        "images": ALL_IMAGES,
        "fold": HELD_OUT,
    }


def member_for(name):
    """The recipe of an ensemble's members for a set of images."""

    def recipe(family):
        return families.FAMILIES[family](len(data.CLASSES[name])), course_options(name)

    return recipe


def student_for(name):
    """The recipe of a network that learns the labels, or what the ensemble says instead."""

    def recipe(taught_by):
        options = course_options(name)
        if taught_by == "ensemble":
            options |= {"targets": Taught(MEMBERS[name]), "loss": distillation.Distillation(3.0)}
        return models.digit_cnn(len(data.CLASSES[name])), options

    return recipe


def kept(study, name, factors, recipe, epochs, seeds=(1,)):
    """The plan of a study for a set of images whose networks are kept."""
    return Plan(
        f"{study}_{name.removeprefix('emnist/')}",
        factors,
        recipe,
        epochs=epochs,
        images=ALL_IMAGES,
        seeds=seeds,
        data=name,
        keep=Path(__file__).parent / "networks" / "members",
    )


EACH_FAMILY = {"family": list(families.FAMILIES)}
MEMBERS = {
    name: kept("members", name, EACH_FAMILY, member_for(name), epochs)
    for name, epochs in zip(TOGETHER, (14, 18, 18, 13), strict=True)
}


@dataclass(frozen=True)
class Taught:
    """What the networks that a study kept say together about the images of a split."""

    plan: studies.Plan

    def __call__(self, split):
        folder = Path(__file__).parent / "studies" / "outputs"
        return distillation.taught(studies.kept(self.plan).values(), split.images, folder)

    def get_config(self):
        return {"networks": self.plan.fingerprint}


@dataclass(frozen=True)
class Weights:
    """Gives a network the weights of one that a study kept."""

    plan: studies.Plan
    row: str  # its values, such as "vgg 1"

    def __call__(self, model):
        model.set_weights(studies.kept(self.plan)[self.row].get_weights())
        return model

    def get_config(self):
        return {"networks": self.plan.fingerprint, "row": self.row}


BY_ENSEMBLE = {"taught_by": ["ensemble"]}
STUDENTS = {
    name: kept("students", name, factors, student_for(name), epochs, seeds)
    for name, factors, epochs, seeds in (
        ("mnist", BY_ENSEMBLE, 14, (1,)),
        ("emnist/letters", {"taught_by": ["labels", "ensemble"]}, 16, (1, 2, 3)),
        ("emnist/bymerge", BY_ENSEMBLE, 14, (1,)),
    )
}


@dataclass(frozen=True)
class More:
    """More images: those that other sets have for these classes, but none that judges."""

    name: str
    which: dict

    def __call__(self, split, judge):
        return data.gather(self.name, split, [judge], **self.which)[0]

    def get_config(self):
        return {"set": self.name, **self.which}


def begun(family, plan, name, options):
    """A member that goes on from the weights that a study kept."""
    start = {"start": Weights(plan, f"{family} 1")}
    return families.FAMILIES[family](len(data.CLASSES[name])), options | start


def wider_for(name):
    """The recipe of a member that trains on, with the images of other sets as well."""

    def recipe(family):
        options = course_options(name) | {"more": More(name, {})}
        options["learning_rate"] = rates.one_cycle(0.003)
        return begun(family, MEMBERS[name], name, options)

    return recipe


def wider_student_for(name):
    """The recipe of a network that learns what these members say about all these images."""

    def recipe(taught_by):
        options = course_options(name) | {"more": More(name, {})}
        options["targets"] = Taught(WIDER[name])
        options["loss"] = distillation.Distillation(3.0)
        return models.digit_cnn(len(data.CLASSES[name])), options

    return recipe


WIDER_SETS = ("emnist/letters", "emnist/balanced")
WIDER = {name: kept("wider", name, EACH_FAMILY, wider_for(name), epochs=4) for name in WIDER_SETS}
WIDER_STUDENTS = {
    name: kept("wider_students", name, BY_ENSEMBLE, wider_student_for(name), epochs=9)
    for name in WIDER_SETS
}


def longer(family):
    """The recipe of a member for MNIST that trains on with the same images."""
    options = course_options("mnist") | {"learning_rate": rates.one_cycle(0.003)}
    return begun(family, MEMBERS["mnist"], "mnist", options)


def widest_for(name):
    """The recipe of such a member that trains on again, with test images of other sets as well."""

    def recipe(family):
        options = course_options(name) | {"more": More(name, WIDEST_IMAGES)}
        options["learning_rate"] = rates.one_cycle(0.002)
        return begun(family, WIDER[name], name, options)

    return recipe


WIDEST_IMAGES = {"times": 2.5, "parts": ("train", "test")}
WIDEST = {
    name: kept("widest", name, EACH_FAMILY, widest_for(name), epochs=2) for name in WIDER_SETS
}
LONGER = {"mnist": kept("longer", "mnist", EACH_FAMILY, longer, epochs=8)}

ENSEMBLES = MEMBERS | LONGER | WIDER | {"emnist/balanced": WIDEST["emnist/balanced"]}


def begun_for(name):
    """The recipe of a member that trains on, to say what the whole ensemble says."""

    def recipe(member):
        options = course_options(name) | {"learning_rate": rates.one_cycle(0.001)}
        if name in WIDEST:
            options["more"] = More(name, WIDEST_IMAGES)
        options["targets"] = Taught(ENSEMBLES[name])
        options["loss"] = distillation.Distillation(1.0)
        return begun(member, ENSEMBLES[name], name, options)

    return recipe


BEGUN = {
    name: kept("begun", name, {"member": ["vgg"]}, begun_for(name), epochs)
    for name, epochs in zip(TOGETHER[1:], (4, 4, 3), strict=True)
}

# --- notebook 15: an evolutionary search, a random one, and what they found trained in full


def genome(**genes):
    options = {"learning_rate": rates.one_cycle(0.01), "batch_size": 64}
    return genomes.build(genes), options


genetic_searches, random_searches = (
    [
        Plan(
            f"{sampler}_search_{seed}",
            genomes.GENES,
            genome,
            epochs=3,
            images=6_000,
            seeds=(seed,),
            sampler=sampler,
            trials=50,  # five generations of ten
            cost=structure.multiply_adds,
            prune=None,
        )
        for seed in (1, 2, 3)
    ]
    for sampler in ("genetic", "random")
)

HAND_MADE = {
    "first_cnn": models.first_cnn,
    "smaller study_cnn": partial(models.study_cnn, filters=(8, 16), units=(32,)),
    "study_cnn": models.study_cnn,
    "report_a_final": models.report_a_final,
    "digit_cnn": models.digit_cnn,
}
LIMITS = {"small": 201_184, "large": 2_631_040}  # the work of the two study_cnn above


def picked():
    """The rule: of each search, the most accurate network within each limit, as words."""
    return {
        (plan.name, size): genomes.text(fronts.best_within(studies.load(plan), most))
        for plan in [*genetic_searches, *random_searches]
        for size, most in LIMITS.items()
    }


PICKED = [  # what `picked` says, each once
    "3 2 16 16 0 average True 32 0.0",
    "3 2 16 0 64 average True 32 0.0",
    "3 1 4 8 24 average True 32 0.0",
    "3 1 6 32 48 max True 128 0.2",
    "5 2 8 32 0 max True 128 0.4",
    "3 1 16 16 48 average True 0 0.0",
    "5 2 6 32 0 average True 128 0.2",
    "3 1 16 32 24 max True 128 0.4",
    "5 1 4 8 0 max True 128 0.0",
    "5 1 6 16 32 average True 128 0.2",
    "3 1 4 8 32 max True 0 0.2",
    "3 1 24 32 64 average True 128 0.2",
]


def in_full(network):
    if network in HAND_MADE:
        return HAND_MADE[network](), ONE_CYCLE
    return genomes.build(genomes.read(network)), ONE_CYCLE


evolved = Plan(
    "evolved",
    {"network": [*HAND_MADE, *PICKED]},
    in_full,
    epochs=8,
    cost=structure.multiply_adds,
    prune=None,
)

# --- notebook 16: what each trick of a fast training is worth, how far short trainings go, and how
# small a network may be


@dataclass(frozen=True)
class Patterns:
    """Gives a fast network its first filters, from training images that no plan is judged on."""

    name: str

    def __call__(self, model):
        return fast.begin(model, data.load(self.name).with_validation().train.images)

    def get_config(self):
        return {"first filters of": self.name}


def quick_network(name, filters=(16, 80), patterns=True, **tricks):
    """A fast network, and the option that gives it its first filters."""
    network = fast.fast_cnn(filters, len(data.CLASSES[name]), **tricks)
    return network, {"start": Patterns(name)} if patterns else {}


def cycle(peak):
    return {"learning_rate": rates.one_cycle(peak)}


TRICKS = {  # what is changed in the network, and in the options; rates are the best of those tried
    "nothing: all tricks": ({}, {}),
    "inner pixels: all 28 × 28": ({"frame": 0}, {}),
    "stride: 1": ({"stride": 1}, {}),
    "pooling first: last": ({"pool_first": False}, {}),
    "one normalisation: two": ({"normalise": (1, 2)}, {}),
    "one normalisation: none": ({"normalise": ()}, cycle(0.3)),
    "patterns: random filters": ({"patterns": False}, {}),
    "five readings: one": ({}, {"judged_as": None}),
    "smoothing: labels as they are": ({}, {"loss": "sparse_categorical_crossentropy"}),
    "one cycle: constant rate": ({}, {"learning_rate": 0.1}),
    "momentum: Adam": ({}, {"optimizer": "adam", **cycle(0.03)}),
    "batches of 128: 32": ({}, {"batch_size": 32, **cycle(0.3)}),
    "batches of 128: 512": ({}, {"batch_size": 512}),
}


def without(trick):
    network, options = TRICKS[trick]
    model, start = quick_network("mnist", **network)
    return model, fast.recipe() | {"judged_as": models.shift_averaged} | start | options


fast_tricks = Plan(
    "fast_tricks", {"trick": list(TRICKS)}, without, 1, images=ALL_IMAGES, seeds=(1, 2, 3, 4, 5)
)


def farther(name, epochs):
    """The recipe of a quick network that goes farther: more filters, epochs, shifted images."""

    def recipe(goal):
        model, start = quick_network(name, filters=(64, 128))
        options = fast.recipe(len(data.CLASSES[name])) | {
            **start,
            "epochs": epochs,
            "augment": training.pixel_shifts(),
            "judged_as": models.shift_averaged,
        }
        return model, options

    return recipe


def shorter(goal):
    """Notebook 12's network and options, for fewer epochs than there."""
    return course_emnist(classes=47)


def shorter_letters(goal):
    """The same for Letters."""
    return course_emnist(classes=26)


Goal = partial(Plan, images=ALL_IMAGES, final=True)
fast_mnist = Goal("fast_mnist", {"goal": ["99.4 %"]}, farther("mnist", 4), epochs=4)
fast_letters = Goal(
    "fast_letters",
    {"goal": ["94 %"]},
    farther("emnist/letters", 12),
    epochs=12,
    data="emnist/letters",
)
short_letters = Goal(
    "short_letters", {"goal": ["94 %"]}, shorter_letters, epochs=6, data="emnist/letters"
)
short_balanced = Goal(
    "short_balanced", {"goal": ["88 %"]}, shorter, epochs=6, data="emnist/balanced"
)


def small(network):
    return fast.smallest_cnn(), cycle(0.02) | {"judged_as": models.shift_averaged}


smallest = Plan(
    "smallest", {"network": ["smallest_cnn"]}, small, epochs=15, images=ALL_IMAGES, final=True
)

ALL = [
    dense_grid,
    *dense_searches,
    remedies,
    learning_curve,
    optimizers,
    adam_rates,
    losses,
    batch_sizes,
    schedules,
    kernels,
    pooling,
    conv_pairs,
    filter_counts,
    layer_counts,
    unit_counts,
    dropouts,
    normalisation,
    activations,
    augmentation,
    augmentations,
    finalists,
    repaired_finalist,
    report_d_letters,
    report_d_balanced,
    report_d_bymerge,
    letters_dropouts,
    bymerge_curve,
    activation_folds,
    depths,
    epoch_counts,
    emnist_augmentations,
    final_letters,
    final_balanced,
    final_bymerge,
    final_byclass,
    *MEMBERS.values(),
    *STUDENTS.values(),
    *LONGER.values(),
    *WIDER.values(),
    *WIDEST.values(),
    *WIDER_STUDENTS.values(),
    *BEGUN.values(),
    *genetic_searches,
    *random_searches,
    evolved,
    fast_tricks,
    fast_mnist,
    fast_letters,
    short_letters,
    short_balanced,
    smallest,
]

if __name__ == "__main__":
    studies.command(ALL)

"""Notebook 16: report D's three networks on three parts of EMNIST; finished networks."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from helpers import data, models
from helpers.recipes import fonts
from helpers.recipes.augmentation import pixel_shifts, shift_averaged
from helpers.recipes.schedules import one_cycle
from plans.common import ALL_IMAGES, GENTLE, NOTEBOOKS, Plan

LATIN = "-latin-400-normal.woff"


def report_d(network, classes):
    """One of report D's three networks."""
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
    """Report D's third network on Letters, with a share of the outputs dropped."""
    return models.study_cnn(units=(512,), dropout=dropout, classes=26), GENTLE


def bymerge_images(images):
    """Report D's third network on so many images of ByMerge."""
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

# --- finished networks, trained on all images, judged once; notebook 18 reads two of them


def course_emnist(classes):
    """The course's network for EMNIST, shifted by whole pixels in training and in use."""
    options = {
        "learning_rate": one_cycle(0.004),
        "weight_decay": 0.05,
        "augment": pixel_shifts(),
        "judged_as": shift_averaged,
    }
    return models.digit_cnn(classes), options


def font_packages(folder):
    """The name of each package of a font that a folder's package.json lists → its version."""
    return json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]


def font_files(folder):
    """The files of these fonts, where `npm ci` puts them."""
    modules = folder / "node_modules"
    names = font_packages(folder)
    files = [modules / name / "files" / f"{Path(name).name}{LATIN}" for name in names]
    if missing := [file for file in files if not file.is_file()]:
        raise FileNotFoundError(
            f"expected {len(files)} fonts, found none at {missing[0]} and {len(missing)} such "
            f"places. Install them: npm ci --prefix {folder}"
        )
    return files


@dataclass(frozen=True)
class Fonts:
    """Characters in 109 handwriting fonts, among the images to train on.

    The fonts are npm packages under free licences: `npm ci --prefix notebooks/plans/fonts`.
    """

    name: str  # of the data set whose classes they get
    copies: int = 4
    folder = NOTEBOOKS / "plans" / "fonts"

    def __call__(self, split, validation):
        files = font_files(self.folder)
        return fonts.joined(split, fonts.render(files, data.CLASSES[self.name], self.copies))

    def get_config(self):
        return {"fonts": self.packages, "copies": self.copies}

    @property
    def packages(self):
        """The name of each font's package → its version."""
        return font_packages(self.folder)


def finished(split):
    """The recipe of the networks that are judged on the test images of a split of EMNIST."""
    classes = len(data.CLASSES[f"emnist/{split}"])

    def recipe(network):
        if network == "course's":
            return course_emnist(classes)
        if network == "course's, with fonts":
            model, options = course_emnist(classes)
            return model, options | {"more": Fonts(f"emnist/{split}"), "epochs": 15}
        if network == "report E's":
            return models.report_e(classes=classes), {"batch_size": 36, "epochs": 10}
        model, options = report_d(network, classes)
        return model, options | {"epochs": 8}

    return recipe


REPORT_D = ["first", "second", "third"]
final_letters, final_balanced, final_bymerge, final_byclass = (
    Plan(
        f"final_{name}",
        {"network": [*networks, "course's", *with_fonts]},
        finished(name),
        epochs=epochs,  # of the course's network
        images=ALL_IMAGES,
        seeds=(1,),
        data=f"emnist/{name}",
        final=True,
    )
    for name, epochs, networks, with_fonts in (
        ("letters", 20, REPORT_D, []),
        ("balanced", 20, [*REPORT_D, "report E's"], ["course's, with fonts"]),
        ("bymerge", 18, [*REPORT_D, "report E's"], []),
        ("byclass", 18, ["report E's"], ["course's, with fonts"]),
    )
)

"""Augmentation changes training images within its limits, and no others."""

from helpers import data, models, training
from helpers.internals import fitting
from helpers.recipes import augmentation

import keras
import numpy as np
import pytest


def noise(count):
    """Images of random pixels."""
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def bars(count=300):
    """Upright white bars, 4 wide and 20 high, a little right of the middle."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 4:24, 14:18] = 255
    return images


def augmented(images, **settings):
    return np.array(augmentation.random_affine(**settings)(images, training=True))


@pytest.mark.parametrize(
    "settings",
    [
        {"rotation": 20},
        {"shift": 0.1},
        {"zoom": 0.2},
        {"shear": 0.2},
        {"flip": "horizontal"},
        {"rotation": 8, "shift": 0.1, "zoom": 0.1, "shear": 0.1, "flip": "vertical"},
    ],
    ids=" ".join,
)
def test_augmentation_changes_images_in_training_only_and_anew_each_time(settings):
    layer, images = augmentation.random_affine(**settings), noise(32)
    assert np.array_equal(layer(images, training=False), images)
    first, second = (np.array(layer(images, training=True)) for _ in range(2))
    assert first.shape == images.shape and first.dtype == np.float32
    assert first.min() >= 0 and first.max() <= 255 + 1e-3
    changed = [(a != b).any(axis=(1, 2)).mean() for a, b in [(first, images), (first, second)]]
    assert min(changed) > 0.2  # a flip leaves every other image as it is


def test_without_settings_augmentation_changes_nothing():
    images = noise(8)
    assert np.array_equal(augmented(images), images)


@pytest.mark.parametrize("flip, axis", [("horizontal", 2), ("vertical", 1)])
def test_a_flip_mirrors_some_images_and_leaves_the_others(flip, axis):
    images = noise(64)
    found = augmented(images, flip=flip)
    mirrored = (found == np.flip(images, axis)).all(axis=(1, 2))
    same = (found == images).all(axis=(1, 2))
    assert (mirrored ^ same).all() and 10 < mirrored.sum() < 54


def middle(rows):
    """Where the ink of each row of pixels lies on average: (…, 28) → (…)."""
    return (rows * np.arange(28)).sum(axis=-1) / rows.sum(axis=-1)


def slant(images):
    return (middle(images[:, 18]) - middle(images[:, 9])) / 9


def across(images):
    return middle(images.sum(axis=1)) - middle(bars(1)[0].sum(axis=0))


def down(images):
    return middle(images.sum(axis=2)) - middle(bars(1)[0].sum(axis=1))


def growth(images):
    return (images.sum(axis=(1, 2)) / bars(1).sum()) ** 0.5 - 1


@pytest.mark.parametrize(
    "settings, measure, limit",
    [
        ({"rotation": 10}, slant, np.tan(np.radians(10))),
        ({"shear": 0.2}, slant, 0.2),
        ({"shift": 0.1}, across, 2.8),
        ({"shift": 0.1}, down, 2.8),
        ({"zoom": 0.1}, growth, 0.1),
    ],
    ids=["rotation", "shear", "shift across", "shift down", "zoom"],
)
def test_augmentation_goes_both_ways_up_to_its_limit(settings, measure, limit):
    found = measure(augmented(bars(), **settings, fill="constant"))
    for furthest in (found.max(), -found.min()):
        assert (
            0.75 * limit < furthest < 1.15 * limit
        )  # 1 / (1 - zoom) is a little more than 1 + zoom


@pytest.mark.parametrize(
    "effect", [{"rotation": 20}, {"shift": 0.2}, {"zoom": 0.2}, {"shear": 0.2}]
)
def test_what_comes_in_from_outside_is_the_nearest_pixel_or_black(effect):
    white = np.full((32, 28, 28), 255, np.uint8)
    assert augmented(white, **effect).min() > 254
    assert (augmented(white, **effect, fill="constant").min(axis=(1, 2)) < 1).mean() > 0.2


@pytest.mark.parametrize("settings", [{"flip": "diagonal"}, {"shift": 0.1, "fill": "white"}])
def test_an_augmentation_that_there_is_not_is_explained(settings):
    with pytest.raises(ValueError, match=r"expected fill .* and flip .* found .*(diagonal|white)"):
        augmentation.random_affine(**settings)


def test_elastic_moves_pixels_as_far_as_asked_and_neighbours_together():
    keras.utils.set_random_seed(1)
    ramp = np.tile(np.arange(28, dtype=np.float32), (400, 28, 1))  # brightness tells the column
    moved = np.array(augmentation.elastic(0.8, 4.0)(ramp, training=True)) - ramp
    inner = moved[:, 6:22, 6:22]  # nothing comes in from outside there
    assert abs(inner.std() - 0.8) < 0.08 and abs(inner.mean()) < 0.05
    step = np.diff(inner, axis=1).std()  # of a Gaussian's smoothing: strength / smoothness / √2
    assert abs(step - 0.8 / 4 / 2**0.5) < 0.03
    stiffer = np.array(augmentation.elastic(0.8, 8.0)(ramp, training=True)) - ramp
    assert np.diff(stiffer[:, 6:22, 6:22], axis=1).std() < 0.6 * step


def test_elastic_bends_every_image_another_way_in_training_only_and_black_comes_in():
    layer, images = augmentation.elastic(1.5, 3.0), bars(32)
    assert np.array_equal(layer(images, training=False), images)
    first, second = (np.array(layer(images, training=True)) for _ in range(2))
    assert len({one.tobytes() for one in first}) == 32 and not np.array_equal(first, second)
    assert first.min() >= 0 and first.max() <= 255 + 1e-3
    white = np.full((32, 28, 28), 255, np.uint8)
    assert (np.array(layer(white, training=True)).min(axis=(1, 2)) < 1).mean() > 0.5


def test_elastic_repeats_itself_with_the_seed_of_a_training():
    layer = augmentation.elastic()
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        fitting.reseed(layer)
        found.append(np.array(layer(bars(4), training=True)))
    assert np.array_equal(*found)


@pytest.mark.parametrize(
    "augment", [augmentation.elastic, augmentation.erased_patches, augmentation.pixel_shifts]
)
def test_a_network_is_trained_with_it_in_batches_of_any_size(augment):
    split = data.Split(bars(20), np.arange(20) % 10)
    options = {"epochs": 1, "batch_size": 8, "verbose": False}  # the last batch has four
    run = training.fit(models.dense_ann((4,)), split, augment=augment(), **options)
    assert np.isfinite(run.loss[0])


@pytest.mark.parametrize("settings", [(0, 4), (1, 0), (-1, 4)])
def test_elastic_says_what_it_takes(settings):
    with pytest.raises(ValueError, match="above 0, in pixels"):
        augmentation.elastic(*settings)


def test_erased_patches_blacken_a_patch_up_to_the_size_and_nothing_else():
    white = np.full((300, 28, 28), 255, np.uint8)
    layer = augmentation.erased_patches(6)
    assert np.array_equal(layer(white, training=False), white)
    black = np.array(layer(white, training=True)) == 0
    heights, widths = black.any(axis=2).sum(axis=1), black.any(axis=1).sum(axis=1)
    assert np.array_equal(black.sum(axis=(1, 2)), heights * widths)  # a rectangle each
    assert 1 <= heights.min() < 3 and heights.max() in (5, 6)
    assert widths.max() in (5, 6) and len(set(heights)) > 3
    with pytest.raises(ValueError, match="whole pixels"):
        augmentation.erased_patches(0)


@pytest.mark.parametrize("pixels", [1, 2])
def test_pixel_shifts_move_images_by_whole_pixels_all_equally_often(pixels):
    images, side = noise(1000), 2 * pixels + 1
    found = np.array(augmentation.pixel_shifts(pixels)(images, training=True))
    framed = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels)))
    same = [
        (found == framed[:, y : y + 28, x : x + 28]).all(axis=(1, 2)).sum()
        for y in range(side)
        for x in range(side)
    ]
    assert sum(same) == len(images)
    assert min(same) > len(images) / side**2 / 3


def test_pixel_shifts_leave_images_alone_outside_training():
    assert np.array_equal(augmentation.pixel_shifts()(noise(8), training=False), noise(8))


@pytest.mark.parametrize("pixels", [0, 28, 0.5, "1"])
def test_pixel_shifts_say_which_numbers_they_take(pixels):
    with pytest.raises(ValueError, match="whole pixels"):
        augmentation.pixel_shifts(pixels)


def test_a_shift_averaged_model_reads_five_copies_with_one_set_of_weights(tmp_path):
    model = models.dense_ann((16,))
    averaged = augmentation.shift_averaged(model)
    assert averaged.count_params() == model.count_params()
    image = np.zeros((3, 28, 28), "uint8")
    image[:, 4:24, 4:24] = np.random.default_rng(0).integers(0, 256, (3, 20, 20))
    shifts = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    each = [model.predict(np.roll(image, shift, axis=(1, 2)), verbose=0) for shift in shifts]
    read = averaged.predict(image, verbose=0)
    np.testing.assert_allclose(read, np.mean(each, axis=0), atol=1e-6)
    averaged.save(tmp_path / "averaged.keras")
    loaded = keras.saving.load_model(tmp_path / "averaged.keras")
    np.testing.assert_array_equal(loaded.predict(image, verbose=0), read)
    model.set_weights([0 * weight for weight in model.get_weights()])
    np.testing.assert_allclose(averaged.predict(image, verbose=0), 0.1, atol=1e-6)


def test_what_is_shifted_out_is_gone_and_black_comes_in():
    image = np.zeros((1, 28, 28), "uint8")
    image[0, 0, 0] = 200  # in the corner: two of four shifts lose it
    inputs = keras.Input((28, 28))
    total = keras.Model(inputs, keras.ops.sum(inputs, axis=(1, 2)))
    assert augmentation.shift_averaged(total).predict(image, verbose=0) == pytest.approx(
        200 * 3 / 5
    )

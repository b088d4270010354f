"""A keras network by what it computes and how it learns, however it is written.

Runs beside the student's answer in the sandbox, and beside the reference outside of it.
"""

import numpy as np


def facts(model):
    """What can be said without running it: parameters, trained ones, shapes, layers."""
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    return {
        "parameters": int(model.count_params()),
        "trained": trained,
        "shapes": [list(model.input_shape), list(model.output_shape)],
        "layers": [type(layer).__name__ for layer in model.layers],
    }


def outputs(model, seed, images):
    """What it says to images, with weights drawn from a seed."""
    _draw(model, seed)
    return np.asarray(model(np.array(images), training=False))


def lesson(model, seed, images, labels):
    """One step of plain gradient descent on cross-entropy, from weights drawn from a seed.

    Returns: of each trained weight the length of its step, and how far it goes along the weight
    itself; or None where training is left to chance, as with dropout.
    """
    import keras

    images, labels = np.array(images), np.array(labels)
    _draw(model, seed)
    twice = [np.asarray(model(images, training=True)) for _ in range(2)]
    if not np.allclose(*twice, atol=1e-5, equal_nan=True):
        return None
    _draw(model, seed)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(images, labels)
    after = [np.array(weight) for weight in model.trainable_weights]
    steps = [(old - new, old) for old, new in zip(before, after, strict=True)]
    return [(float(np.linalg.norm(step)), float((step * old).sum())) for step, old in steps]


def _draw(model, seed):
    """Give it weights that depend on the seed and on their shapes alone: large, so that nothing
    stays hidden in the outputs, and vectors above 0, as a variance must be.

    With seed 2 sums are larger inside, for what bends far from 0, and smaller in the last layer.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        is_last = shape[-1:] == model.output_shape[-1:]
        size = 3 if seed == 1 else 1 / 3 if is_last else 9
        spread = size / np.sqrt(max(1, np.prod(shape[:-1])))
        drawn = rng.normal(0, spread, shape) if len(shape) > 1 else rng.uniform(0.1, 0.9, shape)
        weight.assign(np.asarray(drawn, "float32"))


class Here:
    """A network in this process, asked as one in the sandbox is (judge.Model)."""

    def __init__(self, model):
        self.model = model
        self.facts = facts(model)

    def outputs(self, seed, images):
        """As the function above."""
        return outputs(self.model, seed, images)

    def lesson(self, seed, images, labels):
        """As the function above."""
        return lesson(self.model, seed, images, labels)

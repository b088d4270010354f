"""What a model is made of: in words and links, for `plots.architecture` to draw; its work."""

import json
import math
import re

import keras


def describe(layer):
    """Two texts on a layer: its kind with the settings worth a look; its name, shape, parameters.

    layer: a layer of a built keras.Model. Returns (kind, rest), both str. Taught in notebook 02.
    """
    config = layer.get_config()
    sizes = config.get("kernel_size") or config.get("pool_size") or ()
    details = [" × ".join(map(str, sizes)), config.get("rate", ""), config.get("activation", "")]
    kind = [type(layer).__name__, *(str(d) for d in details if d not in ("", "linear"))]
    shape = " × ".join(map(str, layer.output.shape[1:]))
    return ", ".join(kind), f"{layer.name} → {shape}\n{layer.count_params():,} parameters"


def links(model):
    """Which layer feeds which: pairs (source, target) of positions in model.layers.

    model: a built keras.Model, functional or Sequential. Taught in notebook 02.
    """
    number = {layer.name: index for index, layer in enumerate(model.layers)}
    for record in json.loads(model.to_json())["config"]["layers"]:
        target = number.get(record["config"]["name"], 0)
        nodes = json.dumps(record.get("inbound_nodes", []))
        for name in re.findall(r'"keras_history": \["(.+?)"', nodes):
            yield number[name], target
        if "inbound_nodes" not in record and target > 0:  # in a Sequential, one after another
            yield target - 1, target


def multiply_adds(model):
    """How many multiplications, each with its addition, one image costs in the forward pass.

    Counts convolutions and dense layers, where nearly all of the work is.

    model: a layer or a model, built. Returns: int. Taught in notebook 07.
    """
    if isinstance(model, keras.Model):
        return sum(multiply_adds(layer) for layer in model.layers)
    if not isinstance(model, keras.layers.Conv2D | keras.layers.Dense):
        return 0
    places = math.prod(model.output.shape[1:-1])  # a dense layer has one place
    return places * math.prod(model.kernel.shape)

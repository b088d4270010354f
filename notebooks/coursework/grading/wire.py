"""What may cross between a student's process and the grader: plain data, never objects or code.

Both ends read and write it. Whoever unpacks trusts nothing: a message is JSON, an array is bare
bytes with a numeric type and a shape that fit, everything else is refused.
"""

import base64
import json
import math
import re
from collections.abc import Set, ValuesView

import numpy as np

LARGEST = 16 * 2**20  # bytes of one message; as Python objects it may be twenty times as many
EMPTIEST = 10_000  # the longest side of an array without elements: others would loop for ever


class Unsendable(Exception):
    """A value that is not plain data."""


def pack(value, describe=None):
    """Turn a value into bytes.

    Arguments: value: None, bool, number, str, list, tuple, dict, or anything NumPy can read as an
        array of numbers; what else holds such values in a row becomes a list. describe: function
        from any other object to plain data, or to None.
    Returns: bytes. Raises: Unsendable for anything else, and for more than 16 MB.
    """
    try:
        packed = json.dumps(_encode(value, describe or (lambda other: None))).encode()
    except (ValueError, RecursionError) as error:
        raise Unsendable(f"it cannot be written as plain data ({error})") from error
    if len(packed) > LARGEST:
        raise Unsendable(f"it takes {len(packed) / 2**20:.0f} MB, and 16 MB are allowed")
    return packed


def _encode(value, describe):
    """The value in JSON's types; what JSON lacks becomes a dictionary with one key."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Set | ValuesView | range):
        value = list(value)
    if isinstance(value, list | tuple):
        items = [_encode(item, describe) for item in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, dict):
        return {"dict": [[_encode(part, describe) for part in pair] for pair in value.items()]}
    if isinstance(value, np.generic):
        return _encode(value.item(), describe) if value.dtype.kind in "biufU" else _refuse(value)
    if (described := describe(value)) is not None:
        return {"model": _encode(described, describe)}
    if not (hasattr(value, "__array__") or hasattr(value, "__array_interface__")):
        _refuse(value)
    array = np.ascontiguousarray(value).reshape(np.shape(value))
    if array.dtype.kind in "UO":  # texts, or lists of different lengths
        return _encode(array.tolist(), describe)
    if array.dtype.kind not in "biuf":
        _refuse(value)
    data = base64.b64encode(array.tobytes()).decode()
    return {"array": [array.dtype.str, list(array.shape), data]}


def _refuse(value):
    kind = type(value).__name__
    raise Unsendable(f"a {kind} is not plain data: return numbers, texts, lists or arrays")


def unpack(packed, model=None):
    """The value behind bytes that `pack` wrote, or that somebody made to look so.

    Arguments: packed: bytes. model: what to make of a described object; None refuses it.
    Returns: the value. Raises: ValueError where the bytes are anything but plain data.
    """
    decode = {
        "tuple": tuple,
        "dict": dict,
        "array": lambda parts: _array(*parts),
        "model": model,
    }

    def hook(pairs):
        ((kind, content),) = pairs
        return decode[kind](content)

    try:
        return json.loads(packed, object_pairs_hook=hook)
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise ValueError(f"expected plain data, found something else ({error})") from error


def _array(dtype, shape, data):
    if not re.fullmatch(r"[<|>][biuf][1248]", dtype):
        raise ValueError(f"the type {dtype!r}")
    content = base64.b64decode(data, validate=True)
    longest = LARGEST if content else EMPTIEST
    sizes_fit = all(type(size) is int and 0 <= size <= longest for size in shape)
    if not sizes_fit or math.prod(shape) * np.dtype(dtype).itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for the shape {shape}")
    return np.frombuffer(content, dtype).reshape(shape).copy()  # whoever gets it may change it

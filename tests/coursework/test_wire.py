"""Between a student's process and the grader only plain data crosses."""

import json

import numpy as np
import pytest
import wire
from PIL import Image

PLAIN = [
    None,
    True,
    3,
    -2.5,
    "é\n",
    [1, [2, "a"]],
    (1, (2, [3])),
    {"a": 1, 2: (3,), "tuple": [4]},
    {},
    [],
    (),
]


@pytest.mark.parametrize("value", PLAIN, ids=str)
def test_plain_data_arrives_as_it_was(value):
    found = wire.unpack(wire.pack(value))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", ">i4", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
def test_arrays_arrive_with_type_and_shape(dtype, shape):
    value = np.arange(24)[: int(np.prod(shape))].reshape(shape).astype(dtype)
    found = wire.unpack(wire.pack(value))
    assert found.dtype == value.dtype and found.shape == shape and np.array_equal(found, value)
    assert found.flags.writeable


def test_an_array_in_another_order_of_memory_arrives_as_it_looks():
    value = np.arange(6).reshape(2, 3).T
    assert np.array_equal(wire.unpack(wire.pack(value)), value)


def test_numbers_and_texts_of_numpy_become_those_of_python():
    numbers = [np.float32(0.5), np.int64(3), np.bool_(True)]
    assert wire.unpack(wire.pack(numbers)) == [0.5, 3, True]
    (text,) = wire.unpack(wire.pack([np.array(["Oo"])[0]]))
    assert text == "Oo" and type(text) is str
    assert np.isnan(wire.unpack(wire.pack(float("nan"))))


IN_A_ROW = [
    (range(1, 4), [1, 2, 3]),
    ({2}, [2]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    (np.array(["a", "b"]), ["a", "b"]),
    (np.array([[1, 2], ["a"]], dtype=object), [[1, 2], ["a"]]),
]


@pytest.mark.parametrize(("value", "expected"), IN_A_ROW, ids=str)
def test_what_else_holds_values_in_a_row_arrives_as_a_list(value, expected):
    assert wire.unpack(wire.pack([value])) == [expected]


def test_a_picture_arrives_as_an_array():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(wire.unpack(wire.pack(Image.fromarray(pixels))), pixels)


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


class Cheat(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


UNSENDABLE = {
    "object": object(),
    "function": print,
    "complex": 1j,
    "array of objects": np.array([object()]),
    "a number with opinions": Cheat(3),
    "too large": "x" * (wire.LARGEST + 1),
    "deep": nested(),
}


@pytest.mark.parametrize("value", UNSENDABLE.values(), ids=UNSENDABLE)
def test_everything_else_is_refused_with_a_reason(value):
    with pytest.raises(wire.Unsendable, match=r"plain data|allowed"):
        wire.pack(value)


def array(dtype="<i8", shape=(1,), data="AAAAAAAAAAA="):
    return {"array": [dtype, list(shape), data]}


FORGED = {
    "no JSON": b"\x80\x04K\x03.",
    "unknown kind": json.dumps({"code": "1"}).encode(),
    "two kinds": json.dumps({"tuple": [], "dict": []}).encode(),
    "objects": json.dumps(array(dtype="|O8")).encode(),
    "type with fields": json.dumps(array(dtype="i8,i8")).encode(),
    "too few bytes": json.dumps(array(shape=(2,))).encode(),
    "negative shape": json.dumps(array(shape=(-1, -1))).encode(),
    "endless and empty": json.dumps(array(shape=(10**12, 0), data="")).encode(),
    "shape of texts": json.dumps({"array": ["<i8", ["1"], "AAAAAAAAAAA="]}).encode(),
    "no base64": json.dumps(array(data="?")).encode(),
    "a model where none is expected": json.dumps({"model": {"dict": []}}).encode(),
    "unhashable key": json.dumps({"dict": [[[], 1]]}).encode(),
    "deep": b"[" * 1_000_000,
    "endless number": b"9" * 10_000,
}


@pytest.mark.parametrize("packed", FORGED.values(), ids=FORGED)
def test_forged_bytes_are_refused(packed):
    with pytest.raises(ValueError, match="expected plain data"):
        wire.unpack(packed)

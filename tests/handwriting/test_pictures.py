"""Pictures: every common file, image and array opens alike; everything else says why not."""

import io
import zlib

from helpers.handwriting import pictures

import numpy as np
import pytest
import written
from PIL import Image

SEEN = written.picture("R", sheet=(120, 90), size=50)  # brightness, dark on light
GREY = Image.fromarray(np.round(SEEN * 255).astype(np.uint8))


def opened(image):
    """The brightness of a picture as the room sees it."""
    return pictures.brightness(pictures.load(image)[0])


def bytes_of(scale, dtype):
    return (SEEN * scale).astype(dtype)


def drawn_on_nothing(colour):
    """Strokes of one colour on a transparent sheet."""
    alpha = Image.fromarray((255 * (SEEN < 0.5)).astype(np.uint8))
    sheet = Image.new("RGBA", GREY.size, (*colour, 255))
    sheet.putalpha(alpha)
    return sheet


def same(found, tolerance=0.03):
    """Is this the picture R, up to the scale of brightness?"""
    if found.shape != SEEN.shape:
        return False
    (low, high), (dark, light) = (np.percentile(one, (1, 99)) for one in (found, SEEN))
    scaled = np.clip((found - low) / (high - low), 0, 1)
    return np.abs(scaled - (SEEN - dark) / (light - dark)).mean() < tolerance


ALIKE = {
    "L": GREY,
    "RGB": GREY.convert("RGB"),
    "RGBA": GREY.convert("RGBA"),
    "LA": GREY.convert("LA"),
    "P": GREY.convert("P"),
    "P of colours": GREY.convert("RGB").quantize(16),
    "CMYK": GREY.convert("CMYK"),
    "YCbCr": GREY.convert("RGB").convert("YCbCr"),
    "HSV": GREY.convert("RGB").convert("HSV"),
    "1": GREY.convert("1", dither=Image.Dither.NONE),
    "I;16": Image.fromarray(bytes_of(60_000, np.uint16)),
    "I": Image.fromarray(bytes_of(60_000, np.int32)),
    "F": Image.fromarray(SEEN),
    "uint8": bytes_of(255, np.uint8),
    "uint16, 12 bits": bytes_of(4095, np.uint16),
    "int64": bytes_of(10**12, np.int64),
    "float64": SEEN.astype(float),
    "float, report A's scale": SEEN - 0.5,
    "float, huge": SEEN.astype(float) * 1e300,
    "bool": SEEN > 0.5,
    "one channel": SEEN[:, :, None],
    "grey and opacity": np.dstack([bytes_of(255, np.uint8), np.full_like(SEEN, 255, np.uint8)]),
    "float colours": np.repeat(SEEN[:, :, None], 3, axis=2),
    "uint16 colours": np.repeat(bytes_of(65_535, np.uint16)[:, :, None], 3, axis=2),
    "black on nothing": drawn_on_nothing((0, 0, 0)),
    "red on nothing": drawn_on_nothing((90, 0, 0)),
}


@pytest.mark.parametrize("kind", ALIKE)
def test_every_kind_of_image_and_array_shows_the_same(kind):
    assert same(opened(ALIKE[kind]))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.gif", "a.tif", "a.ppm"])
def test_every_common_kind_of_file_shows_the_same(tmp_path, name):
    GREY.convert("RGB").save(tmp_path / name)
    assert same(opened(tmp_path / name))
    assert same(opened(str(tmp_path / name)))


def test_a_png_of_16_bits_keeps_faint_pencil(tmp_path):
    faint = (40_000 + 300 * SEEN).astype(np.uint16)
    Image.fromarray(faint).save(tmp_path / "a.png")
    assert same(opened(tmp_path / "a.png"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_its_camera_noted(tmp_path, orientation):
    lying = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = GREY.transpose(lying[orientation]) if orientation > 1 else GREY
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert same(opened(tmp_path / "a.jpg"))
    with Image.open(tmp_path / "a.jpg") as image:
        assert same(opened(image))


@pytest.mark.parametrize("values, expected", [
    ((-0.5, 0.5), (0, 1)),
    ((-3, 0), (0, 1)),
    ((2, 4), (0.5, 1)),
])  # fmt: skip
def test_zero_or_what_is_below_it_is_black_and_the_brightest_white(values, expected):
    array = np.full((10, 12), values[0], float)
    array[:, 6:] = values[1]
    seen = opened(array)
    assert seen[0, 0] == pytest.approx(expected[0]) and seen[0, -1] == pytest.approx(expected[1])


def test_white_on_nothing_is_seen_on_black():
    assert same(1 - opened(drawn_on_nothing((255, 255, 255))))


def test_transparent_corners_of_a_photograph_become_paper():
    photograph = GREY.convert("RGBA")
    photograph.paste((0, 0, 0, 0), (0, 0, 30, 30))
    seen = opened(photograph)
    assert abs(seen[:30, :30].mean() - np.median(seen)) < 0.02


def test_ink_of_another_colour_but_equal_lightness_is_seen():
    colours = np.where(SEEN[:, :, None] < 0.5, (180, 60, 60), (60, 119, 60)).astype(np.uint8)
    assert np.ptp(np.asarray(Image.fromarray(colours).convert("L"))) < 8
    seen = opened(colours)
    assert np.ptp(seen) > 0.2
    assert same(seen) or same(1 - seen)


def test_the_array_that_was_passed_stays_as_it_was():
    array = SEEN - 0.5
    before = array.copy()
    pictures.load(array)
    assert np.array_equal(array, before)


def test_large_pictures_are_reduced_and_say_by_how_much(tmp_path):
    Image.new("L", (6000, 3000), 200).save(tmp_path / "a.jpg")
    for image in (
        tmp_path / "a.jpg",
        Image.new("L", (6000, 3000)),
        np.ones((3000, 6000), np.uint8),
    ):
        picture, scale = pictures.load(image)
        assert picture.size == (pictures.SIDE, pictures.SIDE // 2) and scale == 3


def test_a_part_of_a_picture_is_seen_at_its_own_size():
    picture, _ = pictures.load(GREY)
    part = pictures.brightness(picture, box=(20, 10, 80, 50), side=30)
    assert part.shape == (20, 30)
    assert np.allclose(part.mean(), SEEN[10:50, 20:80].mean(), atol=0.01)


def png_announcing(width, height):
    """A PNG file of a few bytes whose header announces this size."""
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("side", [9_000, 30_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png_announcing(side, side))
    with pytest.raises(pictures.TooLarge, match="Expected at most 64,000,000 pixels"):
        pictures.load(tmp_path / "a.png")


def refused():
    """Name → (what is passed, the error, a part of its message)."""
    half = io.BytesIO()
    GREY.save(half, "PNG")
    return {
        "text": (b"hello", pictures.NotAPicture, "a.bin"),
        "empty": (b"", pictures.NotAPicture, "a.bin"),
        "half a PNG": (half.getvalue()[: len(half.getvalue()) // 2], pictures.NotAPicture, "a.bin"),
        "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n", pictures.NotAPicture, "Save it again as PNG"),
        "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1", pictures.NotAPicture, "HEIC.*as JPEG"),
        "HEIF": (b"\0\0\0\x18ftypmif1\0\0\0\0heic", pictures.NotAPicture, "HEIC.*as JPEG"),
        "PDF": (b"%PDF-1.7\n%\xe2\xe3", pictures.NotAPicture, "PDF document. Save .* as PNG"),
        "three dimensions": (np.ones((10, 28, 28)), pictures.NotAPicture, r"\(10, 28, 28\)"),
        "text array": (np.array([["a"]]), pictures.NotAPicture, "array"),
        "complex": (np.ones((9, 9), complex), pictures.NotAPicture, "complex128"),
        "nan": (np.full((9, 9), np.nan), pictures.NotAPicture, "nan"),
        "number": (3, pictures.NotAPicture, "found int"),
        "none": (None, pictures.NotAPicture, "NoneType"),
        "small array": (np.ones((7, 7)), pictures.TooSmall, "7 × 7"),
        "small image": (Image.new("L", (3, 2)), pictures.TooSmall, "3 × 2"),
        "no pixels": (np.ones((0, 20)), pictures.NotAPicture, "none"),
        "large": (np.broadcast_to(np.uint8(1), (9000, 9000)), pictures.TooLarge, "9,000 × 9,000"),
        "transparent": (Image.new("RGBA", (20, 20)), pictures.NoInk, "transparent"),
    }


@pytest.mark.parametrize("name", refused())
def test_what_is_no_picture_gets_its_own_error(tmp_path, name):
    image, error, message = refused()[name]
    if isinstance(image, bytes):
        (tmp_path / "a.bin").write_bytes(image)
        image = tmp_path / "a.bin"
    with pytest.raises(error, match=message) as raised:
        pictures.load(image)
    assert isinstance(raised.value, pictures.Unreadable)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(pictures.NotAPicture, match="found no file"):
            pictures.load(path)

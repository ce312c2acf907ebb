from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dlkit.data.inputs.read import read_inputs
from dlkit.errors import DlkitError
from dlkit.recipe.facts import Feature

GRAY = {"image": Feature("image", (28, 28, 1), "uint8")}
COLOR = {"image": Feature("image", (16, 12, 3), "uint8")}
DIGITS = {"image": Feature("image", (8, 8, 1), "uint8", maximum=16)}
TABLE = {"table": Feature("vector", (2,), "float32", columns=("length", "width"))}
TEXT = {"text": Feature("text", (), "string")}
MIXED = {**TABLE, "age": Feature("number", (), "int32")}


def picture(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def failure(paths: list[Path], features: dict[str, Feature]) -> str:
    with pytest.raises(DlkitError) as error:
        read_inputs(paths, features)
    return str(error.value)


# Pictures


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "webp", "jpg", "jpeg", "PNG"])
def test_pictures_of_every_format_keep_their_values(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((28, 28), 200, np.uint8)
    options = {"lossless": True} if suffix == "webp" else {}
    path = picture(tmp_path / f"shoe.{suffix}", pixels, **options)
    labels, arrays = read_inputs([path], GRAY)
    assert labels == [str(path)]
    assert arrays["image"].dtype == np.uint8 and arrays["image"].shape == (1, 28, 28, 1)
    np.testing.assert_allclose(arrays["image"][0, :, :, 0].astype(int), 200, atol=1)


def test_a_picture_of_the_right_size_is_not_touched(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    _, arrays = read_inputs([picture(tmp_path / "shoe.png", pixels)], GRAY)
    np.testing.assert_array_equal(arrays["image"][0, :, :, 0], pixels)


def test_pictures_are_resized_and_made_gray_or_colored(tmp_path: Path) -> None:
    red = picture(tmp_path / "red.png", np.full((40, 90, 3), (255, 0, 0), np.uint8))
    _, gray = read_inputs([red], GRAY)
    assert gray["image"].shape == (1, 28, 28, 1) and set(gray["image"].ravel()) == {76}  # ITU-R 601 luma
    _, colored = read_inputs([red], COLOR)
    assert colored["image"].shape == (1, 16, 12, 3) and colored["image"][0, 3, 3].tolist() == [255, 0, 0]


def test_the_filter_is_bilinear(tmp_path: Path) -> None:
    halves = np.repeat([[0, 255]], 2, axis=0).astype(np.uint8)
    _, arrays = read_inputs([picture(tmp_path / "halves.png", halves)], GRAY)
    row = arrays["image"][0, 5, :, 0].astype(int)
    assert row[0] == 0 and row[-1] == 255 and (np.diff(row) >= 0).all() and len(set(row)) > 10


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((16, 12, 3), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    _, arrays = read_inputs([picture(tmp_path / "turned.png", pixels, exif=exif)], COLOR)
    assert arrays["image"][0, -1].min() == 255 and arrays["image"][0, 0].max() == 0


def test_shades_are_scaled_to_those_the_source_declares(tmp_path: Path) -> None:
    shades = np.arange(17, dtype=np.uint8)[:16].reshape(4, 4)
    stored = np.kron((shades.astype(float) * 255 / 16).round().astype(np.uint8), np.ones((2, 2), np.uint8))
    _, arrays = read_inputs([picture(tmp_path / "digit.png", stored)], DIGITS)
    np.testing.assert_array_equal(arrays["image"][0, ::2, ::2, 0], shades)


def test_sixteen_bit_pictures_are_scaled_not_cut_off(tmp_path: Path) -> None:
    pixels = np.full((28, 28), 0x8080, np.uint16)
    _, arrays = read_inputs([picture(tmp_path / "deep.png", pixels)], GRAY)
    assert set(arrays["image"].ravel()) == {0x80}


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((28, 28), shade, np.uint8)) for shade in (10, 200)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    _, arrays = read_inputs([tmp_path / "moving.gif"], GRAY)
    assert set(arrays["image"].ravel()) == {10}


def test_features_without_a_channel_axis_or_a_size(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.png", np.full((5, 7, 3), 9, np.uint8))
    assert read_inputs([path], {"image": Feature("image", (4, 4), "uint8")})[1]["image"].shape == (1, 4, 4)
    assert read_inputs([path], {"image": Feature("image", (None, None, 3), "uint8")})[1]["image"].shape == (1, 5, 7, 3)


def test_pictures_of_different_sizes_do_not_make_one_batch(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{size}.png", np.zeros((size, 4), np.uint8)) for size in (4, 5)]
    assert "different shapes: (4, 4, 1), (5, 4, 1)" in failure(
        paths, {"image": Feature("image", (None, None, 1), "uint8")}
    )


def test_a_folder_stands_for_its_pictures_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden.png"):
        picture(tmp_path / name, np.zeros((28, 28), np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    labels, arrays = read_inputs([str(tmp_path)], GRAY)
    assert [Path(label).name for label in labels] == ["a.png", "b.png"]
    assert len(arrays["image"]) == 2


def test_a_folder_of_folders_is_told(tmp_path: Path) -> None:
    (tmp_path / "pets" / "cats").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "pets" / "cats" / "a.png")
    assert f"its folders do: give these, as {tmp_path}/pets/*/" in failure([tmp_path / "pets"], GRAY)


def bomb(path: Path, side: int) -> Path:
    """A PNG file that claims `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("side", [30_000, 12_000])
def test_a_decompression_bomb_is_refused(tmp_path: Path, side: int) -> None:
    assert "pixels, where 89,478,485 are the most" in failure([bomb(tmp_path / "bomb.png", side)], GRAY)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_pictures_cut_short_are_errors(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = picture(tmp_path / f"cut.{suffix}", noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert f"cut.{suffix}: " in failure([path], GRAY)


def test_every_bad_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "song.mp3").write_text("x")
    (tmp_path / "folder").mkdir()
    good = picture(tmp_path / "good.png", np.zeros((28, 28), np.uint8))
    names = ["empty.png", "text.jpg", "song.mp3", "missing.png", "folder"]
    message = failure([good, *(tmp_path / name for name in names)], GRAY)
    for name, found in zip(
        names,
        ["the file is empty", "no picture", "of this kind are not known", "no such file", "holds no pictures"],
        strict=True,
    ):
        assert any(name in line and found in line for line in message.splitlines()), name
    assert "good.png" not in message


def test_a_picture_is_refused_where_the_model_takes_none(tmp_path: Path) -> None:
    path = picture(tmp_path / "x.png", np.zeros((4, 4), np.uint8))
    assert "the model takes `table` (vector)" in failure([path], TABLE)
    assert "can give one feature, and the model takes `image`, `table`" in failure([path], {**GRAY, **TABLE})
    assert "which no picture has" in failure([path], {"image": Feature("image", (4, 4, 7), "uint8")})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.bmp", "x.gif", "x.webp", "x.npy", "x.csv", "x.txt"])
@given(data=st.data())
def test_damaged_files_give_rows_or_errors(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    if name == "x.csv":
        path.write_text("length,width\n1,2\n")
    elif name == "x.npy":
        np.save(path, np.zeros((1, 2), np.float32))
    elif name == "x.txt":
        path.write_text("süß")
    else:
        exif = Image.Exif()
        exif[0x010E] = "a title"
        picture(path, np.arange(27, dtype=np.uint8).reshape(3, 3, 3), exif=exif)
    content = bytearray(path.read_bytes())
    for place, byte in data.draw(
        st.dictionaries(st.integers(0, len(content) - 1), st.integers(0, 255), min_size=1)
    ).items():
        content[place] = byte
    path.write_bytes(content)
    try:
        labels, arrays = read_inputs([path], {".csv": TABLE, ".npy": TABLE, ".txt": TEXT}.get(path.suffix, GRAY))
    except DlkitError as error:
        assert name in str(error)
    else:
        assert [len(array) for array in arrays.values()] == [len(labels)]


def test_another_format_under_a_known_suffix_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "x.tiff")
    (tmp_path / "x.tiff").rename(tmp_path / "x.png")
    assert "x.png: this is no picture" in failure([tmp_path / "x.png"], GRAY)


def test_nothing_given_is_an_error() -> None:
    assert failure([], GRAY) == "no input is given"


# Texts


def test_a_text_file_is_one_row_however_many_lines_it_has(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes("\ufeff Good film.\r\n\r\nReally süß! \n".encode())
    (tmp_path / "a.TXT").write_text("Bad.")
    (tmp_path / "shoe.png").write_text("no text")
    labels, arrays = read_inputs([tmp_path / "b.txt", tmp_path], TEXT)
    assert labels == [str(tmp_path / name) for name in ("b.txt", "a.TXT", "b.txt")]
    assert arrays["text"].tolist() == ["Good film.\n\nReally süß!", "Bad.", "Good film.\n\nReally süß!"]
    assert arrays["text"].dtype == object and arrays["text"].shape == (3,)


def test_texts_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"fine\nna\xefve")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "folder").mkdir()
    message = failure([tmp_path / name for name in ("bad.txt", "blank.txt", "folder")], TEXT)
    assert "bad.txt:2: byte 3 of the line, 0xef, is no UTF-8" in message
    assert "blank.txt: the file holds no text" in message
    assert "folder: this folder holds no texts (.txt)" in message and "its folders do" not in message


def test_a_text_is_refused_where_the_model_takes_none(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("a text")
    assert "this is a text, and the model takes `image` (image)" in failure([tmp_path / "x.txt"], GRAY)
    tokens = {"tokens": Feature("sequence", (8,), "int32", vocabulary_size=9)}
    assert "the model takes `tokens` (sequence)" in failure([tmp_path / "x.txt"], tokens)


# CSV


def csv(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_are_put_together_by_the_names_of_the_columns(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", "\ufeffwidth, age,length\r\n1.5,40,2\r\n\r\n-3e2,41,4\r\n")
    labels, arrays = read_inputs([path], MIXED)
    assert labels == [f"{path}:2", f"{path}:4"]
    np.testing.assert_array_equal(arrays["table"], np.array([[2, 1.5], [4, -300]], np.float32))
    assert arrays["table"].dtype == np.float32
    assert arrays["age"].tolist() == [40, 41] and arrays["age"].dtype == np.int32


def test_the_label_of_a_row_is_its_line_even_after_quoted_line_ends(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", '"length\n",width\n1,2\n')
    assert read_inputs([path], TABLE)[0] == [f"{path}:3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("length\n1\n", "rows.csv:1: the header lacks `width`"),
        ("length,widht\n1,2\n", "rows.csv:1: the model takes no column `widht`; did you mean `width`?"),
        ("length,width,width\n1,2,3\n", "rows.csv:1: column `width` stands there 2 times"),
        ("length,width\n1,2\n1,long\n", "rows.csv:3: column `width`: `long` is no finite number"),
        ("length,width\n1,\n", "rows.csv:2: column `width`: `` is no finite number"),
        ("length,width\n1,nan\n", "`nan` is no finite number"),
        ("length,width\n1,1e300\n", "`1e300` is no finite number"),
        ("length,width\n1,2\n1\n1,2,3\n", "rows.csv:3: 1 values, where the header names 2 columns"),
        ("length,width\n", "there are no rows below the header"),
        ('length,width\n1,"2\n', "no CSV file in UTF-8"),
        (b"length,width\n1,\xff\n", "no CSV file in UTF-8"),
        ("", "the file is empty"),
    ],
)
def test_wrong_csv_files_are_told_with_file_and_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in failure([csv(tmp_path / "rows.csv", text)], TABLE)


def test_all_wrong_rows_are_told_up_to_ten(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", "length,width\n" + "x,1\n" * 12)
    lines = failure([path], TABLE).splitlines()
    assert len(lines) == 11
    assert lines[0].startswith(f"{path}:2") and lines[-1] == f"{path}: 2 more"


@pytest.mark.parametrize(("text", "fits"), [("255", True), ("256", False), ("-1", False), ("1.5", False)])
def test_integer_columns_take_integers_of_their_type(tmp_path: Path, text: str, fits: bool) -> None:
    path, features = csv(tmp_path / "rows.csv", f"level\n{text}\n"), {"level": Feature("number", (), "uint8")}
    if fits:
        assert read_inputs([path], features)[1]["level"].tolist() == [255]
    else:
        assert f"`{text}` is no integer of type uint8" in failure([path], features)


def test_features_that_no_row_can_hold_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", "image\n1\n")
    assert "`image` (image), which CSV rows cannot hold" in failure([path], GRAY)
    assert "CSV rows cannot hold" in failure([path], {"table": Feature("vector", (2,), "float32")})


# NumPy


def npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def test_one_example_or_a_batch(tmp_path: Path) -> None:
    pixels = np.arange(3 * 28 * 28, dtype=np.uint64).astype(np.uint8).reshape(3, 28, 28, 1)
    batch, one = npy(tmp_path / "x.npy", np.asfortranarray(pixels)), npy(tmp_path / "one.npy", pixels[1])
    labels, arrays = read_inputs([batch, one], GRAY)
    assert labels == [f"{batch}[0]", f"{batch}[1]", f"{batch}[2]", str(one)]
    np.testing.assert_array_equal(arrays["image"], np.concatenate([pixels, pixels[1:2]]))
    assert arrays["image"].dtype == np.uint8 and type(arrays["image"]) is np.ndarray


@pytest.mark.parametrize("dtype", ["int64", "float64", "bool", ">i2", "float16"])
def test_numbers_are_cast_where_they_stay_what_they_are(tmp_path: Path, dtype: str) -> None:
    _, arrays = read_inputs([npy(tmp_path / "x.npy", np.ones((4, 2), dtype))], TABLE)
    assert arrays["table"].dtype == np.float32 and arrays["table"].sum() == 8


@pytest.mark.parametrize("shape", [(28, 28), (3, 28, 28)])
def test_whole_floats_and_pictures_without_a_channel_axis_are_taken(tmp_path: Path, shape: tuple[int, ...]) -> None:
    labels, arrays = read_inputs([npy(tmp_path / "x.npy", np.full(shape, 7.0))], GRAY)
    assert arrays["image"].shape == (len(labels), 28, 28, 1) and len(labels) == (3 if len(shape) == 3 else 1)
    assert arrays["image"].dtype == np.uint8 and (arrays["image"] == 7).all()


@pytest.mark.parametrize(
    ("array", "features", "message"),
    [
        (np.zeros((3, 28, 27)), GRAY, "shape (3, 28, 27), where `image` is (28, 28, 1) or a batch (rows, 28, 28, 1)"),
        (np.zeros((0, 2)), TABLE, "shape (0, 2)"),
        (np.array(1.0), TABLE, "shape ()"),
        (np.full((28, 28, 1), 0.5), GRAY, "values from 0.5 to 0.5, which do not fit uint8"),
        (np.full((28, 28, 1), np.nan), GRAY, "which do not fit uint8"),
        (np.full((28, 28, 1), 256), GRAY, "values from 256 to 256, which do not fit uint8"),
        (np.full((28, 28, 1), -1), GRAY, "values from -1 to -1, which do not fit uint8"),
        (np.array([1, np.nan]), TABLE, "no finite float32"),
        (np.array([1, 1e300]), TABLE, "no finite float32"),
        (np.array(["1", "2"]), TABLE, "holds <U1, where `table` takes float32"),
        (np.array([1j, 2]), TABLE, "holds complex128"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, array: np.ndarray, features: dict[str, Feature], message: str
) -> None:
    assert message in failure([npy(tmp_path / "x.npy", array)], features)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    assert "x.npy: this is no .npy file of numbers" in failure([npy(tmp_path / "x.npy", np.array([{}], object))], TABLE)


@pytest.mark.parametrize("content", [b"\x93NUMPY\x01\x00", b"text", b"PK\x03\x04"])
def test_damaged_arrays_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    assert "x.npy: this is no .npy file of numbers, or a damaged one" in failure([tmp_path / "x.npy"], TABLE)


def test_a_header_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    path = npy(tmp_path / "x.npy", np.zeros((2, 2), np.float32))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"(2, 2), }".ljust(20), b"(9999999999, 2), }".ljust(20)))
    assert "x.npy: this is no .npy file of numbers" in failure([path], TABLE)


# CSV of columns of several kinds

MISSING = ("", "?", "NA")
PEOPLE = {
    "numbers": Feature("vector", (3,), columns=("age", "born.year", "born.weekday"), missing=MISSING),
    "categories": Feature("category", (2,), "string", columns=("color", "size"), missing=MISSING),
    "remark": Feature("text", (), "string", missing=MISSING),
}


def test_rows_of_numbers_categories_texts_and_dates(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "rows.csv",
        'income,remark,size,born,age,color\nhigh,"a, b",L,2024-02-29,31,red\n,?,NA,?,?,\nlow, c ,M,1981-01-02 10:00,-2.5, new\n',
    )
    labels, arrays = read_inputs([path], PEOPLE)
    assert labels == [f"{path}:{line}" for line in (2, 3, 4)]
    nan = np.nan
    np.testing.assert_array_equal(
        arrays["numbers"], np.array([[31, 2024, 3], [nan, nan, nan], [-2.5, 1981, 4]], np.float32)
    )
    assert arrays["numbers"].dtype == np.float32 and list(arrays) == ["numbers", "categories", "remark"]
    assert arrays["categories"].tolist() == [["red", "L"], ["", ""], ["new", "M"]]
    assert arrays["remark"].tolist() == ["a, b", "", "c"] and arrays["remark"].dtype == object


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_seen_from_the_header(tmp_path: Path, separator: str) -> None:
    path = csv(tmp_path / "rows.csv", "width,length\n1,2\n".replace(",", separator))
    assert read_inputs([path], TABLE)[1]["table"].tolist() == [[2, 1]]


def test_decimals_stand_behind_a_comma_where_they_did_in_training(tmp_path: Path) -> None:
    feature = {"numbers": Feature("vector", (2,), columns=("width", "length"), missing=("?",), decimal=",")}
    path = csv(tmp_path / "rows.csv", "width;length\n1,5;-2\n?;,25\n")
    np.testing.assert_array_equal(read_inputs([path], feature)[1]["numbers"], [[1.5, -2], [np.nan, 0.25]])
    path = csv(tmp_path / "rows.csv", "width;length\n1.5;2\n")
    assert "rows.csv:2: column `width`: `1.5` is no finite number" in failure([path], feature)


def test_a_column_called_as_a_part_of_a_date_is_itself(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", "sold.year,sold\n7,2024-01-01\n")
    feature = Feature("vector", (2,), columns=("sold.year", "sold.month"))
    assert read_inputs([path], {"numbers": feature})[1]["numbers"].tolist() == [[7, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,color,size,remark\n1,a,b,c\n", "rows.csv:1: the header lacks `born`"),
        ("age,color,size,remark,bron\n1,a,b,c,d\n", "rows.csv:1: the model takes no column `bron`; did you mean `born`?"),
        ("age,color,size,remark,born\n1,a,b,c,d\n", "rows.csv:2: column `born`: `d` is no date"),
        ("age,color,size,remark,born\nx,a,b,c,?\n", "rows.csv:2: column `age`: `x` is no finite number"),
        ("age,color,size,remark,born\ninf,a,b,c,?\n", "rows.csv:2: column `age`: `inf` is no finite number"),
    ],
)  # fmt: skip
def test_wrong_cells_of_other_kinds_are_told(tmp_path: Path, text: str, message: str) -> None:
    assert failure([csv(tmp_path / "rows.csv", text)], PEOPLE).endswith(message)


def test_a_missing_value_is_an_error_where_the_source_knows_none(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", "age\n?\n")
    assert "`?` is no finite number" in failure([path], {"age": Feature("number", (), "float32")})
    integer = Feature("number", (), "int32", missing=MISSING)
    assert "`?` is no integer of type int32" in failure([path], {"age": integer})


def test_the_file_that_a_source_reads_gives_its_examples(tmp_path: Path) -> None:
    from dlkit.data.sources.csv import csv as source

    path = csv(
        tmp_path / "rows.csv",
        "when,a,b,y\n2020-01-01 06:00,1,u,1\n,NA,v,2\n2020-05-31,-3e5,u,3\n2021-12-24,4,?,4\n2022-01-01,0.1,v,5\n",
    )
    splits = source(path, "y")
    assert splits.facts is not None and set(splits.train.features) == {"numbers", "categories"}
    for name, array in read_inputs([path], splits.facts.features)[1].items():
        np.testing.assert_array_equal(array, splits.train.features[name])


# CSV of a series

PAST = {"past": Feature("sequence", (2, 3), columns=("warmth", "wind", "day.month"), missing=MISSING)}
AHEAD = {**PAST, "calendar": Feature("sequence", (2, 1), columns=("day.month",), missing=MISSING)}
SERIES = "day,wind,warmth\n2024-01-30,1,10\n2024-01-31,2,20\n2024-02-01,3,30\n"


def test_the_last_steps_of_a_series_are_one_example(tmp_path: Path) -> None:
    path = csv(tmp_path / "series.csv", SERIES)
    labels, arrays = read_inputs([path], PAST)
    assert labels == [f"{path}:4"]
    assert arrays["past"].tolist() == [[[20, 2, 1], [30, 3, 2]]] and arrays["past"].dtype == np.float32


def test_the_dates_of_the_steps_to_forecast_are_the_rows_below(tmp_path: Path) -> None:
    path = csv(tmp_path / "series.csv", SERIES + "2024-02-02,,\n2024-02-29,?,\n2024-03-01,,NA\n")
    labels, arrays = read_inputs([path], AHEAD)
    assert labels == [f"{path}:4"]
    assert arrays["past"].tolist() == [[[20, 2, 1], [30, 3, 2]]] and arrays["calendar"].tolist() == [[[2], [3]]]
    assert read_inputs([path], PAST)[1]["past"].tolist() == arrays["past"].tolist()


@pytest.mark.parametrize(
    ("text", "features", "message"),
    [
        ("day,wind,warmth\n2024-01-30,1,10\n", PAST, "series.csv: `past` takes 2 steps, and there are 1"),
        ("day,wind,warmth\n2024-01-30,,\n", PAST, "series.csv: `past` takes 2 steps, and there are 0"),
        (SERIES + "2024-02-02,,\n", AHEAD, "`calendar` takes the dates of 2 steps to forecast, and at the end stand 1"),
        (SERIES + "2024-02-02,4,\n", PAST, "series.csv:5: column `warmth`: the value is missing"),
        (SERIES + "?,4,40\n", PAST, "series.csv:5: column `day.month`: the value is missing"),
        (SERIES + "2024-02-01,4,40\n", PAST, "series.csv:5: column `day`: `2024-02-01` does not come after the one before"),
        ("wind,warmth\n1,2\n", PAST, "series.csv:1: the header lacks `day`"),
        (SERIES, {**PAST, **TABLE}, "the model takes a series and `table` (vector), which one file cannot hold"),
        ("a\n1\n", {"tokens": Feature("sequence", (5,), "int32")}, "`tokens` (sequence), which CSV rows cannot hold"),
    ],
)  # fmt: skip
def test_wrong_series_are_told_with_their_line(
    tmp_path: Path, text: str, features: dict[str, Feature], message: str
) -> None:
    assert message in failure([csv(tmp_path / "series.csv", text)], features)

import os
import zipfile

import numpy as np
import pytest
from conftest import refused
from PIL import Image

from gan import cli
from gan.data import folders
from gan.data.pictures import read_pictures
from gan.errors import InvalidInput

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 12), "uint8")
COLOUR = RNG.integers(0, 256, (12, 12, 3), "uint8")


def save(folder, name, array, **options):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(folder / name, **options)


def means(array, size):
    """Means over equal blocks, rounded half up as Pillow does."""
    height, width = size
    h, w, *channels = array.shape
    blocks = array.reshape(height, h // height, width, w // width, *channels)
    return np.floor(blocks.mean((1, 3)) + 0.5)


def read(path, size=(4, 4), colour=False, **options):
    """Pictures, grey ones without a last axis, and what was left out."""
    found = read_pictures(path, size, colour, **options)
    assert found.pictures.dtype == np.uint8 and found.pictures.ndim == 4
    return found.pictures if colour else found.pictures[..., 0], found.left_out


def only(path, size=(4, 4), **options):
    (picture,), left_out = read(path, size, **options)
    assert not left_out
    return picture.astype(float)


@pytest.fixture
def made_of(monkeypatch):
    """The pictures that the command `train` reads from a folder."""

    def made_of(folder, *options):
        made = []
        monkeypatch.setattr(
            "gan.recipes.run.Run.train", lambda *run, **_: made.append(run) or []
        )
        line = ["train", "--pictures", str(folder), "--output", f"{folder}-run"]
        assert cli.main([*line, *options]) == 0
        (_, _, data), *_ = made
        return data

    return made_of


def plant(folder, *names):
    """Write a file for each name, a picture unless it ends in .txt, or a folder."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        elif name.endswith(".txt"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("not a picture")
        else:
            save(path.parent, path.name, COLOUR, format="PNG")
    return folder


def counts(data):
    """The names of the classes, each with the number of its pictures."""
    numbers = np.bincount(data.labels, minlength=len(data.names)).tolist()
    assert sum(numbers) == len(data.pictures)
    return dict(zip(data.names, numbers, strict=True))


# -- one picture ----------------------------------------------------------------


def test_resizing_takes_the_mean_over_areas(tmp_path):
    save(tmp_path, "a.png", GREY)
    np.testing.assert_allclose(only(tmp_path), means(GREY, (4, 4)), atol=1)
    np.testing.assert_array_equal(only(tmp_path, (12, 12)), GREY)


@pytest.mark.parametrize("side", [24, 18, 13])
def test_enlarging_interpolates(tmp_path, side):
    """A ramp stays a ramp; means over areas would make steps of uneven width."""
    save(tmp_path, "a.png", np.uint8(20 * np.arange(12) * np.ones((12, 1))))
    middles = (np.arange(side) + 0.5) * 12 / side - 0.5
    inner = (middles > 2) & (middles < 9)
    larger = only(tmp_path, (side, side))
    expected = np.broadcast_to(20 * middles, (side, side))
    np.testing.assert_allclose(larger[:, inner], expected[:, inner], atol=1)


def test_colour_stays_and_grey_is_luma(tmp_path):
    save(tmp_path, "a.png", COLOUR)
    colour = only(tmp_path, colour=True)
    np.testing.assert_allclose(colour, means(COLOUR, (4, 4)), atol=1)
    luma = COLOUR @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(only(tmp_path), means(luma, (4, 4)), atol=1)


def test_grey_files_become_colour(tmp_path):
    save(tmp_path, "a.png", GREY)
    picture = only(tmp_path, (12, 12), colour=True)
    np.testing.assert_array_equal(picture, np.stack([GREY] * 3, axis=-1))


@pytest.mark.parametrize("upright", [True, False])
def test_the_crop_is_central_and_has_the_aspect_of_the_size(tmp_path, upright):
    wide = np.concatenate([np.zeros((12, 6), np.uint8), GREY, np.zeros((12, 6))], 1)
    wide = wide.astype(np.uint8)
    save(tmp_path, "a.png", wide.T if upright else wide)
    np.testing.assert_array_equal(only(tmp_path, (12, 12)), GREY.T if upright else GREY)
    save(tmp_path, "a.png", wide)
    np.testing.assert_array_equal(only(tmp_path, (6, 12)).shape, (6, 12))
    np.testing.assert_allclose(only(tmp_path, (2, 4)), means(wide, (2, 4)), atol=1)


def test_keep_is_the_share_of_each_side(tmp_path):
    save(tmp_path, "a.png", GREY)
    np.testing.assert_array_equal(only(tmp_path, (6, 6), keep=0.5), GREY[3:9, 3:9])
    np.testing.assert_array_equal(only(tmp_path, (1, 1), keep=1e-9), GREY[5:6, 5:6])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(tmp_path, orientation):
    stored = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(tmp_path, "a.png", np.ascontiguousarray(stored), exif=exif)
    np.testing.assert_array_equal(only(tmp_path, (12, 12)), GREY)


def test_transparent_pictures_lie_on_white(tmp_path):
    alpha = np.full((12, 12, 1), 102, np.uint8)
    save(tmp_path, "a.png", np.concatenate([COLOUR, alpha], axis=-1))
    expected = 255 + 102 / 255 * (COLOUR - 255.0)
    picture = only(tmp_path, (12, 12), colour=True)
    np.testing.assert_allclose(picture, expected, atol=1)


@pytest.mark.parametrize("name", ["a.png", "a.pgm"])
def test_sixteen_bits_are_divided_not_clipped(tmp_path, name):
    save(tmp_path, name, GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(only(tmp_path, (12, 12)), GREY)


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a.tif", "a.webp", "noending"])
def test_formats(tmp_path, name):
    options = {"lossless": True} if name == "a.webp" else {}
    save(tmp_path, name, GREY, format=None if "." in name else "PNG", **options)
    np.testing.assert_allclose(only(tmp_path, (12, 12)), GREY, atol=1)


# -- folders --------------------------------------------------------------------


def test_a_folder_is_read_by_name_with_its_subfolders(tmp_path):
    names = ["b/2.png", "a.png", "b/10.png", "c.png", "b/deep/1.png"]
    for value, name in enumerate(names):
        save((tmp_path / name).parent, tmp_path / name, GREY * 0 + np.uint8(value))
    pictures, left_out = read(str(tmp_path), (1, 1))
    assert [names[value] for value in pictures[:, 0, 0]] == sorted(names)
    assert not left_out


TWO = ("cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/2.png", "dog/3.png")


@pytest.mark.parametrize(
    ("others", "left_out"),
    [
        (["loose.png", "another.jpg"], {"in none of the classes": 2}),
        (["notes.txt", "cat/labels.txt"], {"not read by Pillow": 2}),
        (["empty/", "bird/notes.txt"], {"no pictures in it": 2}),
        ([".DS_Store", ".hidden.png", "__MACOSX/cat/._1.png"], {"hidden": 3}),
        (["cat/.ipynb_checkpoints/1.png", "dog/._1.png"], {"hidden": 2}),
        (["dog/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg"], {"hidden": 1}),
    ],
)
def test_what_lies_in_and_beside_classes_takes_none_away(
    tmp_path, made_of, others, left_out
):
    data = made_of(plant(tmp_path / "pets", *TWO, *others))
    assert counts(data) == {"cat": 2, "dog": 3}
    reasons = [*data.left_out.values()]
    for reason, number in left_out.items():
        assert reasons.count(reason) == number
        assert f"; left out {number}, {reason} (" in data.said


def test_without_classes_loose_pictures_are_read(tmp_path, made_of):
    data = made_of(plant(tmp_path / "pets", *TWO, "loose.png"), "--unlabelled")
    assert len(data.pictures) == 6 and data.labels is None and not data.left_out


def test_pictures_beside_one_folder_are_no_class(tmp_path, made_of):
    data = made_of(plant(tmp_path / "photos", "more/1.png", "2.png", "empty/"))
    assert len(data.pictures) == 2 and data.labels is None
    assert [*data.left_out.values()] == ["no pictures in it"]


@pytest.mark.parametrize("above", ["pets/", "download/pets/"])
def test_a_folder_of_nothing_but_a_folder_stands_for_it(tmp_path, made_of, above):
    plant(tmp_path / "x", *(above + name for name in TWO), "__MACOSX/1.png", "a.txt")
    assert counts(made_of(tmp_path / "x")) == {"cat": 2, "dog": 3}


@pytest.mark.parametrize(
    ("train", "others"),
    [
        ("train", ["test/cat/1.png", "test/dog/1.png"]),
        ("Training", ["Testing/cat/1.png"]),
        ("train", ["val/9.png", "test/9.png", "loose.png", "README.txt"]),
        ("training_set", ["test_set/cat/1.png", "unlabeled/1.png"]),
        ("seg_train/seg_train", ["seg_test/seg_test/cat/1.png", "seg_pred/1.png"]),
        ("images/train2017", ["images/val2017/1.png", "labels/train2017/1.txt"]),
    ],
)
def test_of_a_set_in_parts_the_training_part_is_read(tmp_path, made_of, train, others):
    folder = plant(tmp_path / "x", *(f"{train}/{name}" for name in TWO), *others)
    data = made_of(folder)
    assert counts(data) == {"cat": 2, "dog": 3}
    assert {*data.left_out} >= {str(folder / name) for name in others}
    assert "not in '" in data.said
    # The folder of one part is read if the user names it.
    assert len(made_of(folder / train).pictures) == 5


def test_the_training_part_may_be_classes_or_have_none(tmp_path, made_of):
    two = [f"{part}{domain}/1.png" for part in ("train", "test") for domain in "AB"]
    assert counts(made_of(plant(tmp_path / "x", *two))) == {"trainA": 1, "trainB": 1}
    data = made_of(plant(tmp_path / "y", "train/1.png", "train/2.png", "valid/3.png"))
    assert len(data.pictures) == 2 and data.labels is None


def test_classes_may_be_named_as_parts(tmp_path, made_of):
    vehicles = plant(tmp_path / "x", "car/1.png", "train/1.png", "trainers/1.png")
    assert counts(made_of(vehicles)) == {"car": 1, "train": 1, "trainers": 1}
    people = plant(tmp_path / "y", "Val Kilmer/1.png", "Test Pilot/1.png", "Eve/1.png")
    assert [*counts(made_of(people))] == ["Eve", "Test Pilot", "Val Kilmer"]


def test_parts_without_a_training_part_are_refused(tmp_path):
    plant(tmp_path / "x", "test/1.png", "val/1.png")
    with refused("path"):
        read_pictures(tmp_path / "x")
    assert len(read_pictures(tmp_path / "x" / "val").pictures) == 1


def test_numbered_classes_have_the_names_that_the_file_gives_them(tmp_path):
    """They are in the order of the numbers; names that do not fit are ignored."""
    pictures, path = np.zeros((4, 16, 16), np.uint8), tmp_path / "a.npz"
    for labels, names, known in (
        ([2, 0, 2, 0], ["shoe", "bag", "coat"], ["shoe", "coat"]),
        ([2, 0, 2, 1], ["shoe", "bag"], ["0", "1", "2"]),
        ([1, 0, 1, 0], ["shoe", "shoe"], ["0", "1"]),
        ([1, 0, 1, 0], [7, 8], ["0", "1"]),
        ([*"babb"], ["shoe", "bag"], ["a", "b"]),
    ):
        np.savez(path, x=pictures, y=labels, names=names)
        read = read_pictures(path)
        assert read.names == known
        np.testing.assert_array_equal(
            read.labels, np.unique(labels, return_inverse=True)[1]
        )


def test_classes_of_a_file_are_not_dropped_for_its_size(tmp_path, made_of, monkeypatch):
    """Without labels, the recipe `faces` would take grey pictures of 16x16."""
    monkeypatch.setattr("gan.recipes.faces.train_on", lambda *_: [])
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 16, 16), np.uint8), y=[*"abcabc"])
    assert counts(made_of(tmp_path / "a.npz")) == {"a": 2, "b": 2, "c": 2}


def test_a_folder_that_is_hidden_itself_is_read(tmp_path):
    assert len(read_pictures(plant(tmp_path / ".cache" / ".x", *TWO)).pictures) == 5


def test_links_to_folders_are_classes_and_lead_nowhere_else(tmp_path):
    plant(tmp_path / "elsewhere", "1.png", "2.png")
    pets = plant(tmp_path / "pets", "cat/1.png")
    (pets / "dog").symlink_to(tmp_path / "elsewhere")
    for name, target in {"me": pets, "above": tmp_path, "cat/far": tmp_path}.items():
        (pets / name).symlink_to(target)
    data = read_pictures(pets)
    assert counts(data) == {"cat": 1, "dog": 2}
    assert sorted(data.left_out.values()) == ["a link to a folder"] * 3


def test_a_class_of_damaged_pictures_is_none(tmp_path):
    plant(tmp_path / "x", *TWO, "emu/1.png")
    whole = (tmp_path / "x" / "emu" / "1.png").read_bytes()
    (tmp_path / "x" / "emu" / "1.png").write_bytes(whole[:-40])
    data = read_pictures(tmp_path / "x")
    assert counts(data) == {"cat": 2, "dog": 3}
    assert [*data.left_out.values()] == ["a damaged picture"]


@pytest.mark.parametrize("write", ["folder", "array"])
def test_what_was_cropped_is_said(tmp_path, write):
    wide = [COLOUR, COLOUR[:8], COLOUR[:, 2:]]
    if write == "array":
        np.save(tmp_path / "a.npy", np.stack([COLOUR[:8]] * 2))
        data, cropped = read_pictures(tmp_path / "a.npy", (4, 4)), 2
    else:
        for number, array in enumerate(wide):
            save(tmp_path / "x", f"{number}.png", array)
        data, cropped = read_pictures(tmp_path / "x", (4, 4), keep=0.5), 2
        assert read_pictures(tmp_path / "x", (2, 4)).cropped == 3
    assert data.cropped == cropped and "; 2 cropped to a square" in data.said


def test_what_is_said_is_one_printable_line(tmp_path):
    names = [f"{number}\x1b[31m\n/1.png" for number in range(30)]
    plant(tmp_path / "x", *names, "0\x1b[31m\n/\r.txt")
    (tmp_path / "x" / os.fsdecode(b"\xff.txt")).write_text("")
    said = read_pictures(tmp_path / "x").said
    assert said.isprintable() and "30 classes" in said and "20 more)" in said
    assert len(said) < 1000


def test_what_cannot_be_read_is_skipped_with_its_reason(tmp_path, monkeypatch):
    good, bad = tmp_path / "pictures", {}
    unread = "not read by Pillow"

    def plant(name, reason):
        bad[str(good / name)] = reason
        return good / name

    save(good, "m.png", GREY)
    whole = (good / "m.png").read_bytes()
    plant("text.png", unread).write_text("not a picture")
    plant("empty.jpg", unread).write_bytes(b"")
    plant("cut.png", "a damaged picture").write_bytes(whole[:100])
    save(good, plant("cut.jpg", "a damaged picture"), COLOUR)
    cut = (good / "cut.jpg").read_bytes()
    (good / "cut.jpg").write_bytes(cut[:-30])
    save(good, plant("float.tif", "values without a known range"), GREY / np.float32(9))
    save(good, plant("script.eps", unread), GREY)
    plant("loop", "Too many levels of symbolic links").symlink_to("loop")
    plant("nowhere", "No such file or directory").symlink_to("nothing")
    plant("circle", "a link to a folder").symlink_to(good)
    os.mkfifo(plant("pipe.png", "not a regular file"))
    save(good, plant("bomb.png", "too many pixels"), np.zeros((20, 20), np.uint8))
    save(good, plant("fuse.png", "too many pixels"), np.zeros((15, 15), np.uint8))
    # Between MAX_IMAGE_PIXELS and twice as many, Pillow only warns.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12 * 12)
    pictures, left_out = read(good, (12, 12))
    assert left_out == bad
    np.testing.assert_array_equal(pictures, GREY[None])


def test_every_truncation_is_a_picture_or_skipped(tmp_path):
    for format in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        folder = tmp_path / format
        save(folder, "whole", COLOUR, format=format)
        whole = (folder / "whole").read_bytes()
        lengths = range(0, len(whole), 1 + len(whole) // 40)
        for length in lengths:
            (folder / f"{length}").write_bytes(whole[:length])
        pictures, left_out = read(folder, (4, 4))
        assert len(pictures) + len(left_out) == len(lengths) + 1
        assert len(left_out) > 10, format


def test_a_size_that_does_not_fit_into_memory_is_refused(tmp_path):
    save(tmp_path, "a.png", GREY)
    for side in (10**7, 10**10):
        with refused("size"):
            read_pictures(tmp_path, (side, side))


@pytest.mark.parametrize("screen", [True, False])
def test_progress_tells_only_a_terminal_and_only_after_seconds(
    screen, monkeypatch, capsys
):
    monkeypatch.setattr(folders.time, "monotonic", iter(range(100)).__next__)
    monkeypatch.setattr(folders.sys.stderr, "isatty", lambda: screen)
    assert [*folders.progress("abcd")] == [*"abcd"]
    told = "\r2 of 4\r3 of 4\r4 of 4\n" if screen else ""
    assert capsys.readouterr() == ("", told)


def test_nothing_to_read(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name in ("none", "loop"):
        with refused("path"):
            read_pictures(tmp_path / name, (4, 4))
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInput, match="no files"):
        read_pictures(tmp_path / "folder", (4, 4))
    (tmp_path / "folder" / "x").write_text("")
    with pytest.raises(InvalidInput, match="not read by Pillow"):
        read_pictures(tmp_path / "folder", (4, 4))


# -- arrays ---------------------------------------------------------------------


@pytest.mark.parametrize("write", [np.save, np.savez, np.savez_compressed])
@pytest.mark.parametrize("array", [GREY, GREY[..., None], COLOUR])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_arrays(tmp_path, write, array, dtype):
    path = tmp_path / ("a.npy" if write is np.save else "a.npz")
    several = np.stack([array, array[::-1]])
    write(path, several if dtype == "uint8" else np.float32(several / 255))
    colour = array.shape[2:] == (3,)
    pictures, left_out = read(path, (12, 12), colour=colour)
    assert not left_out
    np.testing.assert_array_equal(pictures, several if colour else [GREY, GREY[::-1]])
    small, _ = read(path, (4, 4), colour=colour)
    expected = means(COLOUR if colour else GREY, (4, 4))
    np.testing.assert_allclose(small[0].astype(float), expected, atol=1)


def test_of_several_arrays_the_usual_name_is_read(tmp_path):
    other = GREY[None, :4]
    np.savez(tmp_path / "a.npz", x_test=other, x=GREY[None], y=other[0, 0])
    np.savez(tmp_path / "b.npz", x=other, x_train=GREY[None])
    for name in ("a.npz", "b.npz"):
        picture = only(tmp_path / name, (12, 12), labelled=False)
        np.testing.assert_array_equal(picture, GREY)


@pytest.mark.slow
def test_a_small_file_that_inflates_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("x.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": (2**29, 1, 1)}
            np.lib.format.write_array_header_1_0(member, header)
            for _ in range(32):
                member.write(bytes(2**24))
    assert path.stat().st_size < 2**20
    with refused("path"):
        read_pictures(path, (4, 4))


def test_arrays_that_are_refused(tmp_path):
    np.savez(tmp_path / "two.npz", a=GREY[None], b=GREY[None])
    np.save(tmp_path / "wild.npy", np.full((2, 4, 4), 1.5))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "flat.npz", GREY)
    (tmp_path / "text.npy").write_text("text")
    save(tmp_path, "one.png", GREY)
    with zipfile.ZipFile(tmp_path / "none.npz", "w"):
        pass
    np.savez(tmp_path / "cut.npz", GREY[None])
    data = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(data.replace(b"(1, 12, 12)", b"(9, 12, 12)"))
    names = "two.npz none.npz wild.npy objects.npy flat.npz text.npy one.png cut.npz"
    for name in names.split():
        with refused("path"):
            read_pictures(tmp_path / name, (4, 4))


@pytest.mark.parametrize(
    "options, argument",
    [
        ({"size": 4}, "size"),
        ({"size": (4, 0)}, "width"),
        ({"keep": 0}, "keep"),
        ({"keep": 1.1}, "keep"),
        ({"path": 3}, "path"),
        ({"path": ""}, "path"),
    ],
)
def test_arguments_are_checked(tmp_path, options, argument):
    save(tmp_path, "a.png", GREY)
    with refused(argument):
        read_pictures(**{"path": tmp_path, "size": (4, 4), **options})

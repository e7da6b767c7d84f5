import os
import pathlib
import stat
import tempfile

import pytest
from conftest import refused

from gan.errors import InvalidInput
from gan.support.files import atomic_path, expect_writable, made_folder


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def umask():
    old = os.umask(0o022)
    yield os.umask
    os.umask(old)


def test_a_new_file_appears_whole_at_the_end(tmp_path):
    path = tmp_path / "faces.png"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new" and names(tmp_path) == ["faces.png"]


def test_the_temporary_file_is_a_hidden_neighbour_with_the_same_ending(tmp_path):
    with atomic_path(str(tmp_path / "faces.h5")) as temporary:
        assert isinstance(temporary, pathlib.Path)
        assert temporary.parent == tmp_path and temporary.suffix == ".h5"
        assert temporary.name.startswith(".")


def test_an_old_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and names(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_old_file_survives_a_failure(tmp_path, error):
    path = tmp_path / "x.txt"
    path.write_text("old")
    with pytest.raises(error, match="half way"):
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise error("half way")
    assert path.read_text() == "old" and names(tmp_path) == ["x.txt"]


def test_an_old_file_survives_a_failed_rename(tmp_path, monkeypatch):
    path = tmp_path / "x.txt"
    path.write_text("old")

    def fail(self, target):
        raise OSError("no rename")

    monkeypatch.setattr(pathlib.Path, "replace", fail)
    with pytest.raises(OSError, match="no rename"):
        with atomic_path(path) as temporary:
            temporary.write_text("new")
    assert path.read_text() == "old" and names(tmp_path) == ["x.txt"]


def test_a_writer_may_replace_the_temporary_file(tmp_path):
    """Some libraries write a file beside their target, and rename it."""
    path = tmp_path / "x.txt"
    with atomic_path(path) as temporary:
        temporary.unlink()
        temporary.write_text("new")
    assert path.read_text() == "new" and names(tmp_path) == ["x.txt"]


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0, 0o666)])
def test_permissions_follow_the_umask(tmp_path, umask, mask, mode):
    umask(mask)
    path = tmp_path / "x.txt"
    with atomic_path(path) as temporary:
        # Other users cannot read a file that is not complete.
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert umask(mask) == mask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o666])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, umask, mode):
    umask(0o022)
    target, link = tmp_path / "x.txt", tmp_path / "link.txt"
    target.write_text("old")
    target.chmod(mode)
    link.symlink_to(target)
    for path in (link, target):
        with atomic_path(path) as temporary:
            temporary.write_text("new")
        assert stat.S_IMODE(path.lstat().st_mode) == mode


def test_bytes_reach_the_disk_before_the_name_does(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, pathlib.Path.replace

    def spy_fsync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        size = None if folder else os.fstat(descriptor).st_size
        events.append(("folder", size) if folder else ("file", size))
        fsync(descriptor)

    def spy_replace(self, target):
        events.append(("rename", pathlib.Path(target).name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(pathlib.Path, "replace", spy_replace)
    with atomic_path(tmp_path / "x.txt") as temporary:
        temporary.write_bytes(b"12345")
    assert events == [("file", 5), ("rename", "x.txt"), ("folder", None)]


def test_relative_paths_and_names_without_an_ending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("plain", ".hidden", "two.dots.h5", "a b é.txt"):
        with atomic_path(name) as temporary:
            temporary.write_text(name)
        assert (tmp_path / name).read_text() == name
    assert len(names(tmp_path)) == 4


def test_a_link_is_replaced_and_its_target_left_alone(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_path(link) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old" and link.read_text() == "new"
    assert not link.is_symlink() and names(tmp_path) == ["link.txt", "target.txt"]


@pytest.mark.parametrize(
    "check", [expect_writable, lambda p: atomic_path(p).__enter__()]
)
@pytest.mark.parametrize(
    "name", ["no/x.txt", "file/x.txt", "folder", "folder/", "link", "."]
)
def test_paths_that_are_refused(tmp_path, check, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    before = names(tmp_path)
    with refused("path"):
        check(f"{tmp_path}/{name}")
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    "error, reason",
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (OSError(30, "Read-only file system"), "Read-only file system"),
        (OSError("odd"), "odd"),
    ],
)
def test_a_directory_one_cannot_write_to(tmp_path, monkeypatch, error, reason):
    """The error is simulated, because root, who may run tests, may write anywhere."""

    def refuse(*args, **named):
        raise error

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(InvalidInput, match=reason):
        with atomic_path(tmp_path / "x.txt"):
            pytest.fail("the block must not run")


def test_a_writable_path_is_returned_and_not_touched(tmp_path):
    path = tmp_path / "x.txt"
    assert expect_writable(str(path)) == path and names(tmp_path) == []
    path.write_text("old")
    assert expect_writable(path) == path and path.read_text() == "old"


def test_a_name_as_long_as_the_system_allows(tmp_path):
    path = tmp_path / ("a" * 251 + ".txt")
    path.write_text("the system takes it")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_name_longer_than_that_is_refused(tmp_path):
    with refused("path"):
        with atomic_path(tmp_path / ("a" * 300 + ".txt")):
            pytest.fail("the block must not run")


def test_pipes_and_impossible_names_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with refused("path"):
        expect_writable(tmp_path / "pipe")
    with refused("path"):
        expect_writable("a\0b")


def test_a_folder_is_made_and_named_when_it_cannot_be_used(tmp_path):
    for _ in range(2):
        with made_folder(str(tmp_path / "a" / "b")) as folder:
            assert folder == tmp_path / "a" / "b" and folder.is_dir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with refused("directory"), made_folder(path):
            pytest.fail("there is no folder")
    with pytest.raises(InvalidInput, match="b cannot .*full"), made_folder(folder):
        raise OSError(28, "full")
    with refused("directory"), made_folder(3):
        pytest.fail("there is no folder")

"""Writing a result: whole or not at all, and through what is no plain file of one's own."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archscope
from archscope.cli._config import read_config
from archscope.errors import OutputError, UsageError
from archscope.files import at_home, check_target, write_whole
from archscope.saved import read
from archscope.studies.check.lock import read_lock
from archscope.studies.facts.reading import read_file

NOBODY = 65534
"""A user that owns nothing, as Linux numbers it."""


def written(target: Path, text: str = "new") -> int:
    check_target(target)
    return write_whole(target, text)


@pytest.mark.parametrize("text", ["~~", "~~.safetensors", "~~/net.py:Net", "~~.py:Net", "hf:~~"])
def test_a_home_of_no_user_is_a_path_that_is_not_there(text: str) -> None:
    with pytest.raises(UsageError, match="~~"):
        archscope.params(text)
    assert at_home("~~/x") == Path("~~/x")
    assert at_home("~/x") == Path.home() / "x"


def test_a_file_gets_the_text_and_its_size_is_told(tmp_path: Path) -> None:
    # "é" is two bytes in UTF-8.
    assert written(tmp_path / "x.txt", "né") == 3
    assert (tmp_path / "x.txt").read_bytes() == b"n\xc3\xa9"


def test_a_lone_surrogate_is_written_as_its_escape(tmp_path: Path) -> None:
    written(tmp_path / "x.txt", "\ud800")

    assert (tmp_path / "x.txt").read_text() == "\\ud800"


def test_an_old_file_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    target.chmod(0o640)

    written(target)

    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_keeps_its_target_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("far/x.txt")

    written(link)

    assert os.readlink(link) == "far/x.txt"
    assert (tmp_path / "far" / "x.txt").read_text() == "new"
    assert os.listdir(tmp_path / "far") == ["x.txt"]


def test_a_link_that_leads_nowhere_makes_its_target(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to("x.txt")

    written(link)

    assert link.is_symlink()
    assert (tmp_path / "x.txt").read_text() == "new"


@pytest.mark.parametrize(
    ("leads", "said"), [("no/x.txt", "does not exist"), ("link.txt", "symbolic links")]
)
def test_a_link_to_where_no_file_can_be_is_refused(tmp_path: Path, leads: str, said: str) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(leads)

    with pytest.raises(UsageError, match=said):
        check_target(link)


def test_all_names_of_a_file_see_the_text(tmp_path: Path) -> None:
    target, other = tmp_path / "x.txt", tmp_path / "y.txt"
    target.write_text("old and longer than what comes")
    other.hardlink_to(target)

    written(target)

    assert other.read_text() == "new"
    assert other.samefile(target)


def test_a_pipe_is_written_through(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()

    written(pipe, "new" * 100_000)  # more than a pipe holds

    reader.join()
    assert read == ["new" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_stays_one() -> None:
    written(Path("/dev/null"))

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_full_device_is_one_error() -> None:
    with pytest.raises(OutputError, match="'/dev/full' cannot be written: No space left"):
        written(Path("/dev/full"))
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}"])
def test_an_open_file_is_written_to_where_it_stands(tmp_path: Path, name: str) -> None:
    with (tmp_path / "x.txt").open("a") as file:
        file.write("before\n")
        file.flush()
        written(Path(name.format(file.fileno())), "new\n")
        file.write("after\n")

    assert (tmp_path / "x.txt").read_text() == "before\nnew\nafter\n"


def test_a_file_that_is_not_open_is_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="'/dev/fd/999' names no file"):
        check_target(Path("/dev/fd/999"))


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="names no file"):
        check_target(tmp_path / name)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_what_ends_it_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "x.txt").write_text("old")

    def ends(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", ends)
    for name in ("x.txt", "y.txt"):
        with pytest.raises((OutputError, KeyboardInterrupt)):
            write_whole(tmp_path / name, "new")

    assert os.listdir(tmp_path) == ["x.txt"]
    assert (tmp_path / "x.txt").read_text() == "old"


def test_what_ends_writing_into_a_file_puts_back_what_it_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    (tmp_path / "y.txt").hardlink_to(target)
    write, calls = os.write, []

    def half(descriptor: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(data)[:4])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OutputError, match="No space left on device; it is as it was"):
        write_whole(target, "new and longer")

    assert target.read_text() == "old"


def test_a_file_that_something_is_mounted_on_is_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")

    def busy(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "replace", busy)
    written(target)

    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["x.txt"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user reaches, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


AS_ANOTHER = """
import os, sys
from pathlib import Path
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
from archscope.errors import ArchscopeError
from archscope.files import at_home, check_target, write_whole
try:
    check_target(Path(sys.argv[1])); write_whole(Path(sys.argv[1]), "new")
except ArchscopeError as error:
    print(type(error).__name__, error)
"""


def as_another(target: Path) -> str:
    """Write as a user who is not root, and return what was raised."""
    # archscope is imported before the user changes, who may not read where Python stands.
    code = "import archscope.files, archscope.errors, shutil, tempfile\n" + AS_ANOTHER
    done = subprocess.run(
        [sys.executable, "-c", code.format(nobody=NOBODY), str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_file_in_a_folder_that_takes_no_new_ones_is_written_into(open_folder: Path) -> None:
    target = open_folder / "x.txt"
    target.write_text("old")
    target.chmod(0o666)
    open_folder.chmod(0o555)

    assert as_another(target) == ""

    open_folder.chmod(0o777)
    assert target.read_text() == "new"


def test_a_new_file_there_is_refused(open_folder: Path) -> None:
    open_folder.chmod(0o555)

    said = as_another(open_folder / "x.txt")

    open_folder.chmod(0o777)
    assert said == f"UsageError directory '{open_folder}' cannot be written to\n"


def test_a_file_that_must_not_be_written_is_refused(open_folder: Path) -> None:
    target = open_folder / "x.txt"
    target.write_text("old")
    target.chmod(0o444)

    assert as_another(target) == f"UsageError '{target}' cannot be written to\n"
    assert target.read_text() == "old"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_owner_stays_theirs(open_folder: Path) -> None:
    target = open_folder / "x.txt"
    target.write_text("old")
    os.chown(target, NOBODY, NOBODY)

    written(target)
    assert target.read_text() == "new"
    assert target.stat().st_uid == NOBODY

    os.chown(target, 0, 0)
    target.chmod(0o666)
    assert as_another(target) == ""
    assert target.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_keeps_its_group(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")
    os.chown(target, -1, NOBODY)

    written(target)

    assert target.stat().st_gid == NOBODY


@pytest.mark.parametrize("reader", [read, read_lock, read_file, read_config])
@pytest.mark.parametrize("what", ["holes", "/dev/zero"])
def test_what_has_no_end_is_refused(
    reader: Callable[[Path], object], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archscope.saved.LARGEST", 1 << 20)
    path = tmp_path / "x.json"
    if what == "holes":
        path.touch()
        os.truncate(path, 1 << 40)
    else:
        path.symlink_to(what)

    with pytest.raises(UsageError, match=r"cannot be read: it has more than \d+ MiB"):
        reader(path)

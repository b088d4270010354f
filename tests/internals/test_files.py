"""Files appear whole or not at all."""

import os
import re
import threading
from pathlib import Path

from helpers.internals import files

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_file_appears_with_its_folder_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "numbers.txt"
    with files.whole(path) as part:
        part.write_text("one", encoding="utf-8")
        assert part.parent == path.parent and part.suffix == ".txt" and not path.exists()
    assert path.read_text(encoding="utf-8") == "one" and list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(OSError, match="disk"), files.whole(path) as part:
        part.write_text("half", encoding="utf-8")
        raise OSError("no room on the disk")
    assert path.read_text(encoding="utf-8") == "old" and list(tmp_path.iterdir()) == [path]


def test_an_interrupted_replacement_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"), files.whole(path) as part:
        part.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_two_threads_that_write_one_file_do_not_meet(tmp_path):
    path, both_began, errors = tmp_path / "a.txt", threading.Barrier(2, timeout=30), []

    def write(letter):
        try:
            with files.whole(path) as part:
                both_began.wait()
                part.write_text(letter * 1000, encoding="utf-8")
                both_began.wait()
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=letter) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and os.listdir(tmp_path) == ["a.txt"]
    assert path.read_text(encoding="utf-8") in ("a" * 1000, "b" * 1000)


def test_nobody_else_puts_a_file_in_anothers_place():
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("helpers", "notebooks", "site")
        for path in sorted((ROOT / folder).glob("**/*.py"))
        if re.search(
            r"\bos\.(replace|rename)\(|TemporaryFile|mkstemp", path.read_text(encoding="utf-8")
        )
    ]
    assert found == ["helpers/internals/files.py"]


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")
def test_others_may_read_the_file_as_any_other(tmp_path):
    before = os.umask(0o022)
    try:
        with files.whole(tmp_path / "a.txt") as part:
            part.touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644

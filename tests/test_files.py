"""Files appear whole or not at all."""

from helpers import files

import pytest


def test_a_file_appears_with_its_folder_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "numbers.txt"
    with files.whole(path) as part:
        part.write_text("one")
        assert part.suffix == ".txt" and not path.exists()
    assert path.read_text() == "one" and list(path.parent.iterdir()) == [path]


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="disk"), files.whole(path) as part:
        part.write_text("half")
        raise OSError("no room on the disk")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]

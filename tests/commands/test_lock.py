"""`make lock` writes pyproject.toml's dependencies and asks uv for one lock for all systems."""

import subprocess
import sys
import tomllib

import lock
import pytest

ENVIRONMENT = """name: a
dependencies:
  - python >=3.11,<3.14  # why
  - pip
  - pip:
      # --- learner: a group
      - numpy >=2,<2.4   # why
      # --- site: what few need
      - sphinx >=9
      # --- scale: a group that notebooks import, too
      - psycopg[binary] >=3.2
      - -e .             # itself
"""
PROJECT = """[project]
name = "a"
# dependencies: written by "make lock" from environment.yml
dependencies = [
    "old",
]
# end of dependencies

[tool]
other = [
]
"""


@pytest.fixture
def root(tmp_path):
    """A folder with the two files that are written by hand."""
    (tmp_path / "environment.yml").write_text(ENVIRONMENT, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    return tmp_path


def test_the_list_goes_into_pyproject_and_all_else_stays(root):
    lock.write_metadata(root)
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    assert project["dependencies"] == ["numpy >=2,<2.4", "psycopg[binary] >=3.2"]
    assert project["optional-dependencies"] == {"site": ["sphinx >=9"]}
    before, _, after = PROJECT.partition('dependencies = [\n    "old",\n]\n')
    assert text.startswith(before) and text.endswith(after)
    lock.write_metadata(root)
    assert (root / "pyproject.toml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", [PROJECT.replace("# end", "# End"), PROJECT + PROJECT])
def test_a_project_without_its_one_block_is_an_error_and_stays(root, text):
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="expected one, from the line"):
        lock.write_metadata(root)
    assert (root / "pyproject.toml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("upgrade", [False, True])
def test_uv_solves_for_the_lowest_python_and_upgrades_on_request_only(root, monkeypatch, upgrade):
    seen = []
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: seen.append((*args, options)))
    lock.write_lock(root, upgrade)
    ((command, options),) = seen
    assert command[:6] == [sys.executable, "-m", "uv", "pip", "compile", "-"]
    assert command[command.index("--python-version") + 1] == "3.11"
    assert command[command.index("--output-file") + 1] == "requirements.lock"
    assert {"--universal", "--generate-hashes"} <= set(command)
    assert ("--upgrade" in command) == upgrade
    assert options["input"] == "numpy >=2,<2.4\nsphinx >=9\npsycopg[binary] >=3.2"
    assert options["cwd"] == root and options["check"]

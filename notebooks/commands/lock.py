"""Derive requirements.lock and pyproject.toml's dependencies from environment.yml ("make lock").

The list is written once, by hand, in environment.yml.
`tests/test_environment.py` fails where the three disagree.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?<=dependencies = \[\n).*?(?=\]\n# end of dependencies)", re.DOTALL)


def listed(root=ROOT):
    """The requirements of environment.yml's pip section, as strings, without the package itself."""
    environment = yaml.safe_load((root / "environment.yml").read_text())
    (section,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    return [requirement for requirement in section if not requirement.startswith("-e")]


def python_range(root=ROOT):
    """The Python versions that environment.yml allows, e.g. `">=3.11,<3.14"`."""
    environment = yaml.safe_load((root / "environment.yml").read_text())
    (line,) = (d for d in environment["dependencies"] if str(d).startswith("python "))
    return line.removeprefix("python ")


def write_metadata(root=ROOT):
    """Write the list into pyproject.toml, between its two marks."""
    path = root / "pyproject.toml"
    lines = "".join(f'    "{requirement}",\n' for requirement in listed(root))
    path.write_text(BLOCK.sub(lambda _: lines, path.read_text()))
    assert tomllib.loads(path.read_text())["project"]["dependencies"] == listed(root)


def write_lock(root=ROOT, upgrade=False):
    """Solve the list for every supported Python and system, and write it with hashes."""
    lowest = re.search(r">=\s*([\d.]+)", python_range(root)).group(1)
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--universal"]
    command += ["--python-version", lowest, "--generate-hashes", "--no-emit-index-url"]
    command += ["--custom-compile-command", "make lock", "--output-file", "requirements.lock"]
    command += ["--upgrade"] if upgrade else []
    subprocess.run(command, input="\n".join(listed(root)), text=True, cwd=root, check=True)


if __name__ == "__main__":
    write_metadata()
    write_lock(upgrade="--upgrade" in sys.argv)
    print("wrote requirements.lock and the dependencies in pyproject.toml")

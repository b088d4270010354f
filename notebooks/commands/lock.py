"""Derive requirements.lock and pyproject.toml's dependencies from environment.yml ("make lock").

The list is written once, by hand, in environment.yml; `lock.py --list` prints it.
`tests/test_environment.py` fails where the three disagree.
"""

import re
import subprocess
import sys
from pathlib import Path

from helpers.internals import files

import yaml

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?<=make lock\" from environment.yml\n).*?(?=# end of dependencies)", re.DOTALL
)
NOTEBOOKS = ("learner", "scale")  # the groups that notebooks import; each other one is an extra


def listed(root=ROOT):
    """The requirements of environment.yml's pip section, as strings, without the package itself."""
    (section,) = (entry["pip"] for entry in _environment(root) if isinstance(entry, dict))
    return [requirement for requirement in section if not requirement.startswith("-e")]


def pip_section(root=ROOT):
    """The text of environment.yml from `- pip:` on."""
    return (root / "environment.yml").read_text(encoding="utf-8").partition("- pip:\n")[2]


def groups(root=ROOT):
    """The groups of environment.yml's pip section: dict name → their requirements, as `listed`."""
    _, *parts = re.split(r"^ +# --- (\w+): .*$", pip_section(root), flags=re.MULTILINE)
    lists = [[one for one in yaml.safe_load(part) if one[:2] != "-e"] for part in parts[1::2]]
    return dict(zip(parts[::2], lists, strict=True))


def python_range(root=ROOT):
    """The Python versions that environment.yml allows, e.g. `">=3.11,<3.14"`."""
    (line,) = (entry for entry in _environment(root) if str(entry).startswith("python "))
    return line.removeprefix("python ")


def _environment(root):
    """What environment.yml lists: conda's packages as strings, pip's as a dictionary."""
    text = (root / "environment.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["dependencies"]


def write_metadata(root=ROOT):
    """Write the list into pyproject.toml, between its two marks. Raises ValueError without them.

    What the notebooks import are the package's dependencies; the other groups are its extras.
    """
    path, extras = root / "pyproject.toml", groups(root)
    dependencies = [one for name in NOTEBOOKS for one in extras.pop(name)]
    lists = "\n".join(_as_toml(name, requirements) for name, requirements in extras.items())
    block = _as_toml("dependencies", dependencies) + "\n[project.optional-dependencies]\n" + lists
    text, count = BLOCK.subn(lambda _: block, path.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError(
            f"pyproject.toml has {count} blocks of dependencies; expected one, from the line "
            "'# dependencies: written by …' to the line '# end of dependencies': mend it by hand"
        )
    with files.whole(path) as part:
        part.write_text(text, encoding="utf-8")


def _as_toml(name, requirements):
    """A list of strings in TOML, one a line."""
    return "".join([f"{name} = [\n", *(f'    "{one}",\n' for one in requirements), "]\n"])


def write_lock(root=ROOT, upgrade=False):
    """Solve the list for every supported Python and system, and write it with hashes."""
    lowest = re.search(r">=\s*([\d.]+)", python_range(root)).group(1)
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--universal"]
    command += ["--python-version", lowest, "--generate-hashes", "--no-emit-index-url"]
    command += ["--custom-compile-command", "make lock", "--output-file", "requirements.lock"]
    command += ["--upgrade"] if upgrade else []
    subprocess.run(command, input="\n".join(listed(root)), encoding="utf-8", cwd=root, check=True)


if __name__ == "__main__":
    if "--list" in sys.argv:
        print(*listed(), sep="\n")
        sys.exit()
    try:
        write_metadata()
        write_lock(upgrade="--upgrade" in sys.argv)
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    print("wrote requirements.lock and the dependencies in pyproject.toml")

"""The other ways to run the course: what the page says works, as far as one machine can try it."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest
import site_files
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

for package in ("sphinx", "myst_nb", "sphinx_book_theme"):
    pytest.importorskip(package, reason=f"{package} is not installed: the site cannot be built")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "site" / "launch.md").read_text(encoding="utf-8")


def test_pages_can_be_launched_where_the_repository_is_known(monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/copy")
    options = site_files.load("conf").html_theme_options
    assert options["repository_url"] == "https://github.com/someone/copy"
    assert {"colab_url", "binderhub_url"} <= options["launch_buttons"].keys()
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert "launch_buttons" not in site_files.load("conf").html_theme_options


@pytest.mark.slow
def test_the_built_pages_lead_to_colab_and_binder(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/copy")
    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    home = f"# Home\n\n{PAGE}\n\n```{{toctree}}\nnotebooks/05\n```\n"
    (source / "index.md").write_text(home, encoding="utf-8")
    code = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("# Fifth\n\ntext")]
    nbformat.write(nbformat.v4.new_notebook(cells=code[::-1]), source / "notebooks" / "05.ipynb")
    command = [sys.executable, "-m", "sphinx", "-q", "-c", ROOT / "site", source, tmp_path / "out"]
    path = os.pathsep.join([str(ROOT / "notebooks" / "commands"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": path})
    page = (tmp_path / "out" / "notebooks" / "05.html").read_text(encoding="utf-8")
    assert "colab.research.google.com/github/someone/copy/blob/main/notebooks/05.ipynb" in page
    assert "mybinder.org/v2/gh/someone/copy/main?urlpath=lab/tree/notebooks/05.ipynb" in page
    home = re.sub("<.*?>", "", (tmp_path / "out" / "index.html").read_text(encoding="utf-8"))
    assert "github.com/someone/copy.git" in home and "OWNER/COURSE" not in home


@pytest.mark.slow
def test_the_cell_for_colab_fetches_and_installs_what_a_notebook_needs(tmp_path):
    """git and pip do what the cell says, on this repository; notebook 00 runs in its folder.

    In an environment of its own, which sees the packages of this one, but not its `helpers`.
    """
    (cell,) = re.findall(r"```ipython3\n(.*?)```", PAGE, re.DOTALL)
    clone, enter, install = cell.splitlines()
    address = re.search(r"https://\S+", clone)[0]
    command = clone.removeprefix("!").replace(address, ROOT.as_uri()).split()
    subprocess.run([*command, "--quiet"], cwd=tmp_path, check=True)
    folder = tmp_path / enter.removeprefix("%cd ")
    assert folder.is_dir()
    venv.create(tmp_path / "env", symlinks=os.name != "nt")
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (packages,) = (tmp_path / "env").rglob("site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    found = subprocess.run([python, "-c", "import helpers"], cwd=tmp_path, check=False)
    assert found.returncode != 0
    assert install == "%pip install --quiet .."  # here without its dependencies, which lie in .venv
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    options = ["--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *options, ".."], cwd=folder, check=True)
    (path,) = folder.glob("00_*.ipynb")
    nb = nbformat.read(path, as_version=4)
    nb.cells.append(nbformat.v4.new_code_cell("import helpers; print(helpers.__file__)"))
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = json.dumps({"argv": argv, "display_name": "-", "language": "python"})
    spec.write_text(kernel, encoding="utf-8")
    kernels = KernelSpecManager(kernel_dirs=[str(spec.parents[1])])
    client = NotebookClient(
        nb,
        km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=kernels),
        timeout=300,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, "COURSE_DATA": "sample", "COURSE_TIER": "quick"})
    assert str(packages) in nb.cells[-1].outputs[0].text


def test_the_dev_container_installs_what_make_installs_with_a_supported_python():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    stamp = re.search(r"^STAMP := (\S+)$", makefile, re.MULTILINE)[1]
    assert container["postCreateCommand"] == f"make {stamp}"
    minor = int(re.fullmatch(r"python:3\.(\d+)", container["image"])[1])
    assert 11 <= minor < 14
    settings = container["customizations"]["vscode"]["settings"]
    assert (
        settings["python.defaultInterpreterPath"] == re.search(r"^RUN +:= (\S+)", makefile, re.M)[1]
    )

"""What GitHub reads: workflows run what make runs, on what the course supports; how to cite it."""

import re
import tomllib
from pathlib import Path

import lock
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
APT = r"sudo apt-get update && sudo apt-get install --yes( [a-z0-9-]+)+"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEST = ROOT / ".github" / "workflows" / "test.yml"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(path):
    """A YAML file's content. `on`, which YAML 1.1 takes for true, keeps its name."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in content.items()}


def recipes():
    """Every command that make runs, as one line each, its variables written out."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    text = text.replace("$(TWO)", re.search(r"^TWO +:= (.*)$", text, re.MULTILINE)[1])
    lines = re.findall(r"^\t@?(.*)$", text, re.MULTILINE)
    return " ".join(" ".join(lines).replace("$(RUN)", "python").split())


def steps(path):
    """The steps of a workflow that run a command: pairs of job and step."""
    for name, job in read(path)["jobs"].items():
        yield from ((name, step) for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_when_where_and_with_which_steps_it_runs(path):
    workflow = read(path)
    assert workflow["on"] and workflow["jobs"]
    assert workflow["permissions"]["contents"] == "read"
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/none@v0"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_step_is_a_command_that_make_has(path):
    targets = set(
        re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    known = recipes()
    for job, step in steps(path):
        command = " ".join(step["run"].split())
        if command.startswith("make "):
            words = [word for word in command.split()[1:] if "=" not in word]
            assert words and set(words) <= targets, command
        elif job == "windows":
            assert command in known, f"{command}: expected a line of the Makefile"
        else:
            assert re.fullmatch(APT, command), command


def test_windows_runs_all_that_make_test_runs():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    rule = text.partition("\ntest:")[2].partition("\nslow:")[0]
    windows = [step["run"] for job, step in steps(TEST) if job == "windows"]
    checks = [command for command in windows if "pip install" not in command]
    assert len(checks) == rule.count("$(RUN)") > 0


def test_every_supported_python_is_tested_on_every_system():
    lowest, beyond = (int(minor) for minor in re.findall(r"3\.(\d+)", lock.python_range()))
    supported = [f"3.{minor}" for minor in range(lowest, beyond)]
    jobs = read(TEST)["jobs"]
    for name in ("make", "windows"):
        assert jobs[name]["strategy"]["matrix"]["python"] == supported
    assert set(jobs["make"]["strategy"]["matrix"]["os"]) == {"ubuntu-latest", "macos-latest"}


def test_the_pages_are_published_from_the_main_branch_once_all_checks_hold():
    jobs = read(TEST)["jobs"]
    publish = jobs.pop("publish")
    assert set(publish["needs"]) == set(jobs)
    assert "github.ref == 'refs/heads/main'" in publish["if"]
    assert [step["run"] for job, step in steps(TEST) if job == "publish"] == ["make site"]
    uploads = [
        step["with"]["path"] for step in publish["steps"] if "upload" in step.get("uses", "")
    ]
    assert uploads == ["build/site"]


def test_the_citation_is_the_packages_and_the_licences():
    citation = read(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == PROJECT["version"] and citation["license"] == PROJECT["license"]
    holder = re.search(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    assert [author["name"] for author in citation["authors"]] == [holder[1]]
    front = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert citation["title"].startswith(front)


def test_the_form_for_teachers_asks_for_time_installing_and_confusing_places():
    form = read(ROOT / ".github" / "ISSUE_TEMPLATE" / "taught.yml")
    assert form["name"] and form["description"]
    fields = {field["id"]: field for field in form["body"]}
    assert {"part", "time", "install", "confusing"} <= fields.keys()
    assert all(field["type"] in ("input", "textarea") for field in fields.values())
    assert all(field["attributes"]["label"] for field in fields.values())

"""The table of faults counts what was noted, and a failed trial is a failed command."""

import json
import subprocess

import faults

COUNTS = {"b": {"named error": 1200}, "a": {"survived": 3, "lost": 1}}


def test_the_table_has_a_row_a_fault_and_a_sum():
    assert faults.table(COUNTS).splitlines() == [
        "| fault | tried | survived | named error | lost |",
        "|---|--:|--:|--:|--:|",
        "| a | 4 | 3 | 0 | 1 |",
        "| b | 1,200 | 0 | 1,200 | 0 |",
        "| all | 1,204 | 3 | 1,200 | 1 |",
    ]


def test_the_command_runs_the_tests_that_are_named_and_passes_on_how_they_ended(
    tmp_path, monkeypatch, capsys
):
    table, seen = tmp_path / "faults.json", []

    def run(command, env, **_):
        seen.append((command[-1], env["FAULTS"]))
        (tmp_path / "faults.json").write_text(json.dumps(COUNTS), encoding="utf-8")
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(faults, "TABLE", table)
    monkeypatch.setattr(subprocess, "run", run)
    assert faults.main(["--share", "0.1", "kills"]) == 1
    assert faults.main([]) == 1
    assert "| b | 1,200 |" in capsys.readouterr().out
    assert seen == [
        (str(faults.ROOT / "tests" / "faults" / "test_kills.py"), "0.1"),
        (str(faults.ROOT / "tests" / "faults"), "1"),
    ]

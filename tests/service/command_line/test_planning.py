"""The planning commands as processes: their files, exit codes and what they say about files that are none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "service.command_line"]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("THREE_CLASSROOMS_")}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planning") / "instance.json"
    answer = run("instance", "--size", "1/20", "--seed", "3", "--out", path)
    assert answer.returncode == 0, answer.stderr
    return path


@pytest.fixture(scope="module")
def plan(instance: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    path = instance.with_name("plan.json")
    return path, run("plan", "--instance", instance, "--budget", "2", "--seed", "5", "--out", path)


def test_an_instance_on_standard_output_is_the_one_in_the_file(instance: Path) -> None:
    answer = run("instance", "--size", "1/20", "--seed", "3")
    assert json.loads(answer.stdout) == json.loads(instance.read_text())


def test_a_plan_tells_its_progress_and_passes_the_check(instance: Path, plan) -> None:
    path, answer = plan
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""
    assert "gap" in answer.stderr
    document = json.loads(path.read_text())
    wanted = {"bound", "score", "gap_pct", "coverage", "worst_school", "worst_school_bound"}
    assert wanted | {"pairings", "unserved", "certificate"} <= set(document)
    verdict = run("plan-check", "--instance", instance, "--plan", path)
    assert (verdict.returncode, verdict.stdout.splitlines()[-1]) == (0, "the plan is right"), verdict.stderr


@pytest.mark.parametrize(
    ("forge", "fault"),
    [
        (lambda d: d["certificate"].update(bound=d["certificate"]["bound"] // 2), "only prove"),
        (lambda d: d["certificate"].update(instance="0" * 64), "another instance"),
        (
            lambda d: d["certificate"]["teacher_week"].update({next(iter(d["certificate"]["teacher_week"])): -1}),
            "price",
        ),
        (lambda d: d.update(score=d["score"] + 1), "score"),
    ],
)
def test_a_forged_plan_is_found_out(instance: Path, plan, tmp_path: Path, forge, fault: str) -> None:
    document = json.loads(plan[0].read_text())
    forge(document)
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(document))
    verdict = run("plan-check", "--instance", instance, "--plan", forged)
    assert verdict.returncode == 1
    assert fault in verdict.stdout


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff\xfe\x00", b'{"format": "three-classrooms-instance"}', b"[" * 99999]
)
def test_a_file_that_is_no_instance_is_one_sentence_and_exit_code_2(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    for answer in (run("plan", "--instance", bad), run("plan-check", "--instance", bad, "--plan", bad)):
        assert answer.returncode == 2
        assert "Traceback" not in answer.stderr
        assert "bad.json" in answer.stderr.replace("\n", "")


def test_a_missing_file_a_folder_and_an_unknown_size_are_refused(instance: Path, tmp_path: Path) -> None:
    for words in (
        ("plan", "--instance", tmp_path / "none.json"),
        ("plan", "--instance", tmp_path),
        ("plan", "--instance", instance, "--budget", "0"),
        ("plan-check", "--instance", instance, "--plan", instance),
        ("instance", "--size", "1/3"),
        ("instance", "--out", tmp_path / "no" / "such.json"),
    ):
        answer = run(*words)
        assert answer.returncode == 2, words
        assert "Traceback" not in answer.stderr

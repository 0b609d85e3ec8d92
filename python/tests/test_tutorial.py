"""docs/python.md: its blocks, from the first to the last."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "python.md"


def test_every_line_runs(program, tmp_path, monkeypatch):
    if not TUTORIAL.exists():
        pytest.skip("there are no docs beside the tests")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", TUTORIAL.read_text(), re.S | re.M)
    assert [kind for kind, _ in blocks].count("python") > 8
    names: dict[str, object] = {}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, str(TUTORIAL), "exec"), names)
        else:
            for line in text.splitlines():
                words = shlex.split(line)
                assert words[0] == "netflowgen"
                subprocess.run([program, "-q", *words[1:]], check=True, stdout=subprocess.DEVNULL)
    assert os.path.exists("store/series.json")

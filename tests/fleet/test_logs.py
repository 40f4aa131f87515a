"""What is logged of an exception."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import structlog
from fleet import logs
logs.configure(as_json={as_json})
secret = "sk-" + "hidden"
try:
    {{}}["nowhere"]
except KeyError:
    structlog.get_logger("test").exception("it failed")
"""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_tells_where_and_no_local(as_json: bool) -> None:
    words = [sys.executable, "-c", PROGRAM.format(as_json=as_json)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert "it failed" in done.stderr
    assert "KeyError: 'nowhere'" in done.stderr
    assert "sk-hidden" not in done.stderr

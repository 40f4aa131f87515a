"""The planner's process ends with the controller that it was started by, whatever it is at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil

PARENT = """
import subprocess, sys, time
worker = "import fleet.flight.planworker as w; w.serve = lambda *a: time.sleep(60); import time; w.main()"
child = subprocess.Popen([sys.executable, "-c", worker], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_planner_that_is_busy_ends_with_its_controller() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        try:
            while child.nice() == os.nice(0) and child.is_running():
                pass  # it has begun
            parent.send_signal(signal.SIGKILL)
            _, left = psutil.wait_procs([child], timeout=20)
            assert not left
        finally:
            parent.kill()
            with suppress(psutil.NoSuchProcess):
                child.kill()

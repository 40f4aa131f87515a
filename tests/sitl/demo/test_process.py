"""Children are started, read, and always brought down."""

import asyncio
import os
import sys

import pytest

from sitl.demo.process import Child, json_line


def child(tmp_path, code, **more):
    return Child("it", [sys.executable, "-c", code], log=tmp_path / "it.log", **more)


async def until(condition, seconds=20.0):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_lines_reach_the_reader_and_the_log(tmp_path):
    lines = []
    process = child(
        tmp_path, "import sys; print('out'); print('err', file=sys.stderr)", on_line=lines.append
    )
    await process.start()
    assert await process.wait() == 0
    assert lines == ["out"]
    assert sorted((tmp_path / "it.log").read_text().split()) == ["err", "out"]


async def test_a_token_reaches_the_reader_and_no_file(tmp_path):
    lines = []
    token = "sky_" + "aB3-_" * 8
    process = child(tmp_path, f"print('keep it: {token}')", on_line=lines.append)
    await process.start()
    assert await process.wait() == 0
    assert lines == [f"keep it: {token}"]
    assert (tmp_path / "it.log").read_text() == "keep it: sky_...\n"
    assert token not in "".join(process.last_lines)


async def test_stop_ends_one_that_ignores_sigterm_and_its_children(tmp_path, lives):
    code = (
        "import signal,subprocess,sys,time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(p.pid)\n"
        "time.sleep(600)"
    )
    lines = []
    process = child(tmp_path, code, on_line=lines.append)
    await process.start()
    await until(lambda: lines)
    await process.stop(grace_s=0.2)
    for pid in (process.pid, int(lines[0])):
        await until(lambda pid=pid: not lives(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="uses PR_SET_PDEATHSIG of Linux")
async def test_children_end_when_their_parent_is_killed(tmp_path, lives):
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from sitl.demo.process import Child\n"
        "async def main():\n"
        f"    log = Path({str(tmp_path / 'x.log')!r})\n"
        "    c = Child('x', [sys.executable, '-c', 'import time; time.sleep(600)'], log=log)\n"
        "    await c.start(); print(c.pid, flush=True); await c.wait()\n"
        "asyncio.run(main())"
    )
    lines = []
    parent = child(tmp_path, code, on_line=lines.append, env={"PYTHONPATH": os.getcwd()})
    await parent.start()
    await until(lambda: lines)
    grandchild = int(lines[0])
    assert lives(grandchild)
    os.kill(parent.pid, 9)
    await until(lambda: not lives(grandchild))
    await parent.stop(grace_s=1)


@pytest.mark.parametrize(
    ("line", "value"), [('{"a": 1}', {"a": 1}), ("{broken", None), ("words", None), ("[1]", None)]
)
def test_json_line(line, value):
    assert json_line(line) == value

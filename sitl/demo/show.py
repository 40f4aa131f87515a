"""Runs the demo in a terminal or without one, and ends it on any signal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live

from sitl.demo.run import Demo, DemoFailed, Options
from sitl.demo.screen import screen

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RECALL_TRIES = 20


def say(words: str) -> None:
    """Print a line to standard error; a terminal that was closed is no error."""
    with contextlib.suppress(OSError):
        print(words, file=sys.stderr, flush=True)


async def run(options: Options, *, headless: bool, as_json: bool) -> int:
    """Run the demo to its end and return the exit status.

    130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, as a shell expects; 1 where a drone
    did not come home or an incident did not arrive.
    """
    loop = asyncio.get_running_loop()
    course = asyncio.create_task(_course(options, headless=headless, as_json=as_json))
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        course.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await course
    except asyncio.CancelledError:
        return 128 + caught[0] if caught else 1
    except OSError:
        if caught:  # the terminal is gone, and with it where the screen was drawn
            return 128 + caught[0]
        raise
    except DemoFailed as error:
        say(f"skybeat demo: {error}")
        return 1


async def _course(options: Options, *, headless: bool, as_json: bool) -> int:
    async with Demo(options) as demo:
        say("starting the city, the controller and the workers ...")
        await demo.start()
        address = f"{options.address}/#token={demo.seen.viewer_token}"
        say(f"map: {options.address}   (signed in: {address})")
        if headless or not sys.stdout.isatty():
            await _fly(demo, lambda _: None)
        else:
            await _fly_on_screen(demo, address)
        say(_whereabouts(demo))
        for site in demo.watched_too_short():
            say(
                f"{site} was watched for {demo.watched_s(site):.0f} s only: no incident is expected"
            )
        faults = demo.faults()
        for fault in faults:
            say(f"fault: {fault}")
        figures: dict[str, Any] = demo.summary().as_dict()
        if played := demo.aftermath():
            figures["faults"] = [one.as_dict() for one in played]
            for one in played:
                say(f"played: {one.line()}")
    # printed when everything is down, so that it really is the last word
    if as_json:
        print(json.dumps(figures), flush=True)
    else:
        say(json.dumps(figures))
    return 1 if faults else 0


def _whereabouts(demo: Demo) -> str:
    """Return where the drones are, in words; one that a fault kept from home is named."""
    if not demo.all_home():
        return "not all is home"
    kept = sorted(demo.excused())
    if kept:
        return f"every door is closed, and every drone home but {', '.join(kept)}"
    return "every drone is home and every door closed"


async def _fly(demo: Demo, show: Callable[[str], None]) -> None:
    """Go on for the time asked for (or until a signal), then call home and wait for the last."""
    seconds = demo.options.seconds
    async for elapsed in demo.ticks():
        show(f"{elapsed:.0f} s")
        if seconds is not None and elapsed >= seconds:
            break
    await _recall(demo)
    start = time.monotonic()
    async for _ in demo.ticks():
        waited = time.monotonic() - start
        show(f"coming home, {waited:.0f} s")
        if (demo.all_home() and demo.settled()) or waited > demo.longest_home_s:
            return


async def _recall(demo: Demo) -> None:
    """Call every drone home; the controller may be starting again just now."""
    assert demo.controller is not None
    for _ in range(RECALL_TRIES):
        with contextlib.suppress(httpx.HTTPError):
            await demo.controller.recall("the demo is over")
            return
        await asyncio.sleep(1.0)
    raise DemoFailed("the controller did not take the recall")


async def _fly_on_screen(demo: Demo, address: str) -> None:
    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show(clock: str) -> None:
            with contextlib.suppress(OSError):
                live.update(
                    screen(address, clock, demo.seen.state, demo.truth.cad.entries), refresh=True
                )

        await _fly(demo, show)

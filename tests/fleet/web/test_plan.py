"""The plan as a Gantt chart and the cells' ages on the map, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import FakeController

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
BLUE, RED = np.array([180, 117, 69]), np.array([39, 48, 215])
"""Of the classes "fresh" and "long overdue", as BGR."""


def _has_text(page: Any, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def _show_plan(page: Any) -> None:
    page.click(".plan-button")
    page.wait_for_selector(".plan:visible .plan-line")


def _bars(page: Any, drone: str) -> list[dict[str, Any]]:
    """The bars of a drone: kind, state, and from and until which minute from now they reach."""
    return page.evaluate(
        """drone => {
            const now = document.querySelector('.plan-now').getBoundingClientRect();
            const lane = document.querySelector('.plan-line .plan-lane').getBoundingClientRect();
            const minute = lane.width / 180, zero = now.x + now.width / 2;
            const bars = document.querySelectorAll(`.plan-line[data-drone="${drone}"] .plan-bar`);
            return [...bars].map((bar) => {
                const {left, right} = bar.getBoundingClientRect();
                return {...bar.dataset, from: (left - zero) / minute, until: (right - zero) / minute};
            });
        }""",
        drone,
    )


def test_bars_stand_where_their_times_are(controller: FakeController, open_page: Open) -> None:
    controller.put_plan(
        "d-01",
        controller.item("d-01", -40, -20, kind="stare", sortie="s-0"),
        controller.item("d-01", -10, 12, sortie="s-1", cells=["c0-0", "c0-1"]),
        controller.item("d-01", 30, 50, kind="task", sortie="s-2"),
    )
    page = open_page(f"{controller.url}#token=sk-viewer")
    _show_plan(page)
    page.wait_for_selector(".plan-bar[data-state=planned]")
    flown, flying, planned = _bars(page, "d-01")
    # one minute is 4 px wide; a pixel or two each for rounding and for the seconds since
    assert (flown["kind"], flown["state"]) == ("stare", "flown")
    assert (flown["from"], flown["until"]) == pytest.approx((-40, -20), abs=1)
    assert (flying["kind"], flying["state"]) == ("patrol", "flying")
    assert (flying["from"], flying["until"]) == pytest.approx((-10, 12), abs=1)
    assert (planned["kind"], planned["state"]) == ("task", "planned")
    assert (planned["from"], planned["until"]) == pytest.approx((30, 50), abs=1)
    controller.put_plan("d-01", controller.item("d-01", -10, 40, sortie="s-1"))
    page.wait_for_function("() => document.querySelectorAll('.plan-bar').length === 1")
    (later,) = _bars(page, "d-01")
    assert later["until"] == pytest.approx(40, abs=1)
    assert page.complaints == []


def test_a_bar_tells_of_itself_and_chooses_its_drone(
    controller: FakeController, open_page: Open
) -> None:
    request = {
        "kind": "patrol", "beats": ["old-town"], "sites": [], "priority": 0, "until": None,
        "note": "",
    }  # fmt: skip
    controller.put(
        "order", id="o-1", request=request, status="active", created_at="2026-05-01T08:00:00Z",
        created_by="li", reason="",
    )  # fmt: skip
    flight = controller.item("d-01", -5, 20, sortie="s-1", cells=["c0-0", "c1-0"])
    controller.put_plan("d-01", flight)
    page = open_page(f"{controller.url}#token=sk-viewer")
    _show_plan(page)
    page.hover(".plan-bar")
    _has_text(page, ".plan-tip", "d-01 · Patrol")
    told = page.inner_text(".plan-tip")
    for part in ("Under way", "Dock-1", "Old-Town", "2 cells: c0-0, c1-0", "25 min"):
        assert part in told
    page.click(".plan-bar")
    page.wait_for_selector(".cockpit[data-id=d-01]:visible")
    page.wait_for_selector(".plan-line.selected[data-drone=d-01] .plan-bar.chosen")
    page.click("#tab-orders")
    page.wait_for_selector(".panel-orders li.chosen[data-id=o-1]")


def test_lines_are_grouped_by_dock_and_only_those_in_view_exist(
    controller: FakeController, open_page: Open
) -> None:
    for number in range(240):
        name = f"d-{number:03d}"
        dock = f"dock-{number % 2 + 1}"
        controller.drone(
            name, 117.62, 24.51, dock=dock, state="docked", telemetry={"in_air": False}
        )
        controller.put_plan(name, controller.item(name, -5, 20, sortie=f"s-{number}", dock=dock))
    page = open_page(f"{controller.url}#token=sk-viewer")
    _show_plan(page)
    page.wait_for_selector(".plan-line[data-drone=d-000] .plan-bar")
    assert page.inner_text(".plan-line[data-drone='d-000'] .plan-dock") == "Dock-1"
    assert page.locator(".plan-line").count() < 60
    assert page.locator(".plan-line[data-drone='d-239']").count() == 0
    page.evaluate("document.querySelector('.plan-scroll').scrollTop = 1e6")
    page.wait_for_selector(".plan-line[data-drone='d-239'] .plan-bar")
    assert page.locator(".plan-line[data-drone='d-000']").count() == 0
    assert page.locator(".plan-line").count() < 60
    # and by the keyboard alone
    page.focus(".plan-space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    _has_text(page, ".plan-tip", "Patrol")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cockpit:visible")


def test_plan_speaks_chinese(controller: FakeController, open_page: Open) -> None:
    controller.put_plan("d-01", controller.item("d-01", -5, 30, kind="response", sortie="s-1"))
    page = open_page(f"{controller.url}#token=sk-viewer", locale="zh-CN")
    _show_plan(page)
    _has_text(page, ".plan-bar", "处警")
    assert page.inner_text(".plan h2") == "计划"
    page.get_by_role("button", name="English").click()
    _has_text(page, ".plan-bar", "Call")


def _paint(page: Any, lon: float, lat: float) -> Any:
    """The colour of the map at a place, as BGR; docks 1 and 2 give the scale."""
    points = []
    for dock in ("dock-1", "dock-2"):
        box = page.locator(f".pin-dock[data-id={dock}]").bounding_box()
        points.append((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    (x1, y1), (x2, y2) = points
    x = x1 + (lon - 117.62) * (x2 - x1) / 0.030
    y = y1 + (lat - 24.51) * (y2 - y1) / -0.010
    shot = page.screenshot(clip={"x": x - 3, "y": y - 3, "width": 6, "height": 6})
    return cv2.imdecode(np.frombuffer(shot, np.uint8), 1).mean(axis=(0, 1))


def _wait_for_paint(page: Any, lon: float, lat: float, near: Any, than: Any) -> None:
    for _ in range(60):  # each screenshot waits for a frame
        seen = _paint(page, lon, lat)
        if np.linalg.norm(seen - near) + 20 < np.linalg.norm(seen - than):
            return
    pytest.fail(f"the map at {lon}, {lat} has the colour {seen}, not nearer to {near} than {than}")


def test_a_cells_colour_changes_when_it_is_seen(
    controller: FakeController, open_page: Open
) -> None:
    controller.put_cell("c0-0", 250)
    controller.put_cell("c2-2", 250)
    controller.put_cell("c1-0", None)
    page = open_page(f"{controller.url}#token=sk-viewer", painted=True)
    page.wait_for_selector(".age-legend:visible")
    first, other = (117.6135, 24.5035), (117.637, 24.527)
    _wait_for_paint(page, *first, near=RED, than=BLUE)
    counts = page.locator(".age-legend .count").all_inner_texts()
    assert counts == ["0", "0", "0", "0", "2", "1"]
    controller.put_cell("c0-0", 0)
    _wait_for_paint(page, *first, near=BLUE, than=RED)
    _wait_for_paint(page, *other, near=RED, than=BLUE)
    assert page.locator(".age-legend .count").all_inner_texts() == ["1", "0", "0", "0", "1", "1"]
    page.click(".layers summary")
    page.click(".layers .swatch-ages")
    page.wait_for_selector(".age-legend", state="hidden")
    ground = np.array([80, 51, 27])
    _wait_for_paint(page, *first, near=ground, than=BLUE)
    assert page.complaints == []


def test_a_cell_tells_its_age_and_what_it_is_owed(
    controller: FakeController, open_page: Open
) -> None:
    controller.put_cell("c2-2", 90)
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.wait_for_selector(".age-legend:visible")
    box = page.locator(".pin-dock[data-id=dock-1]").bounding_box()
    other = page.locator(".pin-dock[data-id=dock-2]").bounding_box()
    x = box["x"] + (other["x"] - box["x"]) * 0.017 / 0.030
    y = box["y"] - (other["y"] - box["y"]) * 0.017 / 0.010
    page.mouse.move(x, y)
    _has_text(page, ".map-tip", "c2-2")
    told = page.inner_text(".map-tip")
    for part in ("Unseen for 1 h 30 min", "every 1 h 0 min", "Overdue"):
        assert part in told

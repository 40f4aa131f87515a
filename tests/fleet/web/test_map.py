"""The map page in a real browser, against a controller that serves it over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from conftest import FakeController

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def _centre(page: Any, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _wait(page: Any, condition: str, argument: Any = None) -> None:
    page.wait_for_function(condition, arg=argument)


def _has_text(page: Any, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def _wait_until_painted(page: Any) -> None:
    """Wait until a place in the district and out of the beat has not the ground's colour."""
    x, y = _centre(page, ".pin-dock[data-id=dock-2]")
    clip = {"x": x + 14, "y": y + 14, "width": 6, "height": 6}
    ground = np.array([0x1B, 0x10, 0x0A])  # of the style, as BGR
    for _ in range(50):  # each screenshot waits for a frame
        shot = np.frombuffer(page.screenshot(clip=clip), np.uint8)
        if np.abs(cv2.imdecode(shot, 1).mean(axis=(0, 1)) - ground).max() > 10:
            return
    pytest.fail("the district is not painted")


def test_city_is_drawn_from_here_alone_and_without_complaint(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer", painted=True)
    page.wait_for_selector(".pin-site")
    assert page.locator(".pin-dock").count() == 2
    assert page.locator(".pin-site").count() == 2
    assert page.inner_text(".where .city") == "Testville"
    assert page.inner_text(".where .note") == "illustrative"
    assert page.locator(".map-failed").count() == 0
    _wait_until_painted(page)
    assert page.strangers == []
    assert page.complaints == []


def test_markers_stand_where_their_positions_are(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.wait_for_selector(".pin-drone")
    x1, y1 = _centre(page, ".pin-dock[data-id=dock-1]")  # 117.620, 24.510
    x2, y2 = _centre(page, ".pin-dock[data-id=dock-2]")  # 117.650, 24.500
    per_degree_x, per_degree_y = (x2 - x1) / 0.030, (y2 - y1) / -0.010
    assert per_degree_x > 0 > per_degree_y
    for selector, lon, lat in (
        (".pin-site[data-id=bridge]", 117.635, 24.515),
        (".pin-site[data-id=market]", 117.605, 24.540),
        (".pin-drone[data-id=d-01]", 117.622, 24.512),
    ):
        x, y = _centre(page, selector)
        # markers stand on whole pixels, and the scale was taken over 110 of them
        assert x == pytest.approx(x1 + (lon - 117.62) * per_degree_x, abs=6), selector
        assert y == pytest.approx(y1 + (lat - 24.51) * per_degree_y, abs=6), selector


def test_drone_moves_and_turns_with_the_stream(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.wait_for_selector(".pin-drone[data-id=d-01]")
    x, y = _centre(page, ".pin-drone[data-id=d-01]")
    controller.drone(
        "d-01", 117.640, 24.512, state="returning",
        telemetry={"heading_deg": 200.0, "battery_percent": 43.2},
    )  # fmt: skip
    _has_text(page, ".pin-drone .tag", "43%")
    moved_x, moved_y = _centre(page, ".pin-drone[data-id=d-01]")
    assert moved_x > x + 50
    assert moved_y == pytest.approx(y, abs=1)
    heading = "document.querySelector('.pin-drone .symbol').style.getPropertyValue('--heading')"
    assert page.evaluate(heading) == "200deg"
    page.click("#tab-drones")
    row = page.inner_text(".panel-drones li[data-id=d-01]")
    assert "Returning" in row
    assert "43%" in row
    assert "200°" in row


def test_drone_in_its_dock_is_told_by_the_dock(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.wait_for_selector(".pin-drone[data-id=d-01]")
    controller.drone("d-01", 117.62, 24.51, state="docked", telemetry={"in_air": False})
    page.wait_for_selector(".pin-drone[data-id=d-01]", state="detached")
    assert page.inner_text(".pin-dock[data-id=dock-1] .tag") == "1"
    controller.dock("dock-1", door="jammed", reason="stopped at 40 %")
    page.wait_for_selector(".pin-dock[data-id=dock-1][data-door=jammed]")
    page.click("#tab-docks")
    row = page.inner_text(".panel-docks li[data-id=dock-1]")
    assert "JAMMED" in row
    assert "stopped at 40 %" in row
    assert "Offline" in page.inner_text(".panel-docks li[data-id=dock-2]")


def test_blind_site_is_said_plainly(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    _has_text(page, ".panel-sites li[data-id=bridge]", "4.12 m")
    controller.site("bridge", state="blind", reason="no frame for 12 s", level="normal")
    page.wait_for_selector(".pin-site[data-id=bridge][data-state=blind]")
    assert "BLIND" in page.inner_text(".pin-site[data-id=bridge] .tag")
    row = page.inner_text(".panel-sites li[data-id=bridge]")
    assert "BLIND: no picture" in row
    assert "no frame for 12 s" in row
    assert "last 4.12 m" in row


def test_incident_comes_with_its_picture_and_an_officer_confirms_it(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-officer")
    assert "No incidents" in page.inner_text(".incidents")
    controller.incident("i-1")
    card = page.locator(".card[data-id=i-1]")
    card.wait_for()
    _wait(page, "() => document.querySelector('.card .picture').naturalWidth === 160")
    assert "High water · Bridge" in card.inner_text()
    assert "5.31 m" in card.inner_text()
    assert page.locator(".pin-incident[data-id=i-1]").count() == 1
    assert page.title() == "(1) Skybeat"
    card.get_by_role("button", name="Confirm").click()
    page.wait_for_selector(".card[data-id=i-1][data-status=confirmed]")
    assert controller.decisions == [("i-1", "confirm", "")]
    assert "officer-1" in card.inner_text()
    assert page.title() == "Skybeat"
    assert page.complaints == []


def test_rejecting_takes_a_reason(controller: FakeController, open_page: Open) -> None:
    controller.incident("i-1")
    page = open_page(f"{controller.url}#token=sk-officer")
    card = page.locator(".card[data-id=i-1]")
    card.get_by_role("button", name="Reject").click()
    card.get_by_role("button", name="Reject").click()
    assert controller.decisions == []
    page.keyboard.type("a boat's wake")
    page.keyboard.press("Enter")
    page.wait_for_selector(".card[data-id=i-1][data-status=rejected]")
    assert controller.decisions == [("i-1", "reject", "a boat's wake")]
    assert page.locator(".pin-incident").count() == 0


def test_a_rejection_names_the_picture_that_was_looked_at(
    controller: FakeController, open_page: Open
) -> None:
    controller.incident("i-1", level="yellow")
    page = open_page(f"{controller.url}#token=sk-officer")
    card = page.locator(".card[data-id=i-1]")
    card.get_by_role("button", name="Reject").click()
    first = next(iter(controller.pictures))
    risen = "f" * 64
    controller.pictures[risen] = controller.pictures[first]
    controller.put("incident", id="i-1", level="red", image_sha256=risen)
    page.wait_for_selector(".card[data-id=i-1][data-level=red]")
    assert "Risen to Red" in page.text_content(".news")
    controller.refuse_decisions = "it has risen"
    page.keyboard.type("a wake")
    page.keyboard.press("Enter")
    _has_text(page, ".card .error", "Not done: it has risen")
    controller.refuse_decisions = None
    card.get_by_role("button", name="Reject").click()
    page.wait_for_selector(".card[data-id=i-1][data-status=rejected]")
    assert controller.looked_at == [first, risen]


def test_an_incident_that_the_cad_does_not_take_is_marked(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-officer")
    controller.incident("i-1", status="confirmed", updated_at="2026-01-01T00:00:00+00:00")
    _has_text(page, ".card[data-id=i-1] .status.late", "NOT received by the CAD")
    controller.put("incident", id="i-1", status="reported")
    _has_text(page, ".card[data-id=i-1] .status:not(.late)", "Received by the CAD")


def test_a_controller_that_falls_silent_is_not_called_live(
    controller: FakeController, open_page: Open
) -> None:
    """The connection stays open and nothing comes: a frozen machine, a cut without a reset."""
    controller.silent = True
    page = open_page(f"{controller.url}#token=sk-officer")
    _has_text(page, ".link", "Live")
    _has_text(page, ".lost-bar", "Connection lost")


def test_what_waits_is_listed_the_worst_first(controller: FakeController, open_page: Open) -> None:
    for name, level in (("i-1", "red"), ("i-2", "yellow"), ("i-3", "orange")):
        controller.incident(name, level=level)
    page = open_page(f"{controller.url}#token=sk-officer")
    page.wait_for_selector(".card[data-id=i-3]")
    cards = page.eval_on_selector_all(".card", "all => all.map((one) => one.dataset.level)")
    assert cards == ["red", "orange", "yellow"]


def test_refused_decision_is_told(controller: FakeController, open_page: Open) -> None:
    controller.incident("i-1")
    controller.refuse_decisions = "already reported"
    page = open_page(f"{controller.url}#token=sk-officer")
    page.locator(".card").get_by_role("button", name="Confirm").click()
    _has_text(page, ".card .error", "Not done: already reported")


def test_viewer_has_no_buttons_to_decide(controller: FakeController, open_page: Open) -> None:
    controller.incident("i-1")
    page = open_page(f"{controller.url}#token=sk-viewer")
    _has_text(page, ".card", "An officer decides on this.")
    assert page.locator(".card .decision button:visible").count() == 0


def test_lost_connection_is_said_and_made_again(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    controller.kill()
    page.wait_for_selector(".lost-bar:visible")
    assert re.search(r"Connection lost\. What you see is \d+ s old", page.inner_text(".lost-bar"))
    controller.site("bridge", value=5.55, level="orange")  # while nobody listens
    controller.start()
    page.wait_for_selector(".lost-bar", state="hidden")  # by itself
    _has_text(page, ".panel-sites li[data-id=bridge]", "5.55 m")
    assert controller.streams == 1
    controller.kill()
    page.wait_for_selector("text=/Next attempt in [6-9] s/")  # by itself it would come too late
    controller.start()
    page.click(".lost-bar .retry")
    page.wait_for_selector(".lost-bar", state="hidden", timeout=5000)
    assert controller.streams == 1


def test_token_leaves_the_address_and_is_kept_for_the_tab(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    assert page.url == controller.url
    assert not any("sk-viewer" in request for request in controller.requests)
    page.reload()
    page.wait_for_selector(".link[data-phase=live]")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_selector(".sign-in")
    assert page.evaluate("sessionStorage.getItem('skybeat.token')") is None


def test_sign_in_with_a_wrong_token_says_so_and_with_a_right_one_opens(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(controller.url, wait=".sign-in")
    page.keyboard.type("nonsense")  # the field has the focus
    page.keyboard.press("Enter")
    _has_text(page, ".sign-in .error", "This token is not valid")
    assert "GET /api/v1/stream" not in controller.requests
    page.fill("#token", "sk-officer")
    page.keyboard.press("Enter")
    page.wait_for_selector(".link[data-phase=live]")
    assert page.inner_text(".who") == "officer-1 (officer)"


def test_chinese_by_preference_and_english_by_the_switch(
    controller: FakeController, open_page: Open
) -> None:
    controller.site("bridge", state="blind")
    page = open_page(f"{controller.url}#token=sk-viewer", locale="zh-CN")
    _has_text(page, ".panel-sites li[data-id=bridge]", "失明：无画面")
    assert page.inner_text(".where .city") == "测试市"
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.get_by_role("button", name="English").click()
    _has_text(page, ".panel-sites li[data-id=bridge]", "BLIND: no picture")
    assert "Bridge" in page.inner_text(".pin-site[data-id=bridge] .tag")
    assert page.get_attribute("html", "lang") == "en"


def test_text_is_never_markup(controller: FakeController, open_page: Open) -> None:
    evil = "<img src=x onerror=document.title='owned'><b>x</b>"
    controller.site("bridge", state="blind", reason=evil)
    controller.incident("i-1", reason=evil, kind=evil)
    page = open_page(f"{controller.url}#token=sk-viewer")
    _has_text(page, ".panel-sites li[data-id=bridge]", evil)
    _has_text(page, ".card", evil)
    assert page.locator("#app img[src=x], #app .words b").count() == 0
    assert page.complaints == []


def test_keyboard_reaches_markers_and_lists(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.locator(".pin-drone[data-id=d-01]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".panel-drones li[data-id=d-01].selected")
    page.locator("#tab-drones").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-docks", "aria-selected") == "true"
    assert page.locator(".panel-docks").is_visible()


def test_lists_go_on_where_the_map_cannot_be_drawn(
    controller: FakeController, browser: Any
) -> None:
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page.goto(f"{controller.url}#token=sk-viewer")
    _has_text(page, ".map", "The map cannot be drawn")
    controller.site("bridge", value=4.77)
    _has_text(page, ".panel-sites li[data-id=bridge]", "4.77 m")
    context.close()

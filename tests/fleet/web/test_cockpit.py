"""A pilot's buttons on the map, in a real browser: what they send, and what is shown of the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import FakeController

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def _has_text(page: Any, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def _button(page: Any, name: str) -> Any:
    return page.locator(".cockpit").get_by_role("button", name=name, exact=True)


def _choose(page: Any) -> None:
    page.click(".pin-drone[data-id=d-01]")
    page.wait_for_selector(".cockpit:visible")


def test_a_chosen_drone_shows_its_warnings_and_who_has_control(
    controller: FakeController, open_page: Open
) -> None:
    controller.drone(
        "d-01", 117.622, 24.512, warnings=["wind 11 m/s", "near the fence"], holder="li",
        reason="patrols",
    )  # fmt: skip
    page = open_page(f"{controller.url}#token=sk-viewer")
    assert page.locator(".cockpit").is_hidden()
    _choose(page)
    words = page.inner_text(".cockpit")
    for part in ("d-01", "On task", "wind 11 m/s", "near the fence", "li has control", "patrols"):
        assert part in words
    assert "A pilot commands drones." in words
    assert page.locator(".cockpit .commands").is_hidden()
    row = page.inner_text(".panel-drones li[data-id=d-01]")
    assert "wind 11 m/s" in row
    assert "li has control" in row
    page.click(".cockpit header button")
    page.wait_for_selector(".cockpit", state="hidden")
    assert page.complaints == []


def test_a_press_is_sent_with_an_id_and_answered_in_the_vehicles_words(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    _has_text(page, ".cockpit", "Nobody has control")
    assert _button(page, "Resume").is_disabled()
    _button(page, "Hold").click()
    _has_text(page, ".cockpit .answer", "Hold: COMMAND_ACK: ACCEPTED")
    _has_text(page, ".cockpit", "You have control.")
    controller.refuse_commands = "d-01: return: COMMAND_DENIED: no home"
    _button(page, "Return").click()
    _has_text(page, ".cockpit .answer.error", "Return, not done: d-01: return: COMMAND_DENIED")
    controller.refuse_commands = None
    _button(page, "Release control").click()
    _has_text(page, ".cockpit", "Nobody has control")
    controller.put("drone", id="d-01", state="held")
    _button(page, "Resume").click()
    _has_text(page, ".cockpit .answer", "Resume: COMMAND_ACK")
    sent = [(drone, body["action"]) for drone, body in controller.commands]
    assert sent == [
        ("d-01", "hold"), ("d-01", "return"), ("d-01", "release_control"), ("d-01", "resume"),
    ]  # fmt: skip
    assert len({body["id"] for _, body in controller.commands}) == 4


def test_a_lost_answer_is_asked_for_again_with_the_same_id(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    controller.hang_up = 1
    _button(page, "Hold").click()
    _has_text(page, ".cockpit .answer", "Hold: COMMAND_ACK: ACCEPTED")
    assert len(controller.commands) >= 2
    assert len({body["id"] for _, body in controller.commands}) == 1


def test_what_cannot_be_undone_is_asked_once(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    _button(page, "Land here").click()
    _has_text(page, ".cockpit .asking", "whatever is below?")
    _button(page, "Cancel").click()
    page.wait_for_selector(".cockpit .asking", state="hidden")
    assert controller.commands == []
    _button(page, "Land here").click()
    _button(page, "Yes").click()
    _has_text(page, ".cockpit .answer", "Land here: COMMAND_ACK")
    controller.put("drone", id="d-01", holder="li", holder_token="token-of-li")
    _has_text(page, ".cockpit", "li has control.")
    assert _button(page, "Hold").is_disabled()
    _button(page, "Take over").click()
    _has_text(page, ".cockpit .asking", "Take over from li?")
    _button(page, "Yes").click()
    _has_text(page, ".cockpit", "You have control.")
    (_, land), (_, take) = controller.commands
    assert land["action"] == "land"
    assert (take["action"], take["take_over"]) == ("take_control", True)


def test_motors_are_stopped_in_two_steps(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    _button(page, "Stop motors").click()
    _has_text(page, ".cockpit .answer.error", "d-01 would fall; ask again")
    _has_text(page, ".cockpit .asking", "Stop the motors now?")
    _button(page, "Cancel").click()
    page.wait_for_selector(".cockpit .asking", state="hidden")
    assert [body.get("confirm") for _, body in controller.commands] == [None]
    _button(page, "Stop motors").click()
    _button(page, "Yes").click()
    _has_text(page, ".cockpit .answer", "Stop motors: COMMAND_ACK")
    assert [body.get("confirm") for _, body in controller.commands] == [None, None, "pifi"]
    assert len({body["id"] for _, body in controller.commands}) == 3


def test_what_is_urgent_does_not_wait_for_the_answer_to_something_else(
    controller: FakeController, open_page: Open
) -> None:
    controller.slow = threading.Event()
    page = open_page(f"{controller.url}#token=sk-pilot")
    controller.put("drone", id="d-01", state="held")  # as one is that flies where it was sent
    _choose(page)
    _button(page, "Send here").click()
    page.wait_for_selector(".map.picking")
    box = page.locator(".pin-drone[data-id=d-01]").bounding_box()
    page.mouse.click(box["x"] + 60, box["y"])
    _has_text(page, ".cockpit .answer", "Send here: under way")
    assert _button(page, "Look at").is_disabled()
    for name in ("Return", "Land here", "Stop motors"):
        assert _button(page, name).is_enabled()
    _button(page, "Hold").click()
    _has_text(page, ".cockpit .answer", "Hold: COMMAND_ACK: ACCEPTED")
    controller.slow.set()
    page.wait_for_function(
        "() => !document.querySelector('.cockpit .commands button:nth-last-child(2)').disabled"
    )
    assert "Hold: COMMAND_ACK: ACCEPTED" in page.inner_text(".cockpit .answer")


def test_another_pilot_of_the_same_name_is_another(
    controller: FakeController, open_page: Open
) -> None:
    controller.put("drone", id="d-01", holder="pilot-1", holder_token="token-of-his-namesake")
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    _has_text(page, ".cockpit", "pilot-1 has control.")
    assert _button(page, "Hold").is_disabled()
    assert _button(page, "Take over").is_enabled()


def test_a_place_is_clicked_on_the_map(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    _choose(page)
    page.wait_for_function(
        "() => document.querySelector('.pin-drone').getBoundingClientRect().x > 100"
    )
    _button(page, "Send here").click()
    _has_text(page, ".cockpit .answer", "Click on the map where it is to go, at 61 m")
    page.keyboard.press("Escape")
    page.wait_for_selector(".cockpit .answer", state="hidden")
    assert controller.commands == []
    _button(page, "Send here").click()
    page.wait_for_selector(".map.picking")
    box = page.locator(".pin-drone[data-id=d-01]").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)  # on a marker
    _has_text(page, ".cockpit .answer", "Send here: COMMAND_ACK")
    _button(page, "Look at").click()
    _has_text(page, ".cockpit .answer", "what it is to look at")
    page.mouse.click(box["x"] + 100, box["y"])
    _has_text(page, ".cockpit .answer", "Look at: COMMAND_ACK")
    _button(page, "Circle").click()
    _has_text(page, ".cockpit .answer", "50 m around, at 61 m")
    page.mouse.click(box["x"] + 100, box["y"])
    _has_text(page, ".cockpit .answer", "Circle: COMMAND_ACK")
    (_, goto), (_, look), (_, orbit) = controller.commands
    assert (orbit["action"], orbit["altitude_m"], orbit["radius_m"]) == ("orbit", 61, 50)
    assert (goto["action"], goto["altitude_m"]) == ("goto", 61)
    assert goto["lon"] == pytest.approx(117.622, abs=2e-4)
    assert goto["lat"] == pytest.approx(24.512, abs=2e-4)
    assert look["action"] == "look_at"
    assert "altitude_m" not in look
    assert look["lon"] > goto["lon"]
    assert page.locator(".map.picking").count() == 0


def test_a_drone_on_the_ground_has_no_air_commands(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot")
    controller.drone("d-01", 117.62, 24.51, state="docked", telemetry={"in_air": False})
    page.click("#tab-drones")
    page.click(".panel-drones li[data-id=d-01] button")
    page.wait_for_selector(".cockpit:visible")
    assert _button(page, "Take control").is_enabled()
    for name in ("Hold", "Return", "Land here", "Send here", "Look at"):
        assert _button(page, name).is_disabled()
    assert _button(page, "Stop motors").is_enabled()  # they run: it is armed
    controller.drone(
        "d-01", 117.62, 24.51, state="docked", telemetry={"in_air": False, "armed": False}
    )
    page.wait_for_function(
        "() => document.querySelector('.cockpit .commands button:last-child').disabled"
    )


def test_recent_flights_are_listed_with_their_tracks(
    controller: FakeController, open_page: Open
) -> None:
    controller.flight("f-2", tlog=None)
    controller.flight(
        "f-1", took_off_at="2026-05-01T08:00:00Z", landed_at="2026-05-01T08:06:30Z",
        landed_dock="dock-1",
    )  # fmt: skip
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.click("#tab-flights")
    row = page.locator(".panel-flights li[data-id=f-1]")
    _has_text(page, ".panel-flights li[data-id=f-1]", "6.5 min")
    for part in ("2.34 km", "61 m", "98 → 71%", "landed in Dock-1"):
        assert part in row.inner_text()
    assert "in the air" in page.inner_text(".panel-flights li[data-id=f-2]")
    assert page.locator(".panel-flights li[data-id=f-2]").get_by_text("tlog").is_hidden()
    row.get_by_role("button", name="Show track").click()
    row.get_by_role("button", name="Hide track").click()
    row.get_by_role("button", name="Show track").wait_for()
    with page.expect_download() as download:
        row.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename == "flight-f-1.csv"
    row.get_by_role("button", name="tlog").click()  # the fake has none
    _has_text(page, ".panel-flights li[data-id=f-1]", "Not to be had: no flights/f-1/tlog")
    assert [c for c in page.complaints if "404" not in c] == []

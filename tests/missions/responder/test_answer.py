"""What the responder says of itself."""

from __future__ import annotations

from missions.responder.answer import Call, Refused, Response


def words(*refused: Refused) -> str:
    return Response(Call("c", (0.0, 0.0)), (), refused, (0.0, 0.0)).words


def test_why_nobody_can_is_said_of_each_that_could_not() -> None:
    said = words(
        Refused("v0", "energy", "30 % do not last"),
        Refused("v1", "energy", "28 % do not last"),
        Refused("v2", "fleet", "charging"),
        Refused("v3", "energy", "30 % do not last"),
        Refused("v4", "fleet", "held by wang"),
    )
    assert said == (
        "nobody can: energy: v0, v3 (30 % do not last), v1 (28 % do not last); "
        "fleet: v2 (charging), v4 (held by wang)"
    )
    assert words(Refused("v0", "energy", "12 %")) == "nobody can: energy: v0 (12 %)"
    assert words() == "nobody can: there is no drone"


def test_of_many_drones_the_first_are_told() -> None:
    said = words(*(Refused(f"v{n}", "energy", f"{n} %") for n in range(12)))
    assert "v7 (7 %) and 4 more" in said
    assert "v8" not in said

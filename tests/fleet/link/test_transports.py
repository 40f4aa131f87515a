"""What a wire is made of; how it carries packets is tested with the tap on it."""

from __future__ import annotations

from fleet.link.transports import local_ports


def test_px4s_own_convention_is_the_first_choice_of_a_port() -> None:
    assert local_ports(14580, 1)[0] == 14540
    assert local_ports(14595, 16)[0] == 14555
    assert local_ports(14580, 1) == local_ports(14580, 1)
    assert local_ports(14580, 1)[1] != local_ports(14581, 2)[1]

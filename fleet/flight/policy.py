"""Bounds and thresholds of flight. Seconds, metres, percent of the battery."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """What an operator might tune. The defaults are for a quadcopter of 4 kg and a dock beside it."""

    leave_s: float = 90.0
    """A drone that has left is out of its dock's column of air by then."""
    check_s: float = 20.0
    """Checks that may pass by themselves (GPS, arming) are waited for this long."""
    dock_open_s: float = 70.0
    lift_off_s: float = 30.0
    lift_off_m: float = 2.0
    in_dock_m: float = 3.0
    """A drone that landed this near to its dock is in it."""
    on_pad_m: float = 10.0
    """A docked drone's own position may be this far off when GPS has just come up."""
    over_dock_m: float = 12.0
    lowest_m: float = 10.0
    """Above home: no pilot sends a drone lower, but over a dock."""
    clear_m: float = 9.0
    """A drone that is lower over its dock is in the door's way."""
    near_dock_m: float = 150.0
    """Coming home, the door opens from here: 12 m/s leaves it 12 s."""
    over_dock_s: float = 90.0
    """From near the dock to over it."""
    still_m_s: float = 1.5
    door_watch_m: float = 5.0
    """Above this height a landing can still be stopped where the door is not open."""
    close_tries: int = 3
    retry_s: float = 5.0
    retry_cap_s: float = 30.0
    return_tries: int = 3
    marker_look_m: float = 12.0
    """Over a dock with a marker a drone stops at this height, above home, to look for it: there it
    is measured to 3 cm, and a metre of GPS is in the middle of the picture."""
    marker_look_s: float = 4.0
    """For so long, once there."""
    marker_fills_m: float = 3.0
    """Lower than this over the pad a marker no longer fits in the picture; nothing is said of it."""
    landing_s: float = 600.0
    ready_percent: float = 80.0
    """A drone is charged up to this before it is offered again."""
    come_home_factor: float = 1.25
    """On top of what the energy model says that coming home takes."""
    come_home_extra_percent: float = 3.0
    touch_down_percent: float = 4.0
    """Left when waiting over a dock that does not open ends."""
    gps_s: float = 2.0
    hold_s: float = 3.0
    """A vehicle that holds by itself for longer is shown as held."""
    weather_s: float = 10.0
    settle_s: float = 15.0
    """A vehicle on the ground that says it is elsewhere is believed after this."""
    armed_on_ground_s: float = 20.0
    """PX4 disarms 10 s after arming without take-off."""
    lost_door_s: float = 17.0
    """A vehicle with NAV_DLL_ACT=2 returns by itself 17 s after the last heartbeat."""
    refused_pause_s: float = 20.0
    """A drone whose checks refused is not offered again for so long."""
    dock_silent_s: float = 20.0
    """A dock tells its state each 5 s."""
    dock_fault_s: float = 5.0
    """A dock that fails for so long is one to divert from."""
    open_tries: int = 2
    """One that did not open so often, too."""
    count_s: float = 12.0
    """A dock that counts who stands in it has counted a drone that landed by then."""
    look_s: float = 0.06
    """A drone is held against the matrix at most this often, however much is told of it."""
    look_at_least_s: float = 0.1

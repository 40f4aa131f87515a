"""Who answers a call: the drone that is overhead first, in the air or docked.

Pure, and used by the controller and by the simulated day alike.
"""

from missions.responder.answer import Call, GivesUp, Pick, Refused, Response
from missions.responder.respond import respond
from missions.responder.sortie import sortie_for

__all__ = ["Call", "GivesUp", "Pick", "Refused", "Response", "respond", "sortie_for"]

"""One sortie, built and held against its limits: way out, cells, a site or a task, way home."""

from missions.builder import MARGIN_PERCENT as MARGIN_PERCENT
from missions.builder import Builder as Builder
from missions.draft import Draft as Draft
from missions.ground import Ground as Ground
from missions.ground import ground_of as ground_of

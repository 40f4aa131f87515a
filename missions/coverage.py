"""What to fly to see something, by its old names: cells, a lawnmower, a stare."""

from missions.cells import Cell as Cell
from missions.cells import beat_cells as beat_cells
from missions.cells import city_cells as city_cells
from missions.cells import city_frame as city_frame
from missions.footprint import swath_m as swath_m
from missions.lawnmower import lawnmower as lawnmower
from missions.sites import stare_leg as stare_leg
from missions.tracks import Metres as Metres
from missions.tracks import Track as Track
from missions.tracks import enter_from as enter_from

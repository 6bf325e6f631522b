"""Sweeping: one configuration with several values in some places, every combination a run of its own.

``grid`` says which runs there are, ``claims`` who runs one, ``running`` runs them, ``summary`` says what came out. A sweep is a folder of runs and nothing
else: who calls it again with the same values, or with more, goes on where it stands, and several may work in one folder at the same time.
"""

from guerdon.interfaces.sweeping.grid import Planned, grid, plan
from guerdon.interfaces.sweeping.running import Sweep
from guerdon.interfaces.sweeping.summary import Summary, summary

__all__ = ["Planned", "Summary", "Sweep", "grid", "plan", "summary"]

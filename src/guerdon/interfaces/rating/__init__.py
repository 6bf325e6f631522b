"""Ratings: a table of comparisons → scores of its items, with intervals and with the ranks that they allow."""

from guerdon.interfaces.rating.equilibrium import at_equilibrium
from guerdon.interfaces.rating.fitting import Ratings, choice_for, rated, whole
from guerdon.interfaces.rating.table import BOTH_BAD, Columns, Comparisons, comparisons

__all__ = ["BOTH_BAD", "Columns", "Comparisons", "Ratings", "at_equilibrium", "choice_for", "comparisons", "rated", "whole"]

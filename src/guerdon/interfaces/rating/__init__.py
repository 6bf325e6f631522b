"""Ratings: a table of comparisons → scores of its items, with intervals and with the ranks that they allow."""

from guerdon.interfaces.rating.fitting import Ratings, choice_for, rated
from guerdon.interfaces.rating.table import Comparisons, comparisons

__all__ = ["Comparisons", "Ratings", "choice_for", "comparisons", "rated"]

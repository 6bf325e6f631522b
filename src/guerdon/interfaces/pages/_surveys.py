"""Surveys: their taxonomy with the parts that fill each cell, and the cells that are empty."""

from guerdon.atlas import systems
from guerdon.interfaces.pages._markdown import joined


def survey_pages() -> dict[str, str]:
    """A page for every system that brings a taxonomy."""
    return {}

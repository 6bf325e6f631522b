"""Loops: ``fit`` (data to model), ``improve`` (act, judge, credit, learn), ``search`` (no training). None knows an algorithm."""

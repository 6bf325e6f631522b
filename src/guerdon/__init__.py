"""Guerdon: learning from rewards, preferences and feedback."""

__version__ = "0.1.0"

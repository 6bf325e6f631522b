"""Rows, and what is made of them: formats, curation, selection."""

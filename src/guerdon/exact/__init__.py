"""Exact answers in worlds that can be enumerated."""

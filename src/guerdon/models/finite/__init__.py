"""Finite models: policies and critics whose every sequence can be enumerated, in float64.

A context is a one-element tensor that holds its index; an action is an index into the vocabulary. A specification's ``build()`` returns the
running model, which meets ``guerdon.models.Enumerable`` (policies) or ``guerdon.models.Model`` (critics).
"""

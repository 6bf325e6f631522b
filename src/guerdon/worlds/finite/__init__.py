"""Finite worlds: everything can be enumerated, so optima, gradients and equilibria are known exactly.

Contexts, actions and states are integers; tables are float64 tensors.
"""

"""Recipes that everyone knows by name: one file, one ``recipe`` value, no code.

The name in a YAML file (``recipe: grpo``) is the file's name here, or a system of the atlas.
"""

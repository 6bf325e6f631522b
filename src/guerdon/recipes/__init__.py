"""Recipes that everyone knows by name: one file, one ``recipe`` value, and its ``target``.

The name in a YAML file (``recipe: grpo``) is the file's name here, or a system of the atlas. The recipe is a value and no code. The target (``guerdon.targets``) is what
it is to minimise, written down once more without its parts, and against which its loop is run in the tests; a recipe that has none says why in ``no_target``.
"""

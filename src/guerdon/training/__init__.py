"""Recipes, learners, stages, loops and runs: what turns parts into a trained policy."""

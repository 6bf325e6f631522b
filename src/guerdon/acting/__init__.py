"""How models are acted in: drawing rollouts, and choosing among candidates."""

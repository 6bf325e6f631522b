"""How good the result is, and how sure we are."""

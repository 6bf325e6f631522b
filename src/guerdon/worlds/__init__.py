"""Small worlds in which the truth is known."""

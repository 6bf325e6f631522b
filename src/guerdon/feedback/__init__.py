"""How good what was done is: judges, rewards, and what happens to rewards before credit reads them."""

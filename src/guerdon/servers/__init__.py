"""Servers: how one is asked by whoever needs it, for completions or for rewards: JSON there and back, tried again where the fault may pass, and watched while it is
waited for."""

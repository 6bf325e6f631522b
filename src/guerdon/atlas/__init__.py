"""The atlas: one file per published system, each with a claim that can fail and the experiment that decides it."""

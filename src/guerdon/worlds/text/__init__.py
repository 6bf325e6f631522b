"""Text worlds: models that are built in seconds, problems whose answers can be checked, rewards whose truth is known."""

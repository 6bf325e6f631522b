"""What the studies of learning from verifiable rewards share: three tasks for a tiny model, arms that are tuned alike, and verdicts on seeds that nobody has seen."""

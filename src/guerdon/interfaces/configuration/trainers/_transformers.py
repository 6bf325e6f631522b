"""What all trainers on top of ``transformers``' ``Trainer`` have in common."""

from typing import Any

from guerdon.interfaces.configuration.trainers import Settings, Theirs

SCHEDULES = {"constant": "constant", "constant_with_warmup": "constant", "linear": "linear", "cosine": "cosine"}


def rate(theirs: Theirs, value: float, schedule: str, warmup: float, steps: Any) -> Any:
    """The learning rate: a number, or a schedule. A warm-up below 1 is a share of the run, otherwise it is steps, of which the run must have a known number."""
    kind = SCHEDULES.get(schedule)
    if kind is None:
        theirs.say(
            "lr_scheduler_type", f"{schedule!r} has other constants; write recipe.optimiser.learning_rate: {{part: NAME, start: {value:g}}}"
        )
        kind = "constant"
    if warmup >= 1 and not steps:
        theirs.say("warmup_steps", f"a warm-up is a share of the run: {warmup:g} / budget.steps in recipe.optimiser.learning_rate.warmup")
        warmup = 0.0
    share = warmup if warmup < 1 else warmup / steps
    return float(value) if kind == "constant" and not share else {"part": kind, "start": float(value), "warmup": share}


def optimising(theirs: Theirs, default: float, schedule: str = "linear", warmup: float = 0.0) -> Settings:
    """The learning rate with its schedule."""
    steps = theirs.given.get("max_steps")
    steps = steps if isinstance(steps, int) and steps > 0 else None
    given = theirs.take("warmup_steps") or theirs.take("warmup_ratio") or warmup
    value = theirs.take("learning_rate", default=default)
    yield (
        "recipe.optimiser.learning_rate",
        rate(theirs, value, theirs.take("lr_scheduler_type", "lr_scheduler", default=schedule), given, steps),
    )


def epochs(theirs: Theirs, names: tuple[str, ...], rows: str, default: Any = None) -> None:
    """Say how many steps so many passes over the rows are, unless their number is given."""
    steps = theirs.given.get("max_steps")
    count = theirs.take(*names, default=default)
    if isinstance(steps, int) and steps <= 0:
        theirs.take("max_steps")
    elif steps:
        return
    if count is not None:
        name = next((n for n in names if theirs.has(n)), names[0])
        theirs.say(name, f"a run is as long as its steps; {count:g} times through the rows are budget.steps = {count:g} * rows / {rows}")


def adapters(theirs: Theirs, r: int, alpha: float, dropout: float, targets: Any, acts: bool = False) -> Settings:
    """Adapters, with the dropout that a policy that samples cannot have left out."""
    if acts and dropout:
        theirs.say("lora_dropout", "where a policy learns from what it sampled nothing is dropped; leave it out")
        dropout = 0.0
    yield (
        "model.lora",
        {"r": r, "lora_alpha": float(alpha), "lora_dropout": float(dropout), **({"target_modules": targets} if targets else {})},
    )

"""Trackers: where metrics go besides ``metrics.jsonl``."""

from collections.abc import Mapping
from typing import Any, Protocol

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.training.run import Run


class Tracker(Protocol):
    """Takes the metrics of each step."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in ``run/tensorboard``."""

    def __init__(self, run: Run | None):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(run.folder / "tensorboard") if run else None)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def close(self) -> None:
        self.writer.close()


class WeightsAndBiases:
    """A run of Weights & Biases; a run directory that goes on goes on there too."""

    def __init__(self, run: Run | None):
        import wandb

        name = run.folder.name if run else None
        self.run: Any = wandb.init(project="guerdon", name=name, id=name, resume="allow", dir=str(run.folder) if run else None)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics), step=step)

    def close(self) -> None:
        self.run.finish()


TRACKERS = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases}


def tracker(name: str, run: Run | None) -> Tracker:
    """The tracker of that name, opened.

    Raises:
        InputError: it is unknown or not installed.
    """
    if name not in TRACKERS:
        raise InputError(f"budget.report_to: {unknown('tracker', name, list(TRACKERS))}")
    try:
        return TRACKERS[name](run)
    except ImportError as error:
        raise InputError(f"budget.report_to: {name} is not installed; pip install {name}") from error

"""Trackers: where metrics go besides ``metrics.jsonl``."""

from collections.abc import Mapping
from typing import Any, Protocol

from guerdon.catalogue import unknown
from guerdon.errors import InputError
from guerdon.training.run import Run

PROJECT = "guerdon"


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
        self.run: Any = wandb.init(project=PROJECT, name=name, id=name, resume="allow", dir=str(run.folder) if run else None)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log(dict(metrics), step=step)

    def close(self) -> None:
        self.run.finish()


class Trackio:
    """A run of Trackio, kept on this machine; a run directory that goes on goes on there too."""

    def __init__(self, run: Run | None):
        import trackio

        self.library: Any = trackio
        trackio.init(project=PROJECT, name=run.folder.name if run else None, resume="allow")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.library.log(dict(metrics), step=step)

    def close(self) -> None:
        self.library.finish()


class MLflow:
    """A run of MLflow, where its environment variables say; which one is kept in the run directory, so that one that goes on goes on there too."""

    def __init__(self, run: Run | None):
        import mlflow

        self.library: Any = mlflow
        mlflow.set_experiment(PROJECT)
        known = run.folder / "mlflow.txt" if run else None
        before = known.read_text().strip() if known is not None and known.exists() else None
        opened = mlflow.start_run(run_id=before, run_name=None if before or run is None else run.folder.name)
        if known is not None:
            known.write_text(opened.info.run_id)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.library.log_metrics({name: float(value) for name, value in metrics.items()}, step=step)

    def close(self) -> None:
        self.library.end_run()


class SwanLab:
    """An experiment of SwanLab; a run directory that goes on goes on there too."""

    def __init__(self, run: Run | None):
        import swanlab

        name = run.folder.name if run else None
        folder = {"logdir": str(run.folder / "swanlab")} if run else {}
        self.run: Any = swanlab.init(project=PROJECT, experiment_name=name, id=name, resume="allow", **folder)
        self.library: Any = swanlab

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.library.log(dict(metrics), step=step)

    def close(self) -> None:
        self.library.finish()


TRACKERS = {"tensorboard": TensorBoard, "wandb": WeightsAndBiases, "trackio": Trackio, "mlflow": MLflow, "swanlab": SwanLab}


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

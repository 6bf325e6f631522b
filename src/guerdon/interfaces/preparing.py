"""Preparing: from a configuration to something that can run, with everything refused that can be refused before the first step."""

import contextlib
import dataclasses
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.configuration import Configuration, Stage, dump, load, refuse
from guerdon.interfaces.configuration._yaml import parse
from guerdon.tasks.encoding import Encoder, TooLong, template_variables
from guerdon.tasks.rows import LazyRows, PlacedRows, Row, WrongRow, at_row, place

_PEEKED = 256  # rows of a task that makes its rows as they are asked for


@dataclass
class Prepared:
    """One loop with its model, ready to run.

    Attributes:
        settings: the configuration, or the stage of it.
        notes: what the user is to be told before the run.
    """

    settings: Configuration | Stage
    loop: str
    model: Any
    task: Any
    notes: list[str] = field(default_factory=list)

    @cached_property
    def room(self) -> int | None:
        """Tokens that are left to a prompt; None: no bound."""
        own, decoding = self.settings.encoding.max_prompt_length, self.settings.decoding
        length = getattr(self.model, "context_length", None)
        if self.loop != "improve" or length is None or length >= 2**30:
            return own
        left = length - decoding.max_completion_length
        return left if own is None else min(own, left)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows to learn from, read once for all who look at them before a run."""
        return self.task.train()

    @property
    def truncate(self) -> str:
        """How the encoder cuts; rows to be dropped are dropped before it sees them."""
        chosen = self.settings.encoding.truncate
        return "" if chosen == "drop" else chosen

    @cached_property
    def encoder(self) -> Encoder:
        from guerdon.training.jobs import encoder_for

        return encoder_for(self.model, self.room, self.truncate)

    @property
    def job(self) -> Any:
        """The loop with everything that it is called with."""
        from guerdon.training.jobs import FitJob, ImproveJob

        s = self.settings
        if self.loop == "fit":
            return FitJob(s.recipe, self.task, s.budget, getattr(s, "model", None), max_prompt_length=self.room, truncate=self.truncate)
        return ImproveJob(
            s.recipe,
            self.task,
            s.reward.functions,
            s.reward.options,
            s.decoding,
            s.budget,
            max_prompt_length=self.room,
            truncate=self.truncate,
            builds=getattr(s, "model", None),
        )

    def functions(self) -> dict[str, Any]:
        """The rewards by component: those of the configuration, or the task's own.

        Raises:
            InputError: there are none.
        """
        if self.settings.reward.functions:
            return dict(self.settings.reward.functions)
        own = getattr(self.task, "reward", None)
        if own is None:
            raise InputError(
                "reward: it is missing, and the task brings none; name one (number_match, math_equivalence, file.py:function ...)"
            )
        return {type(own).__module__.rsplit(".", 1)[1]: own}


def prepare(settings: Configuration | Stage, loop: str, place: str = "", spec: Any = None, seed: int | None = None) -> Prepared:
    """Build the model and look at the rows, the rewards and the room there is.

    Raises:
        InputError: what cannot work, and where.
    """
    refuse(settings, loop, place)
    spec = spec if spec is not None else settings.model
    if spec is None:
        raise InputError("model: it is missing; give its hub id, its folder, or {part: NAME, ...}")
    engine = getattr(settings.recipe.sampler, "engine", None) if loop == "improve" else None
    if hasattr(engine, "look"):  # before a model is loaded for nothing
        engine.look()
    prepared = Prepared(settings, loop, built(spec, settings.budget.seed if seed is None else seed), settings.task)
    if not hasattr(prepared.model, "measures"):
        raise InputError(
            f"model: a {type(prepared.model).__name__} turns text into vectors and says nothing of them; put a head on it: "
            "{part: embedded, encoder: ..., head: scalar}"
        )
    if hasattr(prepared.task, "reward_of"):  # a finite world
        return prepared
    _look_at_room(prepared)
    rows = prepared.task.train()
    prepared.notes += getattr(prepared.task, "notes", list)()
    if not len(rows):
        raise InputError("task: it has no rows to learn from; check the path, the split and the filters")
    if settings.encoding.wrong == "drop":
        prepared.task = _without_wrong(prepared, prepared.task)
        rows = prepared.task.train()
    if loop == "improve":
        _look_at_prompts(prepared, rows)
        _look_at_rewards(prepared, rows[0])
    else:
        _look_at_numbers(rows)
        if settings.encoding.truncate == "drop":
            prepared.task = _without_long(prepared, prepared.task)
    return prepared


def built(spec: Any, seed: int) -> Any:
    """The running model. Finite models take no seed besides their own."""
    quiet()
    import inspect

    return spec.build(seed) if "seed" in inspect.signature(spec.build).parameters else spec.build()


def quiet() -> None:
    """Libraries speak only of what is wrong."""
    import os

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for message in (".*fp32 precision.*", ".*is_gradient_checkpointing.*", "Could not find a config file"):
        warnings.filterwarnings("ignore", message=message)
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _look_at_room(prepared: Prepared) -> None:
    length = getattr(prepared.model, "context_length", None)
    wanted = prepared.settings.decoding.max_completion_length
    if prepared.loop == "improve" and length is not None and wanted >= length:
        raise InputError(
            f"decoding.max_completion_length: it is {wanted}, and the model has room for {length} tokens with the prompt; lower it to "
            f"{max(length // 2, 1)} or so"
        )


def _look_at_prompts(prepared: Prepared, rows: Sequence[Row]) -> None:
    """Refuse rows without a prompt, and prompts that do not fit, before the first of them is drawn."""
    if prepared.settings.encoding.truncate == "drop":
        prepared.task = _without_long(prepared, prepared.task)
        rows = prepared.task.train()
    for side, some in (("the training rows", rows), ("the held-out rows", prepared.task.test())):
        for index in _looked_at(some, prepared.settings.budget.evaluation_rows if side == "the held-out rows" else None):
            row = some[index]
            with at_row(*place(some, index, side)):
                if "prompt" not in row:
                    from guerdon.tasks.rows import missing_column

                    raise InputError(f"the row {missing_column('prompt', row)}")
                if index == 0 or not _surely_fits(row["prompt"], prepared.room):
                    prepared.encoder.encode_prompt(row["prompt"], **template_variables(row))
    cut = prepared.encoder.truncated["prompt"]
    if cut:
        prepared.notes.append(f"{cut} prompts are longer than {prepared.room} tokens and are cut, as encoding.truncate asks for")
        prepared.encoder.truncated["prompt"] = 0


def _look_at_numbers(rows: Sequence[Row]) -> None:
    """Refuse columns that hold no finite number where they hold a number, before the folder of the run is touched."""
    from guerdon.data.formats._columns import numbers

    for index in _looked_at(rows, None):
        with at_row(*place(rows, index, "the training rows")):
            numbers(rows[index])


def _looked_at(rows: Sequence[Row], most: int | None) -> range:
    size = len(rows) if most is None else min(most, len(rows))
    return range(min(size, _PEEKED) if isinstance(rows, LazyRows) else size)


def _surely_fits(prompt: Any, room: int | None) -> bool:
    """Whether a plain prompt has so few bytes that no tokenizer makes too many tokens of it."""
    return room is None or (isinstance(prompt, str) and len(prompt.encode()) + 2 <= room)


def _look_at_rewards(prepared: Prepared, row: Row) -> None:
    """Refuse rewards that cannot be loaded or ask for a column that the rows do not have, and weights of components that do not exist."""
    import torch

    from guerdon.feedback.running import RewardRunner
    from guerdon.parts import call
    from guerdon.tasks.rows import missing_column

    functions = prepared.functions()
    with RewardRunner(functions, **prepared.settings.reward.options) as runner:
        for name, lacking in runner.missing([c for c in row if c not in ("prompt", "completion")] + ["completion_ids"]).items():
            raise InputError(f"reward.{name}: it reads the column {lacking[0]!r}, and the task {missing_column(lacking[0], row)}")
    call(prepared.settings.recipe.combine, {"components": {name: torch.zeros(1, dtype=torch.float64) for name in functions}})


class Kept:
    """A task without the rows that do not fit."""

    def __init__(self, task: Any, train: list[Row], test: list[Row], said: str):
        self._train, self._test, self._said = train, test, f"{task!r} {said}"
        self.reward = getattr(task, "reward", None)

    def train(self) -> list[Row]:
        return self._train

    def test(self) -> list[Row]:
        return self._test

    def __repr__(self) -> str:
        return self._said


def _without_long(prepared: Prepared, task: Any) -> Kept:
    if isinstance(task.train(), LazyRows):
        raise InputError(
            "encoding.truncate: rows of a task that makes them as they are asked for cannot be dropped; set it to prompt, or leave it"
        )
    kept, counts = [], []
    for rows in (task.train(), task.test()):
        own = [row for row in rows if fits(prepared, row)]
        kept.append(own)
        counts.append(len(rows) - len(own))
    if not kept[0]:
        raise InputError(
            "encoding.truncate: no row fits into the model; raise encoding.max_prompt_length or take a model with more context"
        )
    prepared.notes.append(
        f"{counts[0]} of {counts[0] + len(kept[0])} training rows and {counts[1]} held-out rows do not fit and are left out"
    )
    return Kept(task, *kept, f"without {counts} rows that are too long")


@contextlib.contextmanager
def offering_to_drop(*settings: Configuration | Stage) -> Iterator[None]:
    """Whoever is told of one wrong row among many is told of the setting that leaves all of them out."""
    try:
        yield
    except WrongRow as error:
        if isinstance(error.__cause__, TooLong) or all(one.encoding.wrong == "drop" for one in settings):
            raise
        raise InputError(f"{error}; encoding.wrong=drop leaves out all such rows, and counts them") from error


def _without_wrong(prepared: Prepared, task: Any) -> Kept:
    """Leave out what cannot be learned from, and note how many rows of what kind. What is too long is none of those: ``truncate`` says what is done with it."""
    if isinstance(task.train(), LazyRows):
        raise InputError("encoding.wrong: rows of a task that makes them as they are asked for cannot be dropped; leave it out")
    kept = []
    for rows, called in ((task.train(), "training rows"), (task.test(), "held-out rows")):
        wrong = _wrong(prepared, rows)
        sound = [index for index in range(len(rows)) if index not in wrong]
        kept.append(rows.select(sound) if isinstance(rows, PlacedRows) else [rows[index] for index in sound])
        if rows and not sound:
            raise InputError(f"encoding.wrong: nothing can be learned from any of the {len(rows)} {called}; of the first: {wrong[0]}")
        kinds: dict[str, list[int]] = {}
        for index, why in wrong.items():
            kinds.setdefault(_VALUE.sub("", why), []).append(index)
        if wrong:
            prepared.notes.append(f"{len(wrong)} of {len(rows)} {called} cannot be learned from and are left out:")
        for some in sorted(kinds.values(), key=len, reverse=True):
            at, source = place(rows, some[0], f"the {called}")
            prepared.notes.append(f"  {len(some)}: {wrong[some[0]]} (row {at} of {source})")
    return Kept(task, *kept, f"without {len(task.train()) - len(kept[0])} rows that cannot be learned from")


_VALUE = re.compile(
    r"(?<!column )(?<!no )'[^']*'|\"[^\"]*\"|\d[\d.,]*|, and this one is.*"
)  # what differs among rows that are wrong in the same way


def _wrong(prepared: Prepared, rows: Sequence[Row]) -> dict[int, str]:
    """Why nothing can be learned from a row, by its index. Of rows that are learned from in several ways, those that are not as most of them."""
    from guerdon.data.examples import of_row

    encoder = dataclasses.replace(prepared.encoder, truncated=dict.fromkeys(prepared.encoder.truncated, 0), noticed=Counter())
    wrong: dict[int, str] = {}
    sides: dict[int, frozenset[str]] = {}
    for index in range(len(rows)):
        row = rows[index]
        try:
            if prepared.loop == "improve":
                if row.get("prompt") is None:
                    raise InputError("there is no prompt")
                encoder.encode_prompt(row["prompt"], **template_variables(row))
            elif made := of_row(row, encoder):
                sides[index] = frozenset(made[0].sides)
        except TooLong:
            pass
        except InputError as error:
            wrong[index] = str(error).partition(";")[0]
    most = max(Counter(sides.values()).items(), key=lambda item: item[1])[0] if sides else frozenset()
    return wrong | {index: "it has other columns than most rows" for index, own in sides.items() if own != most}


def fits(prepared: Prepared, row: Row) -> bool:
    """Whether a row can be encoded in the room there is. Whatever else is wrong with it is left to the run to say."""
    from guerdon.data.examples import of_row

    try:
        if prepared.loop == "improve":
            prepared.encoder.encode_prompt(row["prompt"], **template_variables(row))
        else:
            of_row(row, prepared.encoder)
    except TooLong:
        return False
    except InputError:
        return True
    return True


# the folder of the run


def run_folder(configuration: Configuration, path: Path | None) -> Path:
    """Where the run is kept: what the configuration says, or ``runs/`` and the name of its file."""
    if configuration.run:
        return Path(configuration.run).expanduser()
    return Path("runs") / (path.stem if path else "run")


@contextlib.contextmanager
def open_to_one(folder: Path) -> Iterator[None]:
    """The folder of a run, made, and written by this process alone. One that was made for a run that did not come to write anything is taken away again.

    Raises:
        InputError: another process writes there, or nobody may.
    """
    from guerdon.training.writing import LOCK, writing

    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = writing(folder)
        lock.__enter__()
    except OSError as error:
        raise InputError(f"run: {folder} cannot be written ({error.strerror}); give another folder") from error
    try:
        yield
    finally:
        lock.__exit__(None, None, None)
        if new and {path.name for path in folder.iterdir()} <= {LOCK}:
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


def keep(configuration: Configuration, folder: Path) -> list[str]:
    """Write the effective configuration into the folder, and return what it says otherwise than before that may differ (``training.going_on``) and of which
    a run does not know: where models and rows lie.

    Raises:
        InputError: the folder holds checkpoints of another configuration; the places that differ are named.
    """
    from guerdon.training.going_on import changes

    said: list[str] = []
    path = folder / "configuration.yaml"
    text = dump(dataclasses.replace(configuration, run=None))
    if path.exists() and any(folder.rglob("checkpoints/step-*")):
        changed, free = changes(_as_now(path), parse(text, "the configuration"))
        said = [f"going on with what lies elsewhere: {place}" for place in free if "budget." not in place]
        if changed:
            raise InputError(
                f"{folder} holds a run with another configuration ({'; '.join(changed[:4])}); give another folder (run=...), or delete it to "
                "start again"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise InputError(f"run: {folder} cannot be written ({error.strerror}); give another folder") from error
    return said


def _as_now(path: Path) -> Any:
    """The tree of a configuration that was written earlier as it would be written now: what has had a name, or a default, only since then is no change."""
    text = path.read_text()
    try:
        return parse(dump(dataclasses.replace(load(text), run=None)), str(path))
    except InputError:  # of another time altogether, or edited by hand
        return parse(text, str(path))

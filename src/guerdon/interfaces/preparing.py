"""Preparing: from a configuration to something that can run, with everything refused that can be refused before the first step."""

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from guerdon.errors import InputError
from guerdon.feedback.rewards.unrewarded import Unrewarded
from guerdon.interfaces import overlap
from guerdon.interfaces.applying import columns_of, told, unjudged
from guerdon.interfaces.configuration import Configuration, Stage, dump, load, refuse
from guerdon.interfaces.configuration._yaml import parse
from guerdon.interfaces.sifting import Kept, forgiven, sifted, told_of
from guerdon.processes import here
from guerdon.tasks.encoding import Encoder, TooLong, template_variables
from guerdon.tasks.rows import LazyRows, Row, WrongRow, at_row, place
from guerdon.training.display import Display, Silent, encoding

_PEEKED = 256  # rows of a task that makes its rows as they are asked for
_SECONDS = 1.0  # for which rows are looked for that no reward can judge


@dataclass
class Prepared:
    """One loop with its model, ready to run.

    Attributes:
        settings: the configuration, or the stage of it.
        notes: what the user is to be told before the run.
        placed: where completions are drawn and judged, in a sentence, if not here.
    """

    settings: Configuration | Stage
    loop: str
    model: Any
    task: Any
    notes: list[str] = field(default_factory=list)
    placed: str = ""

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

    @property
    def drop(self) -> frozenset[str]:
        """Kinds of rows that are left out: ``long``, ``wrong``."""
        encoding = self.settings.encoding
        return frozenset({"long"} if encoding.truncate == "drop" else ()) | ({"wrong"} if encoding.wrong == "drop" else set())

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
            own = getattr(s, "model", None)
            return FitJob(s.recipe, self.task, s.budget, own, max_prompt_length=self.room, truncate=self.truncate, views=s.views)
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
            placement=s.placement,
            views=s.views,
        )

    def functions(self) -> dict[str, Any]:
        """The rewards by component: those of the configuration, or the task's own.

        Raises:
            InputError: there are none.
        """
        if self.settings.reward.functions:
            return dict(self.settings.reward.functions)
        own = getattr(self.task, "reward", None)
        if own is None and self.settings.recipe is not None and self.settings.recipe.intrinsic:
            return {}
        if own is None and hasattr(getattr(self.task, "stands_for", self.task), "environment"):
            return {}
        if own is None and self.settings.recipe is not None and not self.settings.recipe.reads_reward:
            own = Unrewarded()
        if own is None:
            raise InputError(
                "reward: it is missing, and the task brings none; name one (number_match, math_equivalence, file.py:function ...)"
            )
        return {type(own).__module__.rsplit(".", 1)[1]: own}

    def unjudged(self, rows: Sequence[Row]) -> dict[int, str]:
        """By their index, the rows to which no reward applies, and why."""
        if self.loop != "improve" or self.settings.recipe.intrinsic:
            return {}
        found = unjudged(self.functions(), rows)
        return {} if found.others else {index: found.why(rows[index]) for index in found.rows}


def prepare(
    settings: Configuration | Stage, loop: str, place: str = "", spec: Any = None, seed: int | None = None, display: Display = Silent()
) -> Prepared:
    """Build the model and look at the rows, the rewards and the room there is.

    Args:
        display: where is said how far it is, where that takes time.

    Raises:
        InputError: what cannot work, and where.
    """
    settings = settled(settings)
    refuse(settings, loop, place)
    spec = spec if spec is not None else settings.model
    if spec is None:
        raise InputError("model: it is missing; give its hub id, its folder, or {part: NAME, ...}")
    engine = getattr(settings.recipe.sampler, "engine", None) if loop == "improve" else None
    if hasattr(engine, "look"):  # before a model is loaded for nothing
        engine.look()
    placed = settings.placement.look(settings.reward.functions) if settings.placement is not None and loop == "improve" else ""
    prepared = Prepared(settings, loop, built(spec, settings.budget.seed if seed is None else seed), settings.task, placed=placed)
    if not hasattr(prepared.model, "measures"):
        raise InputError(
            f"model: a {type(prepared.model).__name__} turns text into vectors and says nothing of them; put a head on it: "
            "{part: embedded, encoder: ..., head: scalar}"
        )
    if hasattr(prepared.task, "reward_of"):  # a finite world
        return prepared
    _look_at_room(prepared)
    prepared.task = forgiven(prepared.task, prepared.drop)
    rows, held_out = prepared.task.sides() if hasattr(prepared.task, "sides") else (prepared.task.train(), prepared.task.test())
    prepared.notes += getattr(prepared.task, "notes", list)() + told_of(prepared.task)
    if not len(rows):
        raise InputError("task: it has no rows to learn from; check the path, the split and the filters")
    if prepared.drop and not hasattr(prepared.task, "environment"):  # whose rows become prompts when an environment begins
        with encoding(display, len(rows)) as telling:
            prepared.task, notes = sifted(
                prepared.task, rows, held_out, prepared.encoder, loop == "improve", prepared.drop, telling, prepared.unjudged
            )
        prepared.notes += notes
    else:
        prepared.task = Kept(prepared.task, rows, held_out)
    prepared.notes += overlap.told(prepared.rows, prepared.task.test())
    if loop == "improve":
        if hasattr(prepared.task.stands_for, "environment"):
            _look_at_beginning(prepared)
        else:
            _look_at_prompts(prepared)
        _look_at_rewards(prepared)
    else:
        _look_at_numbers(prepared.rows)
    return prepared


def settled(settings: Configuration | Stage) -> Configuration | Stage:
    """The settings with what the section ``reward`` says of the recipe in its place: rewards that the policy makes itself beside the recipe's own, and what is only watched taken
    out of what is learned from. Where the section names none but those, they are what is learned from, and the task's own reward is watched."""
    from guerdon.feedback.combining.only import Only
    from guerdon.feedback.combining.without import Without
    from guerdon.feedback.intrinsic import is_intrinsic

    reward, recipe = settings.reward, settings.recipe
    made = {name: part for name, part in reward.functions.items() if is_intrinsic(part)}
    if recipe is None or not (made or reward.watched):
        return settings
    combine = Without(reward.watched, recipe.combine) if reward.watched else recipe.combine
    rest = {name: part for name, part in reward.functions.items() if name not in made}
    if not rest:
        combine = Only((*recipe.intrinsic, *made), combine) if not reward.watched else combine
    recipe = dataclasses.replace(recipe, intrinsic={**recipe.intrinsic, **made}, combine=combine)
    return dataclasses.replace(settings, recipe=recipe, reward=dataclasses.replace(reward, functions=rest, watched=()))


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


def _look_at_prompts(prepared: Prepared) -> None:
    """Refuse rows without a prompt, and prompts that do not fit, before the first of them is drawn."""
    for side, some in (("the training rows", prepared.rows), ("the held-out rows", prepared.task.test())):
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


def _look_at_beginning(prepared: Prepared) -> None:
    """Refuse an environment that does not begin, and one whose beginning does not fit, before the folder of the run is touched."""
    from guerdon.training.jobs import scene_for

    scene = scene_for(prepared.model, prepared.task, {}, {}, prepared.room, prepared.truncate)
    try:
        scene.contexts([prepared.rows[0]])
    finally:
        scene.close()


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


def _look_at_rewards(prepared: Prepared) -> None:
    """Refuse rewards that cannot be loaded, ask for a column that no row has or apply to none, and weights of components that do not exist."""
    import torch

    from guerdon.feedback.running import RewardRunner
    from guerdon.parts import call
    from guerdon.tasks.rows import missing_column

    functions, row = prepared.functions(), dict.fromkeys(columns_of(prepared.rows))
    with RewardRunner(functions, **prepared.settings.reward.options) as runner:
        for name, lacking in runner.missing([c for c in row if c not in ("prompt", "completion")] + ["completion_ids"]).items():
            raise InputError(f"reward.{name}: it reads the column {lacking[0]!r}, and the task {missing_column(lacking[0], row)}")
    own = ("environment",) if hasattr(prepared.task.stands_for, "environment") else ()
    components = (*functions, *prepared.settings.recipe.intrinsic, *own)
    call(prepared.settings.recipe.combine, {"components": {name: torch.zeros(1, dtype=torch.float64) for name in components}})
    if functions and "wrong" not in prepared.drop and not prepared.settings.recipe.intrinsic:
        prepared.notes += told(unjudged(functions, prepared.rows, _SECONDS), prepared.rows)


@contextlib.contextmanager
def offering_to_drop(*settings: Configuration | Stage) -> Iterator[None]:
    """Whoever is told of one wrong row among many is told of the setting that leaves all of them out."""
    try:
        yield
    except WrongRow as error:
        if isinstance(error.__cause__, TooLong) or all(one.encoding.wrong == "drop" for one in settings):
            raise
        raise InputError(f"{error}; encoding.wrong=drop leaves out all such rows, and counts them") from error


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

    new, lock = not folder.exists(), contextlib.ExitStack()

    def take() -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.enter_context(writing(folder))
        except OSError as error:
            raise InputError(f"run: {folder} cannot be written ({error.strerror}); give another folder") from error

    here().from_first(take)
    try:
        yield
    finally:
        lock.close()
        if new and here().first and {path.name for path in folder.iterdir()} <= {LOCK}:
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()


@contextlib.contextmanager
def keeping(configuration: Configuration, folder: Path) -> Iterator[list[str]]:
    """``keep``, and put back what was there before if the run inside is refused: what the folder says is what the run in it was made with."""
    path = folder / "configuration.yaml"
    before = path.read_text() if path.exists() else None
    said = here().from_first(lambda: keep(configuration, folder))
    try:
        yield said
    except InputError:
        if before is not None and here().first:
            path.write_text(before)
        raise


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

"""Recipes: what is minimised, how is acted, how credit is given. An immutable value that can be printed, compared and put into a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from guerdon.acting.samplers import Sampler
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages import Advantage
from guerdon.credit.segments import Segmenting
from guerdon.data.allocation import Allocation
from guerdon.data.buffers import Buffer
from guerdon.data.lessons import Lessons
from guerdon.data.pairing import Pairing
from guerdon.data.selection import Drawing, Selection, Weighing
from guerdon.data.selection.weighted_prompts import WeightedPrompts
from guerdon.data.starts import Starts
from guerdon.errors import InputError
from guerdon.feedback.combining import Combining
from guerdon.feedback.combining.weigh import Weigh
from guerdon.feedback.dense import DenseReward
from guerdon.feedback.intrinsic import Intrinsic
from guerdon.feedback.judges import Judge
from guerdon.feedback.shaping import Shaping
from guerdon.feedback.step_shaping import StepShaping
from guerdon.losses.reduce import Reduction
from guerdon.losses.reduce.token_mean import TokenMean
from guerdon.parts import Part, needs, wants
from guerdon.quantities import Name
from guerdon.training.controllers import Controller
from guerdon.training.optimiser import AdamW
from guerdon.training.optimisers import Optimiser
from guerdon.training.schedules import Schedule


@dataclass(frozen=True)
class Term:
    """One term of a loss: ``weight * sum(reduce(mask) * loss(...))``.

    Attributes:
        loss: a part of ``losses``.
        weight: a number, a schedule, or a controller.
        reduce: how steps (or pairs) are averaged.
        data: the stream it is computed on; "" is the batch that the loop makes, "rollouts" its sequences where the recipe pairs them, all of them at every
            gradient step, "lessons" the demonstrations of ``Recipe.lessons``.
    """

    loss: Part
    weight: float | Schedule | Controller = 1.0
    reduce: Reduction = TokenMean()
    data: str = ""


@dataclass(frozen=True)
class Learning:
    """What a learner besides the policy is trained with.

    Attributes:
        terms, optimiser: its own.
        model: its specification, the name of a stage that it starts from (as a critic from the reward model), or None: made from the policy's.
        first: so many steps at the beginning it learns while the policy acts as it is and rests, so that a critic knows the policy's returns before that moves by them.
    """

    terms: tuple[Term, ...]
    model: Any = None
    optimiser: Optimiser = AdamW()
    first: int = 0

    def __post_init__(self) -> None:
        if self.first < 0:
            raise InputError(f"first is {self.first}, steps that a learner has before the policy learns; give 0 or more")


@dataclass(frozen=True)
class Dense:
    """A reward of single steps.

    Attributes:
        source: what says a number of each step.
        shaping: what is made of these numbers, one part after the other.
        weight: beside the reward of the whole answer, and other rewards of steps.
    """

    source: DenseReward
    shaping: tuple[StepShaping, ...] = ()
    weight: float | Schedule | Controller = 1.0


@dataclass(frozen=True)
class Recipe:
    """A method.

    Attributes:
        terms: the policy's loss.
        optimiser: what steps on its gradient.
        sampler: how the policy acts (``improve``).
        intrinsic: rewards that the policy makes itself, by the name of their component; beside those that judge completions.
        combine, shaping: reward components → one reward → the reward that credit reads.
        reward_penalties: terms whose value, times their weight, is taken from the reward at each step (not differentiated).
        dense: rewards of single steps (``segments`` says which these are), by name; they are added to the reward where each step ends.
        segments: how sequences are cut into turns, reasoning steps or macro-actions, for parts that read ``segment``.
        advantage: rewards → advantage. None where no term reads one.
        target: what a critic is regressed on.
        weighing, drawing: how much each prompt is worth trying next, and how prompts are drawn by that; None: epoch by epoch.
        allocation: how many answers each prompt of a step gets, of as many as ``num_generations`` for each would be; None: that many.
        starts: with how much of its demonstration the answers to each prompt begin (sampler ``from_prefix``); None: as the sampler says.
        temperature: at which answers are drawn, a number, a schedule or a controller; None: that of the decoding.
        replay: which earlier answers stand beside the fresh ones.
        selection: which of the sampled sequences are given credit, and learned from.
        learned: which of them are learned from once credit has been given: what is left out here was compared with all the same.
        pairing: which of the sampled sequences are compared. The terms then read pairs, with the sides ``chosen`` and ``rejected``, and those whose ``data`` is
            "rollouts" the sequences by themselves.
        judge: who says which of the two is better; None: the reward does, and equal ones are not compared.
        lessons: of which prompts demonstrations are learned from, in steps of their own: the terms whose ``data`` is "lessons".
        ahead: the rollouts of a step are drawn by the policy as it was so many steps before, while those steps are made. 0: by the policy as it is. What comes of it
            is the same whoever draws, however long that takes; only where another process draws does it save time.
        refills: so many times prompts of which nothing was kept are replaced by fresh ones.
        epochs, minibatches: how often, and in how many steps, each sampled batch is used.
        learners: further learners by name (``critic``).
        updates: what happens to parameters besides gradient steps.
    """

    terms: tuple[Term, ...]
    optimiser: Optimiser = AdamW()
    sampler: Sampler = Group()
    intrinsic: Mapping[str, Intrinsic] = field(default_factory=dict)
    combine: Combining = Weigh()
    shaping: tuple[Shaping, ...] = ()
    reward_penalties: tuple[Term, ...] = ()
    dense: Mapping[str, Dense] = field(default_factory=dict)
    segments: Segmenting | None = None
    advantage: Advantage | None = None
    target: Part | None = None
    weighing: Weighing | None = None
    drawing: Drawing = WeightedPrompts()
    allocation: Allocation | None = None
    starts: Starts | None = None
    temperature: float | Schedule | Controller | None = None
    replay: Buffer | None = None
    selection: tuple[Selection, ...] = ()
    learned: tuple[Selection, ...] = ()
    pairing: Pairing | None = None
    judge: Judge | None = None
    lessons: Lessons | None = None
    ahead: int = 0
    refills: int = 0
    epochs: int = 1
    minibatches: int = 1
    learners: Mapping[str, Learning] = field(default_factory=dict)
    updates: tuple[Part, ...] = ()

    @property
    def resting(self) -> int:
        """In how many steps at the beginning the policy rests while others learn."""
        return max((learning.first for learning in self.learners.values()), default=0)

    @property
    def reads_reward(self) -> bool:
        """Whether anything depends on what a completion is rewarded with. Where nothing does, as where a teacher says it all, none has to be given."""
        credit = [part for part in (self.advantage, self.target, self.judge) if part is not None]
        terms = [term.loss for term in (*self.terms, *self.reward_penalties)]
        read = {Name.parse(name).quantity for part in (*terms, *credit) for name in needs(part) | wants(part)}
        chosen = bool(self.selection or self.shaping or self.learners or self.weighing or (self.pairing is not None and self.judge is None))
        return chosen or not read.isdisjoint({"reward", "step_reward", "components", "told"})


@dataclass(frozen=True)
class Budget:
    """How much is spent, and what is kept: everything about a run that is not the method.

    Attributes:
        steps: steps of the loop.
        batch_size: prompts (``improve``) or rows (``fit``) of a step, times ``gradient_accumulation_steps``.
        tokens_per_micro_batch: how many tokens go through the model at once; 0: as many as fit on a card, by what the first steps take there. Changes speed and
            memory, never the result by more than rounding.
        activation_checkpointing: of each layer of a language model only the input is kept for the gradient, and the rest is computed again: less memory, a
            quarter more time or so, never another result.
        offload: what lies in the host's memory and is on the device only while it is needed: "optimiser", what it keeps of each number that is trained;
            "reference", the frozen models that the policy is compared with. Less memory on a card and more time, never another result.
        processes: of this machine that the run is on; changes speed and memory, never the result. Over several machines ``torchrun`` starts them.
        evaluate_every, save_every: in steps; 0 only at the end.
        evaluation_rows: at most so many held-out rows.
        log_completions_every: in steps; which completions are kept.
        log_tokens_every: in steps, of those whose completions are kept: what was known of each of their tokens (``tokens.jsonl``); 0: never.
        keep_checkpoints: how many are kept; two, so that a damaged one has a predecessor.
        seed: everything random is derived from it.
        deterministic: only deterministic kernels, one result bit for bit.
        report_to: besides ``metrics.jsonl``: "tensorboard", "wandb", "trackio", "mlflow", "swanlab".
        keep_best: a metric of the evaluations, such as ``eval/reward`` (or ``reward``): the model that was the best by it is kept as ``model_best``.
        best_is: "highest" or "lowest"; "": lowest for what ends in ``loss``.
        patience: after so many evaluations in a row that were no better than before by more than ``min_delta`` the run stops; 0: it never does.
        load_best: the run ends with the best model in the place of the last one.
        accept: what may be another when a run is gone on with: "rows", "model".

    Raises:
        InputError: ``patience`` or ``load_best`` without a metric, one without evaluations, or a number that is out of its range.
    """

    # What never changes the steps that are made may be another when a run is gone on with.
    may_change: ClassVar[frozenset[str]] = frozenset(
        {
            "steps",
            "tokens_per_micro_batch",
            "processes",
            "activation_checkpointing",
            "offload",
            "evaluate_every",
            "evaluation_rows",
            "save_every",
            "keep_checkpoints",
            "log_completions_every",
            "log_tokens_every",
            "report_to",
            "keep_best",
            "best_is",
            "patience",
            "min_delta",
            "accept",
        }
    )

    steps: int = 100
    batch_size: int = 32
    gradient_accumulation_steps: int = 1
    tokens_per_micro_batch: int = 4096
    activation_checkpointing: bool = False
    offload: tuple[Literal["optimiser", "reference"], ...] = ()
    processes: int = 1
    evaluate_every: int = 0
    evaluation_rows: int = 256
    save_every: int = 50
    keep_checkpoints: int = 2
    log_completions_every: int = 1
    log_tokens_every: int = 1
    seed: int = 0
    deterministic: bool = True
    report_to: tuple[str, ...] = ()
    keep_best: str = ""
    best_is: Literal["", "highest", "lowest"] = ""
    patience: int = 0
    min_delta: float = 0.0
    load_best: bool = False
    accept: tuple[Literal["rows", "model"], ...] = ()

    def __post_init__(self) -> None:
        if not self.keep_best and (self.patience or self.load_best):
            raise InputError("budget.patience and budget.load_best need a metric; set budget.keep_best, such as eval/reward or eval/loss")
        if self.keep_best and not 0 < self.evaluate_every <= self.steps:
            raise InputError(
                f"budget.keep_best is {self.keep_best!r} and evaluations come every {self.evaluate_every} of {self.steps} steps (0: at the end only); "
                "set budget.evaluate_every, so that there is something to choose from"
            )
        if self.processes < 1:
            raise InputError(f"budget.processes is {self.processes}; a run is on 1 process or more")
        if self.patience < 0 or self.min_delta < 0:
            raise InputError("budget.patience and budget.min_delta are 0 or more")

    @property
    def rows(self) -> int:
        """Rows of one step."""
        return self.batch_size * self.gradient_accumulation_steps

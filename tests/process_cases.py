"""Runs for ``test_processes``: the same ones, in one process or in each of several. ``python process_cases.py FOLDER`` goes through them all, and
the first process leaves what came of each in the folder."""

import copy
import dataclasses
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from cramped import cramp
from guerdon.acting.overflow.shorten import Shorten
from guerdon.acting.overflow.summarise import Summarise
from guerdon.acting.replies.verdict import Verdict
from guerdon.acting.samplers.attempts import Attempts
from guerdon.acting.samplers.group import Group
from guerdon.acting.samplers.hinted import Hinted
from guerdon.acting.samplers.turns import Turns
from guerdon.credit.advantages.attempt_group import AttemptGroup
from guerdon.credit.advantages.gae import GAE
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.credit.targets.lambda_return import LambdaReturn
from guerdon.data.allocation.by_difficulty import ByDifficulty
from guerdon.data.buffers.earlier_successes import EarlierSuccesses
from guerdon.data.lessons.failed_prompts import FailedPrompts
from guerdon.data.selection.unsolved import Unsolved
from guerdon.feedback.judges.simulated_annotator import SimulatedAnnotator
from guerdon.feedback.shaping.running_normalise import RunningNormalise
from guerdon.feedback.writers import Answer
from guerdon.losses.comparisons.logistic import Logistic
from guerdon.losses.imitation.negative_log_likelihood import NegativeLogLikelihood
from guerdon.losses.pairwise import Pairwise
from guerdon.losses.penalties.kl_direct import KLDirect
from guerdon.losses.penalties.kl_exact import KLExact
from guerdon.losses.penalties.kl_exponential import KLExponential
from guerdon.losses.scores.head import Head
from guerdon.losses.scores.log_ratio import LogRatio
from guerdon.losses.surrogates.clip import Clip
from guerdon.losses.values.clipped_regression import ClippedRegression
from guerdon.models.heads.scalar import Scalar
from guerdon.models.language.headed import Headed
from guerdon.models.language.lora import Lora
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.models.sharding import is_sharded
from guerdon.processes import here, joined
from guerdon.recipes.dapo import recipe as dapo
from guerdon.recipes.kto import recipe as kto
from guerdon.recipes.nash_md import recipe as nash_md
from guerdon.recipes.online_dpo import recipe as online_dpo
from guerdon.sequences import Decoding
from guerdon.tasks.environments import Said, Told
from guerdon.tasks.episodes import Episodes
from guerdon.training.controllers.adaptive_coefficient import AdaptiveCoefficient
from guerdon.training.controllers.entropy_temperature import EntropyTemperature
from guerdon.training.display import Silent
from guerdon.training.jobs import FitJob, ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.optimisers.adamw_8bit import AdamW8bit
from guerdon.training.optimisers.muon import Muon
from guerdon.training.recipe import Budget, Learning, Recipe, Term
from guerdon.training.schedules.linear import Linear
from guerdon.training.updates.moving_average import MovingAverage
from guerdon.worlds.text.sort_letters import SortLetters
from in_process_cluster import InProcess

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=16)
SMALL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
BUDGET = Budget(steps=6, batch_size=5, evaluate_every=3, evaluation_rows=7, tokens_per_micro_batch=64)
GRPO = Recipe(
    (Term(Clip()), Term(KLExponential(), weight=0.05)),
    AdamW(Linear(3e-3, warmup=0.2)),
    Group(3),
    advantage=GroupCentred(),
    epochs=2,
    minibatches=2,
)
PPO = Recipe(
    (Term(Clip()),),
    AdamW(1e-3),
    Group(2),
    advantage=GAE(),
    target=LambdaReturn(),
    reward_penalties=(Term(KLDirect(), weight=AdaptiveCoefficient(initial=0.1)), Term(KLExact(), weight=0.1)),
    learners={"critic": Learning((Term(ClippedRegression()),), optimiser=AdamW(1e-2))},
    updates=(MovingAverage(decay=0.5),),
    weighing=Unsolved(),
    shaping=(RunningNormalise(),),
)
CURRICULUM = dataclasses.replace(
    GRPO,
    terms=(*GRPO.terms, Term(NegativeLogLikelihood(), data="lessons")),
    allocation=ByDifficulty(least=2, most=5),
    replay=EarlierSuccesses(threshold=0.3),
    lessons=FailedPrompts(rows=4, column="answer", threshold=0.3),
    temperature=EntropyTemperature(len(TASK.characters)),
)
TWICE = dataclasses.replace(GRPO, sampler=Attempts(3, 2, Verdict("a", threshold=0.5)), advantage=AttemptGroup(progress=1.0))
HINTED = dataclasses.replace(GRPO, sampler=Hinted(4, "answer", "{answer}{prompt}", when="failed", threshold=0.5, learned="with"))
DPO = Recipe((Term(Pairwise(LogRatio(), Logistic())),), AdamW(3e-3))
MIXED = dataclasses.replace(nash_md, optimiser=AdamW(1e-2))
ASKED = dataclasses.replace(online_dpo, optimiser=AdamW(3e-3), judge=SimulatedAnnotator(flip=0.2, budget=30))


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows as a task."""

    kind: str

    def train(self) -> list[dict[str, Any]]:
        return [row for n, row in enumerate(self._rows()) if n >= 5]

    def test(self) -> list[dict[str, Any]]:
        return self._rows()[:5]

    def _rows(self) -> list[dict[str, Any]]:
        shown = [{"prompt": row["prompt"], "completion": row["completion"]} for row in TASK.demonstrations(29)]
        if self.kind == "pairs":
            return [{"prompt": row["prompt"], "chosen": row["completion"], "rejected": row["completion"][::-1] + "a"} for row in shown]
        if self.kind == "labels":
            return [{**row, "label": bool(n % 2)} for n, row in enumerate(shown)]
        return shown


def whole_batch(prompts: list[str], completions: list[str], **columns: Any) -> list[float]:
    """A reward that is another where the batch is another."""
    longest = max(map(len, completions))
    return [len(completion) / max(longest, 1) for completion in completions]


def stumbling(completion: str, **columns: Any) -> float | None:
    """A reward that fails now and then."""
    return float("nan") if completion.startswith("da") else float(len(set(completion)))


@dataclasses.dataclass(frozen=True)
class Sent:
    """An engine that is given the policy's weights as a server is, in a folder, and draws with those."""

    def __call__(self, policy: Any, contexts: Any, context: Any, decoding: Any, uniforms: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            policy.save(Path(folder))
            sent = copy.deepcopy(policy)
            sent.module.load_state_dict(load_file(Path(folder) / "model.safetensors"), strict=False)
            return sent.sample(contexts, context, decoding, uniforms)


@dataclasses.dataclass(frozen=True)
class Elsewhere(Sent):
    """One that draws in the background with what it was sent."""

    def ready(self, policy: Any, contexts: Any, decoding: Any, idle: Any) -> Any:
        idle()
        taken = copy.deepcopy(policy)
        return lambda policy, contexts, context, decoding, uniforms: taken.sample(contexts, context, decoding, uniforms)

    def filled(self, policy: Any, drawn: Any) -> Any:
        return drawn


@dataclasses.dataclass(frozen=True)
class Moody:
    """A model that summarises what is told as another does on another process."""

    def __call__(self, questions: Any) -> list[Answer]:
        return [Answer("abcd"[here().rank])] * len(questions)


class Watching(Silent):
    """Looks, at every step, at whether parts of the model are elsewhere."""

    def __init__(self, model: Any):
        self.model, self.split = model, False

    def step(self, done: int, metrics: Any) -> None:
        self.split |= any(map(is_sharded, self.model.module.parameters()))


def fitting(loss: Any, rows: str, spec: Any = SMALL, adapters: Any = None, **budget: Any) -> Callable[[], tuple[Any, Any]]:
    recipe = loss if isinstance(loss, Recipe) else Recipe((Term(loss),), AdamW(1e-2))
    return lambda: (FitJob(recipe, Rows(rows), budget=dataclasses.replace(BUDGET, **budget)), built(spec, adapters))


def built(spec: Any = SMALL, adapters: Any = None) -> Any:
    model = spec.build(0)
    if adapters is not None:
        model.module = adapters.wrap(model.module, 0)
    return model


def improving(
    recipe: Recipe, adapters: Any = None, rewards: Any = None, placement: Any = None, **budget: Any
) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        model = built(adapters=adapters)
        running = {"failure_bound": 1.0, "timeout": None}
        return ImproveJob(
            recipe, TASK, rewards or {}, running, Decoding(6), dataclasses.replace(BUDGET, **budget), placement=placement
        ), model

    return make


class Talkative:
    """Says more than there is room for, and likes to be told the same letter again and again."""

    def reset(self, row: dict[str, Any], seed: int) -> str:
        return row["first"]

    def step(self, said: Said) -> Told:
        return Told("a" * 200 + ">", reward=said.text.count("a") / 4)

    def build(self) -> "Talkative":
        return Talkative()

    def rows(self, count: int, seed: int) -> list[dict[str, Any]]:
        return [{"first": "ab"[i % 2] + ">"} for i in range(count)]


def acting() -> tuple[Any, Any]:
    """An agent, which is told summaries."""
    sampler = Turns(3, turns=2, turn_length=4, overflow=Summarise(Moody(), least=1, otherwise=Shorten(least=4)))
    model = SmallLanguageModel("abcd>.![] hrtelfousmy:0123456789", layers=1, hidden=16, heads=2, context_length=160).build(0)
    recipe = dataclasses.replace(GRPO, sampler=sampler)
    return ImproveJob(recipe, Episodes(Talkative(), count=16, held_out=4), decoding=Decoding(100), budget=BUDGET), model


def cramped(case: Callable[[], tuple[Any, Any]], where: str = "forward") -> Callable[[], tuple[Any, Any]]:
    """The case on processes of which the last has memory for 24 tokens at once. The others have to know it, for what is whose depends on the split."""

    def make() -> tuple[Any, Any]:
        job, model = case()
        if here().rank == here().count - 1:
            cramp(model, 24, where)
        return job, model

    return make


CASES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "sft": fitting(NegativeLogLikelihood(), "shown"),
    "dpo": fitting(Pairwise(LogRatio(), Logistic()), "pairs"),
    "kto": fitting(dataclasses.replace(kto, optimiser=AdamW(1e-2)), "labels"),
    "dpo with offload": fitting(Pairwise(LogRatio(), Logistic()), "pairs", offload=("optimiser", "reference")),
    "reward model": fitting(Pairwise(Head(), Logistic()), "pairs", Headed(SMALL, Scalar())),
    "dpo with adapters that drop": fitting(DPO, "pairs", adapters=Lora(r=2, lora_dropout=0.3)),
    "fewer rows than processes": fitting(NegativeLogLikelihood(), "shown", batch_size=1),
    "grpo": improving(GRPO),
    "grpo of one prompt": improving(GRPO, batch_size=1),
    "grpo with adapters": improving(GRPO, adapters=Lora(r=2)),
    "ppo with a critic": improving(PPO),
    "refilled groups": improving(dataclasses.replace(dapo, sampler=Group(3), optimiser=AdamW(3e-3), refills=2)),
    "comparisons": improving(ASKED),
    "two policies that act": improving(MIXED),
    "adafactor": improving(dataclasses.replace(GRPO, optimiser=Adafactor(1e-2))),
    "muon": improving(
        dataclasses.replace(GRPO, optimiser=Muon(2e-4))
    ),  # which orthogonalises in bfloat16: a last digit becomes a hundredth of a step
    "memory that runs out on the last": cramped(fitting(NegativeLogLikelihood(), "shown", batch_size=12)),
    "memory that runs out near the end of a backward pass": cramped(improving(GRPO), "near the end"),
    "an engine that draws": improving(dataclasses.replace(GRPO, sampler=Group(3, Sent()))),
    "rollouts of two steps before": improving(dataclasses.replace(GRPO, ahead=2)),
    "an engine that draws meanwhile": improving(dataclasses.replace(GRPO, sampler=Group(3, Elsewhere()), ahead=2)),
    "workers that draw and judge": improving(GRPO, placement=InProcess(judges=1, sequences=4)),
    "workers that draw for several policies that act": improving(MIXED, placement=InProcess(sequences=4)),
    "a curriculum": improving(CURRICULUM),
    "several attempts": improving(TWICE),
    "hints for groups that failed": improving(HINTED),
    "an agent": acting,
    "a reward that reads the batch": improving(GRPO, rewards={"length": whole_batch}),
    "a reward that fails": improving(GRPO, rewards={"letters": stumbling}),
}


if importlib.util.find_spec("bitsandbytes") is not None:  # whose state is of eight bits where there are 4,096 numbers or more
    WIDE = dataclasses.replace(SMALL, hidden=64)
    CASES["adamw_8bit"] = fitting(Recipe((Term(NegativeLogLikelihood()),), AdamW8bit(2e-4)), "shown", WIDE)

DOUBLE = ("sft", "dpo", "kto", "dpo with adapters that drop", "grpo")  # of those that are gone through in float64 as well


def in_float64(module: torch.nn.Module) -> None:
    """All that it computes, also the norms, which ``transformers`` computes in float32: of a prompt whose answers are in two micro-batches the gradient would be rounded twice."""
    module.double()
    for inner in list(module.modules()):
        for name, norm in list(inner.named_children()):
            if type(norm).__name__ == "LlamaRMSNorm":
                made = torch.nn.RMSNorm(len(norm.weight), eps=norm.variance_epsilon, dtype=torch.float64)
                made.weight = norm.weight
                setattr(inner, name, made)


def go(name: str, folder: Path) -> dict[str, Any]:
    """One case: history, parameters and what was sampled."""
    case, _, _ = name.partition(" in float64")
    job, model = CASES[case]()
    if "float64" in name:
        in_float64(model.module)
        (model.policy if hasattr(model, "policy") else model).dtype = torch.float64
    watching = Watching(model)
    out = job(model, {}, 0, folder, watching)
    said = folder / "completions.jsonl"
    return {
        "history": out.history,
        "split": watching.split,
        "parameters": {key: value.detach().clone() for key, value in out.model.module.state_dict().items()},
        "said": said.read_text() if said.exists() and here().first else "",
    }


# Muon makes all directions of a gradient alike, so that one that is nothing but rounding becomes a step; a moment of eight bits may round to the next of 256.
ROUGHLY = ("muon", "adamw_8bit")
WHOLE = (
    "adafactor",
    "adamw_8bit",
    "muon",
    "an engine that draws",
    "an engine that draws meanwhile",
)  # of those whose parameters every process holds all of
NAMES = [*CASES, *(f"{name} in float64" for name in DOUBLE)]


def main(place: Path) -> None:
    with joined(patience=60) as processes:
        assert processes.count == int(os.environ["WORLD_SIZE"]) > 1
        for name in NAMES:
            found = go(name, place / name)
            alike = processes.each(lambda found=found: {key: float(value.double().sum()) for key, value in found["parameters"].items()})
            assert all(other == alike[0] for other in alike), name
            if processes.first:
                torch.save(found, place / f"{name}.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))

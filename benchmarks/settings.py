"""In which ways each library is run. What is quoted is the fastest of TRL's ways, so more ways can only help it."""

import os
from dataclasses import dataclass
from importlib.util import find_spec

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1)}
"""glibc maps blocks over 32 MB afresh at every use and gives them back after it; with these it keeps them."""

COMMAND_LINE = {"GOMP_SPINCOUNT": "1000"}
"""What ``guerdon`` on the command line sets before torch is imported."""


@dataclass(frozen=True)
class Setting:
    """One way to run a library.

    Attributes:
        precision: ``auto`` (ours), ``bf16`` or ``fp32``.
        allocator: whether ``ALLOCATOR`` is set.
        checkpointing: TRL's gradient checkpointing, on by default there; it saves memory and costs time.
        parts: in how many micro-batches TRL takes a step.
        packed: texts put together up to the longest (TRL's ``packing``), which see only themselves.
        static: a cache of fixed size, for which ``generate`` compiles the step on a GPU.
        card: measured on a GPU, in this order until one has room.
        grouped: texts of like length together in a batch (TRL's ``train_sampling_strategy``); less padding.
        compiled: whether layers and tiles are compiled on a GPU (ours).
        thorough: measured on request only.
        kinds: of jobs that it applies to; empty: all.
        needs: packages without which it is left out.
    """

    name: str
    precision: str
    allocator: bool = False
    checkpointing: bool = False
    parts: int = 1
    grouped: bool = False
    packed: bool = False
    static: bool = False
    card: bool = False
    compiled: bool = True
    thorough: bool = False
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def switches(self) -> dict[str, str]:
        """Variables by which ours is told how to compute."""
        return {} if self.compiled else {"GUERDON_COMPILE": "off"}

    def environment(self, library: str) -> dict[str, str]:
        """Variables of the process, all others as they are here; allocator settings of the caller do not leak in."""
        inherited = {k: v for k, v in os.environ.items() if k not in ALLOCATOR and k != "GLIBC_TUNABLES"}
        own = COMMAND_LINE | self.switches if library == "ours" else {}
        return {**inherited, **own, **(ALLOCATOR if self.allocator else {}), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


FLASH = ("flash_attn",)  # without it texts that are put together are multiplied with each other, and masked
TRAINED = ("dpo", "reward", "grpo", "sft")
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "ours": (
        Setting("shipped", "auto", card=True),
        Setting("not compiled", "auto", compiled=False, card=True, thorough=True, kinds=("dpo", "reward", "sft")),
        Setting("allocator", "auto", allocator=True),
        Setting("fp32", "fp32", thorough=True),
    ),
    "trl": (
        Setting("bf16, packed", "bf16", packed=True, card=True, thorough=True, kinds=("sft",), needs=FLASH),
        Setting("bf16, packed, 4 parts", "bf16", parts=4, packed=True, card=True, thorough=True, kinds=("sft",), needs=FLASH),
        Setting("bf16, static cache", "bf16", static=True, card=True, thorough=True, kinds=("sampling",)),
        Setting("bf16, by length", "bf16", grouped=True, card=True, kinds=("sft",)),
        Setting("bf16", "bf16", card=True),
        Setting("fp32", "fp32"),
        Setting("bf16, allocator", "bf16", allocator=True),
        Setting("fp32, allocator", "fp32", allocator=True),
        Setting("bf16, by length, allocator", "bf16", allocator=True, grouped=True, kinds=("sft",)),
        Setting("bf16, 4 parts", "bf16", parts=4, card=True, kinds=TRAINED),
        Setting("bf16, 4 parts, allocator", "bf16", allocator=True, parts=4, kinds=TRAINED),
        Setting("bf16, checkpointing", "bf16", checkpointing=True, thorough=True, kinds=TRAINED),
        Setting("fp32, 4 parts", "fp32", parts=4, thorough=True, kinds=TRAINED),
        Setting("fp32, 4 parts, allocator", "fp32", allocator=True, parts=4, thorough=True, kinds=TRAINED),
    ),
}
"""``trl`` is ``generate`` of ``transformers`` in the jobs of kind ``sampling``."""


def applicable(library: str, kind: str, thorough: bool) -> list[Setting]:
    """The ways in which a library runs a kind of job here."""
    found = [s for s in SETTINGS[library] if (not s.kinds or kind in s.kinds) and (thorough or not s.thorough)]
    return [s for s in found if all(map(find_spec, s.needs))]

"""What would take less memory, where a run needs more than there is: settings, the bytes that each saves, the cheapest in time and result first.

Source: ours; the bytes are those of ``cost.memory``.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from guerdon.interfaces.preparing import Prepared
from guerdon.models.language.four_bits import NUMBER, count
from guerdon.training.optimisers.adamw_8bit import AdamW8bit
from guerdon.training.recipe import Budget

GIB = 2**30


@dataclass(frozen=True)
class Saving:
    """A setting as it is written, and the bytes that it takes less."""

    setting: str
    saves: int


def there(device: torch.device) -> tuple[int, str]:
    """Bytes of memory that there are where the model computes, and what that is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory, "the GPU"
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "the machine"


def savings(prepared: Prepared, memory: Mapping[str, int], checkpointing: Mapping[str, Any]) -> list[Saving]:
    """Those that save anything here, each beside the ones before it."""
    return [Saving(setting, int(saves)) for setting, saves in _all(prepared, dict(memory), checkpointing) if saves >= 1]


def _all(prepared: Prepared, left: dict[str, float], checkpointing: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """In the order of what they cost: nothing but time; digits of the optimiser; another model that is learned. ``left`` is what is needed with those before."""
    model, budget, spec = prepared.model, prepared.settings.budget, prepared.settings.model
    known = {f.name for f in fields(spec)} if is_dataclass(spec) else set()
    trained, adapters = left["trained_parameters"], any("lora_" in name for name, _ in model.module.named_parameters())
    if not checkpointing["on"]:
        yield "activation_checkpointing=true", checkpointing["saves"]
        left["activations"] -= checkpointing["saves"]
    rests = [what for what in ("optimiser", "reference") if left[what] and what not in budget.offload and model.device.type != "cpu"]
    yield f"offload=[{', '.join([*budget.offload, *rests])}]", _taken(left, *rests)
    fewer = (budget.tokens_per_micro_batch or Budget.tokens_per_micro_batch) // 4
    yield f"tokens_per_micro_batch={fewer}", 0.75 * (left["logits"] + left["activations"])
    small = min(left["optimiser"], AdamW8bit.keeps * trained)
    yield "recipe.optimiser=adamw_8bit", left["optimiser"] - small
    left["optimiser"] = small
    if "lora" in known and not adapters:
        yield "model.lora={}", _taken(left, "gradients", "optimiser", "reference", "copy")
    if "dtype" in known and getattr(model, "dtype", None) == torch.float32 and adapters:
        yield "model.dtype=bfloat16", (left["weights"] - 4 * trained) / 2
        left["weights"] -= (left["weights"] - 4 * trained) / 2
    if "load_in_4bit" in known and adapters:
        yield "model.load_in_4bit=true", max(left["weights"] - 4 * trained - _packed_and_the_rest(model), 0)


def _taken(left: dict[str, float], *names: str) -> float:
    """What these are, of which nothing is left then."""
    saved = sum(left[name] for name in names)
    left.update(dict.fromkeys(names, 0))
    return saved


def _packed_and_the_rest(model: Any) -> float:
    """Bytes of the frozen weights if those of linear layers were of four bits, and others of two bytes."""
    packed = {
        id(layer.weight): count(layer.weight)
        for layer in model.module.modules()
        if isinstance(layer, nn.Linear) and not layer.weight.requires_grad
    }
    rest = sum(p.numel() for p in model.module.parameters() if not p.requires_grad and id(p) not in packed)
    return NUMBER * sum(packed.values()) + 2 * rest


def sentence(memory: Mapping[str, int], found: list[Saving], room: int, where: str) -> str:
    """What to do where more is needed than there is; empty where it is not."""
    lacking = memory["total"] - room
    if lacking <= 0:
        return ""
    taken: list[Saving] = []
    for saving in found:
        if sum(one.saves for one in taken) < lacking:
            taken.append(saving)
    said = ", ".join(f"{one.setting} (about {one.saves / GIB:.1f} GiB less)" for one in taken)
    enough = sum(one.saves for one in taken) >= lacking
    do = f"{said} would do" if enough else f"{said or 'no setting'} would not be enough; take a smaller model, or more of a machine"
    return f"about {memory['total'] / GIB:.1f} GiB are needed and {where} has {room / GIB:.1f}: {do}"

"""Weights of four bits under adapters: frozen linear layers whose numbers are indices into the quantiles of a normal distribution.

    w ≈ s_b NF4[c],    c of 4 bits, s_b for each block of 64 numbers, itself in 8 bits with a scale for each 256 blocks (double quantisation): 4.13 bits a number

Each product reads the weights back into the format that is computed in. They are never trained: the gradient goes through them to the adapters, which are trained in float32.
The output head, the embedding, norms and whatever is trained stay as they are.

Source: QLoRA, arXiv 2305.14314, sections 3 (NF4, double quantisation) and eq. 5; the layers are those of ``bitsandbytes``.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from guerdon.errors import InputError
from guerdon.models.language.saving import weight_of

SETTING = "model.load_in_4bit"
NUMBER = 4.127 / 8  # bytes of one: 4 bits, 8 for each block of 64, and 32 for each 256 of these


def refuse_without_package() -> None:
    """
    Raises:
        InputError: ``bitsandbytes`` is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(f"{SETTING}: weights of four bits need a package that is not installed; pip install 'guerdon[quantized]'")


def pack(module: Any, dtype: torch.dtype, device: torch.device) -> None:
    """Put layers of four bits in the place of the frozen linear layers of a module with adapters, on ``device``, one after the other.

    Raises:
        InputError: it has no adapters, so that nothing of it could be trained, or no linear layer.
    """
    import bitsandbytes as bnb

    if not hasattr(module, "disable_adapter"):
        raise InputError(
            f"{SETTING}: weights of four bits cannot be trained, they have no gradient; train adapters on them (model.lora: {{}}), or set it to false"
        )
    found = [(parent, name, layer) for parent, name, layer in _layers(module, nn.Linear) if type(layer) is nn.Linear]
    head = weight_of(module.get_base_model().get_output_embeddings())
    found = [one for one in found if not one[2].weight.requires_grad and one[2].weight is not head]
    if not found:
        kind = type(module.get_base_model()).__name__
        raise InputError(f"{SETTING}: a {kind} has no linear layers that could be packed; set it to false")
    for parent, name, layer in found:
        packed = bnb.nn.Linear4bit(layer.in_features, layer.out_features, layer.bias is not None, dtype, quant_type="nf4", device="meta")
        packed.weight = bnb.nn.Params4bit(layer.weight.detach().to(dtype), requires_grad=False, quant_type="nf4", module=packed)
        packed.bias = layer.bias
        packed.support_avx512bf16_for_cpu = False  # it would lay the weights out for products without gradients, in place
        setattr(parent, name, packed.to(device).eval())


def unpack(module: nn.Module) -> None:
    """Put ordinary layers in the place of those of four bits, with the numbers that these compute with."""
    for parent, name, layer in _layers(module, nn.Linear):
        if is_packed(layer.weight):
            plain = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
            plain.weight = nn.Parameter(numbers(layer.weight), requires_grad=False)
            plain.bias = layer.bias
            setattr(parent, name, plain.eval())


def is_packed(parameter: Tensor) -> bool:
    """Whether the numbers of a parameter are of four bits."""
    return getattr(parameter, "quant_state", None) is not None


def numbers(parameter: Any) -> Tensor:
    """What is computed with."""
    import bitsandbytes as bnb

    return bnb.functional.dequantize_4bit(parameter.data, parameter.quant_state)


def count(parameter: Any) -> int:
    """How many numbers a parameter has."""
    return int(torch.Size(parameter.quant_state.shape).numel()) if is_packed(parameter) else parameter.numel()


def scales(parameter: Any) -> list[Tensor]:
    """What a packed parameter has besides its indices; nothing for others."""
    return [t for t in parameter.quant_state.as_dict(packed=True).values() if isinstance(t, Tensor)] if is_packed(parameter) else []


def size(parameter: Any) -> int:
    """Bytes that a parameter takes."""
    return sum(t.numel() * t.element_size() for t in (parameter, *scales(parameter)))


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """The module's state without what is packed, which never moves and is made anew from where the model lies."""
    packed = tuple(f"{name}" for name, parameter in module.named_parameters() if is_packed(parameter))
    return {name: value for name, value in module.state_dict().items() if not (packed and name.startswith(packed))}


def load_state(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Take what ``state_of`` gave."""
    module.load_state_dict(state, strict=not any(map(is_packed, module.parameters())))


def _layers(module: nn.Module, kind: type[nn.Module]) -> Iterator[tuple[nn.Module, str, Any]]:
    """Layers of a kind, with their parents; not those that are kept beside one that is trained in their place."""
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, kind) and name != "original_module":
                yield parent, name, layer

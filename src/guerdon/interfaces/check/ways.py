"""By which ways the model computes here: the number format, attention, what is compiled, how much of the logits exists at once."""

from typing import Any

from guerdon.interfaces.preparing import Prepared


def look(prepared: Prepared, warnings: list[str]) -> dict[str, Any]:
    """What was chosen, and on a card how long each way took; nothing of models that are none of language."""
    policy = getattr(prepared.model, "policy", prepared.model)
    if not hasattr(policy, "computing") or not hasattr(policy, "device"):
        return {}
    from guerdon.models import compiling
    from guerdon.models.language.attentions import Asked
    from guerdon.models.language.attentions._choosing import tried
    from guerdon.models.language.layout import Shape
    from guerdon.models.language.policy import GRAPHS
    from guerdon.models.language.tiles import logits_at_once

    device, first = policy.device, next(policy.computing.parameters())
    config = policy.module.config.get_text_config()
    found: dict[str, Any] = {
        "device": str(device),
        "dtype": str(first.dtype).removeprefix("torch."),
        "logits_at_once": logits_at_once(device),
    }
    if not policy.unpacked_because:
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        trials = {shared: tried(Asked(device, first.dtype, Shape.of(config), width, shared)) for shared in (True, False)}
        found["attention"] = {"of shared contexts": str(trials[True]), "of others": str(trials[False])}
        if device.type == "cuda":
            found["refused"] = trials[True].refused | trials[False].refused
    if device.type == GRAPHS:
        found["drawn"] = "by recorded steps" if policy.graphed is not None else "with a cache, step by step"
    if device.type != "cpu":
        found["not_compiled_because"] = compiling.why_not(device)
        if device.type == "cuda" and found["not_compiled_because"]:
            warnings.append(
                f"nothing is compiled ({found['not_compiled_because']}): what lies between matrix products is computed operation by operation, which is slower and right "
                "all the same"
            )
    return found

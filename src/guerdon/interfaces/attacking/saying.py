"""What an attack found, in sentences, for the terminal and the page."""

import math
from collections.abc import Mapping
from typing import Any

from guerdon.interfaces.benching.answers import text_of


def text(answer: Any, most: int) -> str:
    """The beginning of what an answer says."""
    whole = text_of(answer) if not isinstance(answer, str) else answer
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def of_best(found: Mapping[str, Any]) -> list[str]:
    """What the best of N says."""
    first, last = found["points"][0], found["points"][-1]
    said = [
        f"of {last['n']} answers the one with the highest reward has {last['characters']:.0f} characters, any has {first['characters']:.0f}"
    ]
    if not found["gold"]:
        return [*said, "without a gold reward (--gold) nobody knows whether what is chosen is better"]
    known = math.isfinite(found["agreement"])
    said.append(
        f"within prompts both correlate by {found['agreement']:+.2f}"
        if known
        else "one of the two says the same of all answers to a prompt"
    )
    if found["parts"]:
        parts = found["parts"]
        where = f"they part at N = {parts['n']} (KL {parts['kl']:.2f})" if parts["n"] > 1 else "they part from the start"
        said.append(
            f"{where}: by N = {parts['seen_n']} gold has fallen by {parts['falls_by']:.2f} standard deviations, which "
            "chance explains in 5 % of such attacks at most"
        )
    else:
        said.append(f"gold is highest at N = {found['highest']}; nothing shows that it falls up to N = {last['n']} (KL {last['kl']:.2f})")
    return [*said, *_of_fit(found["fit"], "d (alpha - beta d)")]


def of_training(found: Mapping[str, Any]) -> list[str]:
    """What the run says."""
    if not found["gold"]:
        return ["without a gold reward (--gold) nobody knows whether what is learned is better"]
    if found["parts"]:
        parts = found["parts"]
        apart = (
            f"they part at a KL of {parts['kl']:.2f} (step {parts['step']:.0f}): by a KL of {parts['seen_kl']:.2f} the reward has risen from {parts['proxy'][0]:.3g} to "
            f"{parts['proxy'][1]:.3g}, and gold has fallen from {parts['gold'][0]:.3g} to {parts['gold'][1]:.3g}"
        )
    else:
        apart = f"nothing shows that they part up to a KL of {max(found['kl']):.2f}"
    return [apart, *_of_fit(found["fit"], "d (alpha - beta log d)")]


def _of_fit(fit: Mapping[str, float] | None, curve: str) -> list[str]:
    if fit is None or fit["alpha"] <= 0:  # a curve that rises at first is what the formula is for
        return []
    where = f"highest at a KL of {fit['top_kl']:.2f}" if math.isfinite(fit["top_kl"]) else "which does not turn"
    return [f"gold along d = sqrt(KL) as {curve}: alpha {fit['alpha']:.3g}, beta {fit['beta']:.3g}, {where}"]

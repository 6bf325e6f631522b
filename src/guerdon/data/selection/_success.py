"""How often each prompt was solved: the state that prompt weights share."""

import torch
from torch import Tensor

State = dict[str, Tensor]


def record(state: State, reward: Tensor, prompt_id: Tensor, size: int, decay: float) -> State:
    """The state after these attempts at the prompts ``prompt_id`` out of ``size``; NaN was not judged and does not count."""
    known = ~reward.isnan()
    place, solved = prompt_id[known], reward[known].double().clamp(0, 1)
    old = {name: state.get(name, torch.zeros(size, dtype=torch.float64)) for name in ("total", "count")}
    age = torch.ones(size, dtype=torch.float64)
    age[place] = decay
    return {
        "total": (old["total"] * age).index_add(0, place, solved),
        "count": (old["count"] * age).index_add(0, place, torch.ones_like(solved)),
    }


def success(state: State, unseen: float) -> Tensor:
    """[P], the success rate of each prompt, ``unseen`` where there was no attempt."""
    tried = state["count"] > 0
    return torch.where(tried, state["total"] / state["count"].clamp(min=1e-12), unseen)

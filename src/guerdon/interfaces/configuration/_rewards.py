"""What other trainers call a reward, and which part it is here."""

_TRL = {
    "accuracy_reward": "math_equivalence",
    "reasoning_accuracy_reward": "math_equivalence, for which an answer within the thinking never counts",
    "get_cosine_scaled_reward": "{part: cosine_length, max_length: ..., verifier: math_equivalence}",
    "think_format_reward": "{part: format, pattern: ...}",
    "get_repetition_penalty_reward": "{part: repetition, unit: tokens}",
    "get_soft_overlong_punishment": "{part: length, max_length: ..., cache: ...}",
}
_OTHERS = {
    "code_reward": "code, which reads the column tests",
    "prime_code": "code, which reads the column tests",
    "sandbox_fusion": "code, which has a sandbox of its own",
    "ifeval": "instructions, which reads instruction_id_list and kwargs",
    "math_verify": "math_equivalence",
    "gsm8k": "number_match",
    "cosine_scaled_reward": _TRL["get_cosine_scaled_reward"],
    "string_f1": "token_f1",
}


def answer(name: str) -> str | None:
    """What a reward of another trainer is here; None where the name is not known."""
    if name in _TRL:
        made = "" if name.startswith("get_") else f"; TRL's own runs as trl.rewards:{name}"
        return f"{name} is TRL's name: here it is {_TRL[name]}{made}"
    return f"{name} is another trainer's name: here it is {_OTHERS[name]}" if name in _OTHERS else None

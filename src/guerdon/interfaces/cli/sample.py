"""``guerdon sample``: completions of a model with their log-probabilities."""

from typing import Annotated

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    model: Annotated[str, typer.Argument(help="A folder, a hub id or a GGUF file.", show_default=False)],
    prompt: Annotated[
        list[str], typer.Option("--prompt", "-p", help="What is to be answered; may be given several times.", show_default=False)
    ],
    system: Annotated[str | None, typer.Option(help="What the system says first; makes the prompt a conversation.")] = None,
    chat: Annotated[
        bool | None,
        typer.Option("--chat/--plain", help="As a turn of a conversation, or as plain text. Default: by the model.", show_default=False),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Completions of each prompt.")] = 1,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the most likely token.")] = 1.0,
    max_completion_length: Annotated[
        int | None,
        typer.Option(
            min=1, help="Tokens after which a completion is cut off. Default: 128, or half the model's context.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same completions.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    json: Json = False,
) -> None:
    """Print completions with their log-probabilities.

    Example: [bold]guerdon sample runs/sort_letters/model --prompt 'cabfed>' -n 2[/bold]
    """
    import torch

    from guerdon.acting.samplers.group import Group
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.preparing import built
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.sequences import Decoding
    from guerdon.training.jobs import encoder_for

    policy = built(LanguageModel(model, device=device), seed)
    if max_completion_length is None:
        max_completion_length = min(128, policy.context_length // 2)
    if max_completion_length >= policy.context_length:
        raise InputError(
            f"--max-completion-length: it is {max_completion_length}, and the model has room for {policy.context_length} tokens"
        )
    as_chat = bool(getattr(policy.tokenizer, "chat_template", None)) if chat is None else chat
    as_chat = as_chat or system is not None
    start = [] if system is None else [{"role": "system", "content": system}]
    texts = [[*start, {"role": "user", "content": p}] if as_chat else p for p in prompt]
    encoder = encoder_for(policy, policy.context_length - max_completion_length)
    contexts = [torch.tensor(encoder.encode_prompt(text)) for text in texts]
    drawn = Group(n)(policy, contexts, Decoding(max_completion_length, temperature), seed)
    rows = []
    for b in range(len(drawn)):
        length = int(drawn.length[b])
        tokens = drawn.actions[b, :length].tolist()
        logp = drawn.quantities["old_logp"][b, :length].tolist()
        rows.append(
            {
                "prompt": prompt[int(drawn.context[b])],
                "completion": encoder.decode(tokens),
                "logp": sum(logp),
                "ended": bool(drawn.quantities["terminated"][b]),
                "tokens": [{"text": encoder.decode([t], special=True), "id": t, "logp": p} for t, p in zip(tokens, logp, strict=True)],
            }
        )
    if json:
        as_json(rows)
        return
    for row in rows:
        console.print(f"{row['prompt']}", style="dim", markup=False)
        console.print(_coloured(row["tokens"]), soft_wrap=True)
        ended = "" if row["ended"] else ", cut off"
        console.print(f"  {len(row['tokens'])} tokens, log-probability {row['logp']:.3f} nats{ended}\n", style="dim", markup=False)


def _coloured(tokens: list[dict]):
    """The completion, each token the redder the less likely it was."""
    from rich.text import Text

    text = Text()
    for token in tokens:
        text.append(token["text"], style="bold red" if token["logp"] < -3 else "yellow" if token["logp"] < -0.7 else "")
    return text

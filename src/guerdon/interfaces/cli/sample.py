"""``guerdon sample``: completions of a model with their log-probabilities."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True
KWARGS = "--chat-template-kwargs"


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
    chat_template_kwargs: Annotated[
        list[str] | None,
        typer.Option(
            help="What the chat template is told besides, as NAME=VALUE or as one JSON object; may be given several times: enable_thinking=false.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[int | None, typer.Option("-n", min=1, help="Completions of each prompt. Default: 1.", show_default=False)] = None,
    sampler: Annotated[
        str | None,
        typer.Option(
            help="How completions are found, as in a configuration ({part: step_beam, reward: ...}), or a file with that. Default: they are drawn.",
            show_default=False,
        ),
    ] = None,
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
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.cli._searching import found, sampler_of
    from guerdon.interfaces.preparing import built
    from guerdon.models.language.language_model import LanguageModel
    from guerdon.sequences import Decoding
    from guerdon.training.jobs import encoder_for

    variables = _variables(chat_template_kwargs or [])
    how = sampler_of(sampler, n)
    policy = built(LanguageModel(model, device=device), seed)
    if max_completion_length is None:
        max_completion_length = min(128, policy.context_length // 2)
    if max_completion_length >= policy.context_length:
        raise InputError(
            f"--max-completion-length: it is {max_completion_length}, and the model has room for {policy.context_length} tokens"
        )
    as_chat = bool(getattr(policy.tokenizer, "chat_template", None)) if chat is None else chat
    as_chat = as_chat or system is not None
    if variables and not as_chat:
        raise InputError(
            f"{KWARGS}: the prompt is plain text, which no chat template writes; "
            f"{'add --chat' if getattr(policy.tokenizer, 'chat_template', None) else 'leave it out, for this model has no template'}"
        )
    start = [] if system is None else [{"role": "system", "content": system}]
    texts = [[*start, {"role": "user", "content": p}] if as_chat else p for p in prompt]
    encoder = encoder_for(policy, policy.context_length - max_completion_length)
    for name in variables:
        if name != "tools" and not encoder.reads(texts[0], name, **variables):
            raise InputError(f"{KWARGS}: the chat template does the same whatever {name!r} is; check its name, or leave it out")
    rows = [{"prompt": text, **({"chat_template_kwargs": variables} if variables else {})} for text in texts]
    drawn = found(how, policy, encoder, rows, Decoding(max_completion_length, temperature), seed)
    shown = []
    for b in range(len(drawn)):
        length = int(drawn.length[b])
        tokens = drawn.actions[b, :length].tolist()
        logp = drawn.quantities["old_logp"][b, :length].tolist()
        shown.append(
            {
                "prompt": prompt[int(drawn.context[b])],
                "completion": encoder.decode(tokens),
                "logp": sum(logp),
                "ended": bool(drawn.quantities["terminated"][b]),
                "tokens": [{"text": encoder.decode([t], special=True), "id": t, "logp": p} for t, p in zip(tokens, logp, strict=True)],
                **{
                    name: float(drawn.quantities[name][b])
                    for name in ("score", "drawn_tokens", "scored_tokens")
                    if name in drawn.quantities
                },
            }
        )
    if json:
        as_json(shown)
        return
    for row in shown:
        console.print(f"{row['prompt']}", style="dim", markup=False)
        console.print(_coloured(row["tokens"]), soft_wrap=True)
        ended = "" if row["ended"] else ", cut off"
        cost = "".join(
            f", {words} {row[name]:.{digits}f}"
            for name, words, digits in (("score", "score", 3), ("drawn_tokens", "tokens drawn", 0), ("scored_tokens", "scored", 0))
            if name in row
        )
        console.print(f"  {len(row['tokens'])} tokens, log-probability {row['logp']:.3f} nats{ended}{cost}\n", style="dim", markup=False)


def _variables(given: Sequence[str]) -> dict[str, Any]:
    """What the chat template is told, with the values read as those of overrides are."""
    from guerdon.errors import InputError
    from guerdon.interfaces.configuration._yaml import parse
    from guerdon.tasks.encoding import template_variables

    told: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if text.lstrip().startswith("{"):
            told |= parse(text, KWARGS)
        elif equals and name.strip():
            told[name.strip()] = parse(value, KWARGS)
        else:
            raise InputError(f"{KWARGS}: {text!r} is neither NAME=VALUE, such as enable_thinking=false, nor a JSON object")
    try:
        return template_variables({"chat_template_kwargs": told})
    except InputError as error:
        raise InputError(str(error).replace("column 'chat_template_kwargs'", KWARGS)) from error


def _coloured(tokens: list[dict]):
    """The completion, each token the redder the less likely it was."""
    from rich.text import Text

    text = Text()
    for token in tokens:
        text.append(token["text"], style="bold red" if token["logp"] < -3 else "yellow" if token["logp"] < -0.7 else "")
    return text

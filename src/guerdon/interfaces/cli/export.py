"""``guerdon export``: a saved model in another format."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from guerdon.interfaces.cli._arguments import Json

NEEDS_ARGUMENTS = True


def command(
    model: Annotated[str, typer.Argument(help="A folder, a hub id or a GGUF file.", show_default=False)],
    to: Annotated[Literal["gguf"], typer.Option(help="gguf: one file for local servers such as llama.cpp's.")] = "gguf",
    dtype: Annotated[
        Literal["f32", "f16", "bf16", "q8_0"], typer.Option(help="How numbers are stored; q8_0 is half as large as f16.")
    ] = "f16",
    out: Annotated[Path | None, typer.Option(help="The file. Default: in the model's folder, named after it.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Write a language model as one file for local servers, read it back, and say how far its log-probabilities are from the model's. Adapters are merged.

    Example: [bold]guerdon export runs/gsm8k/model --to gguf --dtype q8_0[/bold]
    """
    from guerdon.errors import InputError
    from guerdon.interfaces.cli._printing import as_json, console
    from guerdon.interfaces.preparing import built
    from guerdon.models.language.gguf_file import export
    from guerdon.models.language.language_model import LanguageModel

    folder = Path(model).expanduser()
    if out is None:
        place = folder.resolve()
        name = place.parent.name if place.name == "model" else place.name
        out = (folder if folder.is_dir() else Path()) / f"{name}-{dtype}.{to}"
    if out.suffix != ".gguf":
        raise InputError(f"--out: {out} does not end in .gguf, by which programs know such files")
    apart = export(built(LanguageModel(model, dtype="float32", device="cpu"), 0), out, dtype)
    size = out.stat().st_size
    if json:
        as_json({"file": str(out), "bytes": size, "difference": apart})
    else:
        console.print(f"{out}  {size / 1e6:.1f} MB", markup=False, soft_wrap=True)
        console.print(f"read back, log-probabilities differ by {apart:.2g} nats on average")

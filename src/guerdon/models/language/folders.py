"""Folders: what lies in one that is no model, said with what to do.

A run of another trainer is a folder of checkpoints; a checkpoint is often shards that belong together; a clone without ``git lfs`` holds pointers. ``transformers``
says of all of them that it does not recognise the model.

Source: ours; the file names are those that the trainers write.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guerdon.errors import InputError

SETTINGS = ("config.json", "adapter_config.json")
WHOLE = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_POINTER = b"version https://git-lfs"
_DEPTH = 3  # folders below the one that was named in which a model is looked for
_SHOWN = 3


@dataclass(frozen=True)
class Foreign:
    """Something that is known by a file in it.

    Attributes:
        files: patterns, one of which a file or folder directly in it meets.
        what: what it then is.
        otherwise: what to do; ``{folder}`` is where it lies.
    """

    files: tuple[str, ...]
    what: str
    otherwise: str


FOREIGN = (
    Foreign(
        ("model_world_size_*_rank_*.pt",),
        "a checkpoint of verl in shards (FSDP)",
        "merge it where verl is installed: python -m verl.model_merger merge --backend fsdp --local_dir {folder} --target_dir MODEL",
    ),
    Foreign(
        ("zero_to_fp32.py", "*_model_states.pt", "bf16_zero_*", "zero_pp_rank_*"),
        "a checkpoint of DeepSpeed in shards",
        "merge it with the script that lies in it: python zero_to_fp32.py . MODEL --safe_serialization; then copy config.json and the tokenizer's files there",
    ),
    Foreign(
        ("*.distcp", "pytorch_model_fsdp*"),
        "a checkpoint of torch in shards (FSDP)",
        "merge it with accelerate merge-weights SHARDS MODEL, and copy config.json and the tokenizer's files there",
    ),
    Foreign(
        ("iter_[0-9]*", "mp_rank_*", "latest_checkpointed_iteration.txt"),
        "a checkpoint of Megatron",
        "convert it into a folder of transformers with the tool that its trainer has for it",
    ),
    Foreign(
        ("consolidated*.pth", "consolidated*.safetensors"),
        "a model in its authors' own files",
        "take the folder or the hub's repository of the same model that is made for transformers (with a config.json)",
    ),
    Foreign(("tf_model.h5", "flax_model.msgpack"), "a model for another framework", "take its weights for torch (model.safetensors)"),
    Foreign(("*.onnx", "*.tflite"), "a model that only computes", "take the weights that it was made from (model.safetensors)"),
)


def refuse(named: str, folder: Path) -> None:
    """Refuse a folder that holds no model, or one of which files are not there.

    Raises:
        InputError: what it holds instead, and what to do.
    """
    here = {path.name for path in folder.iterdir()}
    if not here.intersection(SETTINGS) or ("adapter_config.json" not in here and not here.intersection(WHOLE)):
        raise InputError(f"model.source: {named} {_instead(named, folder, here)}")
    for index in sorted(here.intersection(name for name in WHOLE if name.endswith(".index.json"))):
        _refuse_gaps(named, folder, index)
    for name in sorted(here):
        path = folder / name
        if path.is_file() and path.suffix in (".safetensors", ".bin", ".json", ".model", ".jinja") and _begin(path) == _POINTER:
            raise InputError(
                f"model.source: {name} in {named} is the pointer that git-lfs leaves and not the file itself; run git lfs pull there, or fetch it again"
            )
        if path.is_file() and re.fullmatch(r"(model|adapter_model).*\.safetensors", name):
            _refuse_damaged(named, path)


def _instead(named: str, folder: Path, here: set[str]) -> str:
    lacks = "holds no model of transformers"
    if inside := _models_in(folder):
        return f"{lacks} itself; name one that lies in it: {_listed([f'{named}/{path}' for path in inside])}"
    for foreign in FOREIGN:
        for place in (folder, *_below(folder)):
            if any(path.match(pattern) for path in place.iterdir() for pattern in foreign.files):
                at = named if place is folder else f"{named}/{place.relative_to(folder)}"
                return f"{'is' if place is folder else 'holds'} {foreign.what}; {foreign.otherwise.format(folder=at)}"
    if files := sorted(name for name in here if name.endswith(".gguf")):
        return f"{lacks}, but GGUF files; name one: {_listed([f'{named}/{name}' for name in files])}"
    if not here:
        return f"is an empty folder; a model's folder holds {SETTINGS[0]}, {WHOLE[0]} and a tokenizer"
    if here.intersection(SETTINGS):
        shards = sorted(name for name in here if re.fullmatch(r"(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)", name))
        lost = f"only shards of them and no {shards[0].split('-')[0]}{Path(shards[0]).suffix}.index.json" if shards else f"no {WHOLE[0]}"
        return f"holds a configuration and not the weights ({lost}); fetch or save it again"
    return f"{lacks}: there is no {SETTINGS[0]}, nor an {SETTINGS[1]}; name the folder in which it lies beside the weights"


def _below(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    """Folders in it that can be looked into, nearest first."""
    own = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".") and os.access(path, os.R_OK | os.X_OK)
    )
    yield from own
    if depth > 1:
        for path in own:
            yield from _below(path, depth - 1)


def _models_in(folder: Path) -> list[str]:
    """Where in it models lie, the newest first where they are numbered."""
    found = []
    for place in _below(folder):
        there = {path.name for path in place.iterdir()}
        if "adapter_config.json" in there or ("config.json" in there and there.intersection(WHOLE)):
            found.append(str(place.relative_to(folder)))
    return sorted(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)], reverse=True)


def _refuse_gaps(named: str, folder: Path, index: str) -> None:
    try:
        files = set(json.loads((folder / index).read_text())["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"model.source: {index} in {named} is damaged; fetch or save it again") from error
    if not files:
        raise InputError(f"model.source: {index} in {named} names no weights; fetch or save it again")
    gone = sorted(name for name in files if not (folder / name).exists())
    if gone:
        raise InputError(
            f"model.source: {named} lacks {len(gone)} of its {len(files)} files of weights ({_listed(gone)}); fetch them again"
        )


def _refuse_damaged(named: str, path: Path) -> None:
    """By the head of a file of safetensors, which says where each weight lies: refuse one that is longer or shorter, and weights that are no numbers to train."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        head = file.read(length) if length < size else b""
    try:
        weights = {name: about for name, about in json.loads(head).items() if name != "__metadata__"}
        whole = 8 + length + max((about["data_offsets"][1] for about in weights.values()), default=0)
        packed = next((f"{name} is of {about['dtype']}" for name, about in weights.items() if _is_packed(name, about["dtype"])), None)
    except (ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise InputError(f"model.source: {path.name} in {named} is damaged or cut short; fetch or save it again") from error
    if whole != size:
        raise InputError(f"model.source: {path.name} in {named} has {size} bytes and should have {whole}; fetch or save it again")
    if packed:
        raise InputError(
            f"model.source: the weights of {named} are quantised ({packed}), and models are computed with and trained in floating point; take the model that "
            "they were made from, or a GGUF file, which is dequantised"
        )


def _is_packed(name: str, dtype: str) -> bool:
    return name.endswith(".weight") and re.fullmatch(r"[IU]\d+", dtype) is not None


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_POINTER))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")

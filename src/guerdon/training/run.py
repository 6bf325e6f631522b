"""A run is a directory with everything that happened.

run/
  configuration.json   what was asked for, with every default written out
  environment.json     versions, machine, threads, command
  sources.json         digests of rows, weights and code of one's own
  metrics.jsonl        one line per logged step: {"step": 3, "reward": 0.41, ...}
  completions.jsonl    one line per sampled completion, with its reward components
  tokens.jsonl         one line per logged step: what was known of each token (training.token_values)
  checkpoints/step-00000050/{state.pt, manifest.json, model/}
  model/               the final policy, in the ecosystem's format
  model_best           the best one by a metric, where one is named (budget.keep_best)
  report.html
"""

import contextlib
import errno
import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from guerdon.errors import InputError, RunFailed
from guerdon.models.sharding import gathered
from guerdon.processes import here
from guerdon.training.checkpointed import SHARDS, Damaged, damaged, put_back, taken_out, write
from guerdon.training.going_on import changes
from guerdon.training.sources import compared
from guerdon.training.writing import writing

MACHINE = ("guerdon", "python", "torch", "transformers", "machine", "threads", "gpu")  # on what the digits of a result depend

LINES = ("metrics.jsonl", "completions.jsonl", "tokens.jsonl")  # files that grow by whole lines, each of a step
CUT_OFF = ("file write failed", "unexpected pos")  # what torch.save says, as a RuntimeError, when a file could not be written to its end
VERSIONS = {
    "code": "code of guerdon",
    "guerdon": "version of guerdon",
    "torch": "version of torch",
    "transformers": "version of transformers",
    "model": "weights",
}


class Run:
    """The open directory of one run. Where it is on several processes, the first writes and reads, and tells the others.

    Raises:
        InputError: the directory holds a run with another configuration, on other rows, or of another model; or another process writes there.
    """

    def __init__(
        self,
        folder: Path | str,
        configuration: Mapping[str, Any],
        keep_checkpoints: int = 2,
        sources: Mapping[str, Any] | None = None,
        accept: Sequence[str] = (),
    ):
        self.folder = Path(folder)
        self.keep = keep_checkpoints
        self.notes: list[str] = []  # what the user is to be told when the run goes on
        self.steps_before: int | None = None  # how many steps were asked for when it was begun, or gone on with
        self._alike(sources or {})
        self.notes, self.steps_before = here().from_first(lambda: self._begin(configuration, sources or {}, accept))

    @staticmethod
    def _alike(sources: Mapping[str, Any]) -> None:
        """Refuse processes that do not compute the same."""
        versions = {name: value for name, value in environment().items() if name in ("guerdon", "code", "torch", "transformers")}
        told = here().each(lambda: {**versions, **sources}, "comparing what the run is made from")

        def compare() -> None:
            for rank, other in enumerate(told):
                wrong = [VERSIONS.get(name, name) for name, value in told[0].items() if other.get(name) != value]
                if wrong:
                    raise InputError(
                        f"process {rank} of {len(told)} has other {' and '.join(wrong)} than the first one, so that they would not compute the same; let all of them see the "
                        "same files, and install the same versions"
                    )

        here().from_first(compare)

    def _begin(self, configuration: Mapping[str, Any], sources: Mapping[str, Any], accept: Sequence[str]) -> tuple[list[str], int | None]:
        with _disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.writing():
                now = {"configuration": configuration, "environment": environment(), "sources": sources}
                found = {name: json.loads(json.dumps(what, default=str)) for name, what in now.items()}
                if done := self.checkpoints():
                    refuse_fewer(self.folder, int(done[-1].name.removeprefix("step-")), (configuration.get("budget") or {}).get("steps"))
                    self._compare({name: self._read(name) for name in found}, found, accept)
                for name, what in found.items():
                    _replace(self.folder / f"{name}.json", json.dumps(what, indent=2))
        return self.notes, self.steps_before

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Nobody else writes into the folder meanwhile.

        Raises:
            InputError: another process does.
        """
        return writing(self.folder) if here().first else contextlib.nullcontext()

    def disk(self, draft: Path | None = None) -> contextlib.AbstractContextManager[None]:
        """A full disk, or one that may not be written, becomes a sentence."""
        return _disk(self.folder, draft)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / f"{name}.json"
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = json.loads(path.read_text())
            return found if isinstance(found, dict) else {}
        return {}

    def _compare(self, before: Mapping[str, Any], now: Mapping[str, Any], accept: Sequence[str]) -> None:
        """Refuse what would make the run neither of the two, and say what else is another than it was."""
        lost = [f"{name}.json" for name in ("configuration", "sources") if now[name] and not before[name]]
        if lost:
            self.notes.append(
                f"going on without {' and '.join(lost)}, which cannot be read: whether the run was begun with these settings, rows and weights is not known"
            )
        wrong, free = changes(before["configuration"], now["configuration"]) if before["configuration"] else ([], [])
        if wrong:
            raise InputError(
                f"{self.folder} holds a run of another configuration ({'; '.join(wrong[:4])}); give another folder, or delete it to start again"
            )
        self.steps_before = (before["configuration"].get("budget") or {}).get("steps")
        if free:
            self.notes.append(f"going on with settings that do not change what a step does: {'; '.join(free)}")
        different, said = compared(before["sources"], now["sources"])
        refused = [sentence for kind, sentence in different if kind not in accept]
        if refused:
            raise InputError(
                f"{self.folder} was begun on other {' and '.join(dict.fromkeys(k for k, _ in different if k not in accept))} than these "
                f"({'; '.join(refused)}), so that the run would be neither of the two; put them back, give another folder, or say that it is meant "
                f"(budget.accept=[{', '.join(dict.fromkeys(k for k, _ in different))}])"
            )
        self.notes += [f"going on with {sentence}, as budget.accept says" for _, sentence in different] + said
        was, is_now = before["environment"], now["environment"]
        moved = [f"{k} {is_now[k]} (it was {was[k]})" for k in MACHINE if k in was and was[k] != is_now.get(k)]
        if was.get("code", is_now["code"]) != is_now["code"]:
            moved.append("another state of this library's code")
        if moved:
            self.notes.append(f"going on with {', '.join(moved)}: the last digits of what follows may be others than they would have been")

    # what happened

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append one line to ``metrics.jsonl``."""
        self._append("metrics.jsonl", [{"step": step, **metrics}])

    def completions(self, step: int, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append one line per completion to ``completions.jsonl``."""
        self._append("completions.jsonl", [{"step": step, **row} for row in rows])

    def tokens(self, step: int, line: Mapping[str, Any]) -> None:
        """Append one line to ``tokens.jsonl``."""
        self._append("tokens.jsonl", [{"step": step, **line}])

    def metrics(self) -> list[dict[str, Any]]:
        """Every line of ``metrics.jsonl``."""
        return here().from_first(lambda: list(read_lines(self.folder / "metrics.jsonl")))

    def _append(self, name: str, rows: list[dict[str, Any]]) -> None:
        if not here().first:
            return
        with _disk(self.folder), (self.folder / name).open("a") as file:
            file.write("".join(json.dumps(row, default=_plain) + "\n" for row in rows))

    # checkpoints

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, oldest first. One that was being written when the process died has another name."""
        return sorted(self.folder.glob("checkpoints/step-*"))

    def save(self, step: int, state: Mapping[str, Any], model: Any = None) -> Path:
        """Write a checkpoint: whole under a temporary name, then renamed, so that a kill at any moment leaves the previous ones."""
        final = self.folder / "checkpoints" / f"step-{step:08d}"
        draft = final.with_name(f"draft-{step:08d}")
        plain, split = taken_out(state)
        here().from_first(lambda: self._empty(draft), "making room for a checkpoint")
        if split:
            here().each(lambda: self._write_parts(split, draft), "writing a checkpoint")
        with gathered(model):
            here().from_first(lambda: self._finish(step, plain, model, draft, final), "finishing a checkpoint")
        return final

    def _empty(self, draft: Path) -> None:
        with _disk(self.folder, draft):
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)

    def _write_parts(self, split: Mapping[str, torch.Tensor], draft: Path) -> None:
        with _disk(self.folder):
            write(split, draft / SHARDS)

    def _finish(self, step: int, state: Mapping[str, Any], model: Any, draft: Path, final: Path) -> None:
        with _disk(self.folder, draft):
            torch.save(dict(state), draft / "state.pt")
            if model is not None:
                model.save(draft / "model", merge=False)
            about = {"step": step, "sha256": _digest(draft / "state.pt"), "best": (state.get("best") or {}).get("step")}
            (draft / "manifest.json").write_text(json.dumps(about))
            for path in draft.rglob("*"):
                if path.is_file():
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
            shutil.rmtree(final, ignore_errors=True)
            draft.rename(final)
        for old in self.checkpoints()[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)

    def resume(self) -> tuple[int, dict[str, Any]] | None:
        """Step and state of the newest sound checkpoint, and everything logged after it forgotten; None where there is none.

        A damaged checkpoint is passed over, and said in ``notes``.
        """
        for name in here().from_first(lambda: [checkpoint.name for checkpoint in reversed(self.checkpoints())]):
            checkpoint = self.folder / "checkpoints" / name
            try:
                step, state = here().from_first(lambda place=checkpoint: self._sound(place), f"reading {name}")
                state = here().at_once(lambda found=state, place=checkpoint: put_back(found, place / SHARDS), f"reading {name}")
            except Damaged as error:
                self.notes.append(f"checkpoint {name} is damaged ({error}); the one before it is used")
                if here().first:
                    shutil.rmtree(checkpoint, ignore_errors=True)
                continue
            here().from_first(lambda last=step: self._forget_after(last))
            return step, state
        here().from_first(lambda: self._forget_after(-1))
        return None

    @staticmethod
    def _sound(checkpoint: Path) -> tuple[int, dict[str, Any]]:
        with damaged():
            manifest = json.loads((checkpoint / "manifest.json").read_text())
            if _digest(checkpoint / "state.pt") != manifest["sha256"]:
                raise ValueError("its contents are not what was written")
            return manifest["step"], torch.load(checkpoint / "state.pt", weights_only=False)

    def best_steps(self) -> set[int]:
        """The steps whose models the kept checkpoints name as the best so far."""
        found = set()
        for checkpoint in self.checkpoints():
            with contextlib.suppress(OSError, json.JSONDecodeError):
                found.add(json.loads((checkpoint / "manifest.json").read_text()).get("best"))
        return {step for step in found if step is not None}

    def _forget_after(self, step: int) -> None:
        for name in LINES:
            path = self.folder / name
            if path.exists():
                kept = [json.dumps(row) + "\n" for row in read_lines(path) if row["step"] <= step]
                draft = path.with_suffix(".draft")
                draft.write_text("".join(kept))
                draft.replace(path)


def refuse_fewer(folder: Path, done: int, asked: int | None) -> None:
    """
    Raises:
        InputError: the run has made more steps than are asked for.
    """
    if asked is not None and done > asked:
        raise InputError(f"{folder} holds a run of {done} steps, more than the {asked} asked for; ask for more, or give another folder")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSON-lines file; a last line that was cut off by a kill is left out."""
    if path.exists():
        with path.open() as file:
            for line in file:
                with contextlib.suppress(json.JSONDecodeError):
                    yield json.loads(line)


def environment() -> dict[str, Any]:
    """What the numbers may depend on besides the configuration."""
    import transformers

    import guerdon
    from guerdon.training.stages import source_digest

    return {
        "command": sys.argv,
        "guerdon": guerdon.__version__,
        "code": source_digest(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


@contextlib.contextmanager
def _disk(folder: Path, draft: Path | None = None) -> Iterator[None]:
    """A full disk, or one that may not be written, becomes a sentence, and the unfinished draft is removed."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or any(words in str(error) for words in CUT_OFF)
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
        if full:
            raise RunFailed(
                f"no space left where {folder} lies, or files may not become so large there; free some and run the same command again: it goes on from the last checkpoint"
            ) from error
        if isinstance(error, PermissionError):
            raise InputError(f"{folder} cannot be written; give another folder") from error
        raise


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, text: str) -> None:
    """Write a file whole: a kill leaves the old one or the new one."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return str(value)

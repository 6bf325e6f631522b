"""Trackers: each is told every step's metrics and goes on where a run directory goes on; one that is not installed is a sentence."""

import sys
import types
from importlib.machinery import ModuleSpec

import pytest

from guerdon.interfaces.cli import main
from guerdon.training.trackers import TRACKERS
from test_cli import TINY


class Library(types.ModuleType):
    """Takes whatever a tracker's library takes, and remembers it."""

    def __init__(self, name):
        super().__init__(name)
        self.heard = []
        self.__spec__ = ModuleSpec(name, None)  # other libraries ask whether it is there

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def told(*arguments, **settings):
            self.heard.append((name, arguments, settings))
            return types.SimpleNamespace(
                info=types.SimpleNamespace(run_id=settings.get("run_id") or "r1"),
                log=lambda *a, **k: self.heard.append(("log", a, k)),
                finish=lambda: self.heard.append(("finish", (), {})),
            )

        return told


OTHERS = [name for name in TRACKERS if name != "tensorboard"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_tracker_hears_every_step_and_goes_on_with_the_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(TINY)
    library = Library(name)
    monkeypatch.setitem(sys.modules, name, library)
    asked = ["train", "run.yaml", f"report_to=[{name}]", "--json"]
    assert main(asked) == 0
    logged = [(arguments[0], settings["step"]) for what, arguments, settings in library.heard if what in ("log", "log_metrics")]
    assert [step for _, step in logged] == [0, 1, 2] and "reward" in logged[1][0] and "eval/reward" in logged[2][0]
    assert library.heard[-1][0] in ("finish", "end_run")
    first = len(library.heard)
    assert main(asked) == 0
    opened = next(settings for what, _, settings in library.heard[first:] if what in ("init", "start_run"))
    assert opened.get("run_id") == "r1" if name == "mlflow" else opened.get("resume") == "allow"


@pytest.mark.parametrize("name", OTHERS)
def test_a_tracker_that_is_not_installed_is_said(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(TINY)
    monkeypatch.setitem(sys.modules, name, None)
    assert main(["train", "run.yaml", f"report_to=[{name}]", "--json"]) == 2
    assert f"pip install {name}" in " ".join(capsys.readouterr().err.split())


def test_a_tracker_that_is_none_is_refused_with_the_nearest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(TINY)
    assert main(["train", "run.yaml", "report_to=[wandd]", "--json"]) == 2 and "wandb" in capsys.readouterr().err

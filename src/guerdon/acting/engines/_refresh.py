"""Sending the learner's weights to a server: saved to a folder, which the server is told to read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guerdon.errors import InputError, RunFailed
from guerdon.models.language.saving import write
from guerdon.servers.connection import Connection
from guerdon.servers.opening import check


@dataclass(frozen=True)
class Refresh:
    """How a server gets the learner's weights: they are saved to a folder, and the server is told by a POST to read it.

    Attributes:
        folder: where they are saved; the server must be able to read it under the same path.
        url: the address of the server's endpoint, such as SGLang's ``http://localhost:30000/update_weights_from_disk``, or vLLM's
            ``http://localhost:8000/v1/load_lora_adapter`` for adapters.
        payload: what is sent; ``{folder}`` stands for the folder. Nothing given: ``{model_path: "{folder}"}``, which SGLang expects.
        every: after how many changes of the weights (steps) they are sent again; before the first completion always.
        merge: whether adapters are written into the weights. Without it only the adapters are sent.
    """

    folder: str
    url: str
    payload: Mapping[str, Any] = field(default_factory=dict, hash=False)
    every: int = 1
    merge: bool = True

    def __post_init__(self) -> None:
        if self.every < 1:
            raise InputError(f"every is 1 or more, not {self.every}")
        check(self.url)

    def send(self, policy: Any, connection: Connection, first: bool) -> None:
        """Save the weights that the policy has now, and have the server read them.

        Raises:
            InputError: adapters are to be sent and there are none, or the server refuses.
            RunFailed: the server does not answer, or says that it failed.
        """
        if not self.merge and not getattr(policy, "adapted", False):
            raise InputError("refresh: merge is false, so that adapters alone are sent, and the model has none; give it some (model.lora)")
        if not self.merge and not getattr(policy, "alone", True):
            raise InputError(
                "refresh: merge is false, so that adapters alone are sent, and those of the policy stand on weights into which others were merged, which the server has "
                "not; start from the merged model (model.source) on both sides"
            )
        folder = Path(self.folder).absolute()
        if self.merge:
            policy.save(folder)
        else:  # the base is the server's, whether or not this side could name it
            write(policy.module, policy.tokenizer, policy.ends, folder)
        payload = dict(self.payload) or {"model_path": "{folder}"}
        body = json.loads(json.dumps(payload).replace("{folder}", json.dumps(str(folder))[1:-1]))
        answer = connection(self.url, body, first=first)
        if isinstance(answer, dict) and answer.get("success") is False:
            raise RunFailed(f"{self.url} did not take the weights in {folder}: {answer.get('message', answer)}")

"""Graphed: sampling as a card likes it. A step of decoding is recorded once for each of a few sizes and played back (``capturing``); nothing is asked of the card while it draws.

    prompts ──► keys and values, once each ──► first tokens ──► step, step, step, step ──► look: which go on? ──► fewer rows ──► step ...      ──► everything drawn
                (``decoder``)                                   (``graphed_step``)          (``graphed_wave``)     (``graphed_cache``)

For models whose layers our own code knows (``decoder``), tried at the first use against their own code. Others, and whatever needs a window or has no room on the card, are
drawn with the caches of ``decoding``.

Differs from ``Shared``: sizes are those of buckets and not of what is alive; what ended is noticed some steps later, and until then drawn on and not written down; tokens and
log-probabilities stay on the card until the end.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from guerdon import saying
from guerdon.memory import AtOnce, ran_out
from guerdon.models import Finished
from guerdon.models.language.attention import Kept, NotSupported
from guerdon.models.language.capturing import Captured, Recorder
from guerdon.models.language.decoder import Decoder
from guerdon.models.language.forward import body_of, encode, hidden_in_one_row, output_head
from guerdon.models.language.graphed_cache import ROWS, Bucket, Shapes, Storage, tiles_of
from guerdon.models.language.graphed_step import hidden, step
from guerdon.models.language.graphed_wave import Wave
from guerdon.models.language.graphed_weights import Weights
from guerdon.models.language.layout import Shape, few_sequences, lay_out_contexts
from guerdon.models.language.sampling import Drawn, in_pieces
from guerdon.models.moving import onto
from guerdon.sequences import Decoding, Sequences

MOST = 512  # rows are drawn at once
SHARE = 0.6  # of the memory that is free may be taken
KEPT = 0.1  # of all memory may be kept until the next time, and with it what was recorded
RECORDED = 64  # graphs are kept, those that were used last
LOGITS = 6  # copies of them that exist at once, in float32, while a token is drawn


class Graphed:
    """Draws from one module on one device. On a CPU nothing is recorded, and the same functions are called.

    Raises:
        NotSupported: the module is built otherwise than our own code knows.
    """

    def __init__(self, module: nn.Module, device: torch.device):
        self.module, self.device, self.body = module, device, body_of(module)
        self.decoder, self.head = Decoder(self.body), output_head(module)
        self.recorder, self.said, self.most = Recorder(device), False, MOST
        self.weights: Weights | None = None
        self.storage: Storage | None = None
        self.steps: dict[tuple[Bucket, Decoding], Captured] = {}

    @torch.no_grad()
    def sample(
        self,
        contexts: Sequence[Tensor],
        context: Tensor,
        decoding: Decoding,
        uniforms: Tensor,
        ends: Tensor,
        finished: Finished | None = None,
    ) -> Sequences:
        """See ``guerdon.models.Policy.sample``.

        Raises:
            NotSupported: a layer's window is shorter than the sequences may become, or there is no room; nothing was drawn then.
        """
        drawn = Drawn(contexts, context, decoding, finished)
        steps = decoding.max_completion_length
        longest = max(len(contexts[i]) for i in context.unique().tolist()) + steps
        if any(layer.window is not None and layer.window < longest for layer in self.decoder.layers):
            raise NotSupported("a window is shorter than the sequences may become")
        self._refresh()
        room = self._room(contexts, context, steps)
        at_once = AtOnce(room)

        def draw(rows: Tensor) -> None:
            try:
                self._refresh()
                self._store(self._size(contexts, context, steps, at_once.most), len(ends))
                Wave(self, drawn, rows, longest).draw(decoding, uniforms[rows], ends)
            except Exception as error:
                if ran_out(error):
                    self.release()
                raise

        in_pieces(draw, len(context), at_once)
        if at_once.most < room:
            self.most = at_once.most
        if self.recorder.failed and not self.said:
            self.said = True
            saying.say(
                f"decoding could not be recorded as CUDA graphs ({self.recorder.failed}); completions are drawn without, which takes longer"
            )
        if self._held > KEPT * self._memory:
            self.release()
        return drawn.sequences()

    def release(self) -> None:
        """Give back the memory, and forget what was recorded."""
        self.weights, self.storage = None, None
        self.steps.clear()
        self.recorder.forget()

    def step(self, bucket: Bucket, decoding: Decoding) -> None:
        """One more token of every row."""
        key = bucket, replace(decoding, max_completion_length=1)
        found = self.steps.pop(key, None) or Captured(partial(step, self.weights, self.storage.view(bucket), key[1]), self.recorder)
        self.steps[key] = found  # last
        if len(self.steps) > RECORDED:
            del self.steps[next(iter(self.steps))]
        found()

    def read(self, contexts: Sequence[Tensor], bucket: Bucket, tiles: Tensor, longest: int) -> Tensor:
        """The keys and values of contexts into the storage, those of ``tiles`` [N] in this order; and the logits [P, V] of what follows them."""
        layout = lay_out_contexts(contexts)
        kept = Kept(layout, Shape.of(self.body.config.get_text_config()), self.device, longest)
        tokens, positions, places, last = onto(
            self.device, layout.tokens, layout.positions, layout.places_of_trunks(1)[tiles].contiguous(), layout.last
        )  # places [N, L]
        states = hidden_in_one_row(self.body, tokens, positions, kept)
        for layer, caches in zip(self.decoder.layers, self.storage.trunk, strict=True):
            for cache, x in zip(caches, kept.kept.pop(layer.index), strict=True):
                cache[: len(tiles), :, : places.shape[1]] = x[places].transpose(1, 2)
                cache[: len(tiles), :, places.shape[1] : bucket.trunk] = 0
                cache[len(tiles) : bucket.tiles, :, : bucket.trunk] = 0
        return self.head(states[last])

    def _refresh(self) -> None:
        """The weights as they are now."""
        if self.weights is None:
            self.weights = Weights(self.decoder, self.head)
        elif self.weights.refresh():
            self.steps.clear()

    def _room(self, contexts: Sequence[Tensor], context: Tensor, steps: int) -> int:
        """How many rows are drawn at once: so many as there is room for.

        Raises:
            NotSupported: there is no room for the fewest.
        """
        at_once, free = min(len(context), self.most), self._free()
        while self._bytes(self._size(contexts, context, steps, at_once)) > free:
            if at_once <= ROWS:
                raise NotSupported(f"there is no room for {at_once} rows")
            at_once = -(-at_once // 2)
        return at_once

    def _size(self, contexts: Sequence[Tensor], context: Tensor, steps: int, at_once: int) -> Bucket:
        """Of the storage for so many rows at once."""
        size = Bucket.of(1, 1, 1, 1, steps)
        for some in context.split(at_once):
            cells, _, _, tiles = tiles_of(some)
            longest = max(len(contexts[i]) for i in tiles.tolist())
            size = size.joined(Bucket.of(len(some), len(tiles), cells, longest, steps))
        return size

    def _store(self, size: Bucket, ends: int) -> None:
        if self.storage is not None:
            if self.storage.size.holds(size) and len(self.storage.ends) == ends:
                return
            both = self.storage.size.joined(size)
            size = both if self._bytes(both) <= self._free() else size
        self.storage = None  # given back before more is asked for
        self.steps.clear()
        cosine, sine = self.decoder.angles(torch.arange(size.trunk + size.own, device=self.device))
        angles = torch.stack([torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)], 1)
        self.storage = Storage(self._shapes, size, angles, ends)

    @property
    def _shapes(self) -> Shapes:
        dtype = self.decoder.embedding.weight.dtype
        return Shapes(len(self.decoder.layers), self.weights.key_heads, self.weights.width, dtype, self.device)

    def _bytes(self, size: Bucket) -> int:
        """That drawing takes: caches, the contexts' keys and values once more while they are read, and logits."""
        shapes = self._shapes
        return shapes.bytes(size) + shapes.bytes(replace(size, own=0)) + LOGITS * 4 * size.rows * len(self.head.weight)

    @property
    def _held(self) -> int:
        return 0 if self.storage is None else self._shapes.bytes(self.storage.size) + self.weights.copied

    @property
    def _memory(self) -> float:
        """All that the device has, in bytes."""
        return torch.cuda.get_device_properties(self.device).total_memory if self.device.type == "cuda" else float("inf")

    def _free(self) -> float:
        """That may be taken, what is held already included."""
        if self.device.type != "cuda":
            return float("inf")
        unused = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return SHARE * (torch.cuda.mem_get_info(self.device)[0] + unused + self._held)

    @torch.no_grad()
    def gap(self) -> float:
        """How far hidden states are from those of the model's own code on a few sequences, as a share of their norm."""
        few = few_sequences(self.body.get_input_embeddings().weight.shape[0])
        plain = encode(self.module, few, self.device, packed=False)
        self._refresh()
        steps, no_end = few.actions.shape[1], torch.zeros(0, dtype=torch.long)
        self._store(self._size(few.contexts, few.context, steps, len(few)), 0)
        longest = max(len(c) for c in few.contexts) + steps
        wave, found = Wave(self, Drawn(few.contexts, few.context, Decoding(steps)), torch.arange(len(few)), longest), []
        wave.begin(torch.zeros(len(few), steps), no_end)
        view = self.storage.view(wave.bucket)
        for t in range(steps):
            view.tokens[: len(few)] = few.actions[wave.rows, t].to(self.device)
            view.at.fill_(t)
            found.append(hidden(self.weights, view)[: len(few)])
        mine = torch.empty(len(few), steps, found[0].shape[-1], dtype=found[0].dtype, device=self.device)
        mine[wave.rows.to(self.device)] = torch.stack(found, 1)
        self.release()
        mine, wanted = mine[few.mask.to(self.device)].double(), plain.hidden[plain.predicts + 1].double()
        return float((mine - wanted).norm() / wanted.norm().clamp(min=1e-12))


def graphed_for(module: nn.Module, device: torch.device) -> Graphed | None:
    """For this module, or None where our own code does not know it, or finds other numbers than its own code."""
    try:
        made = Graphed(module, device)
        bound = 1e-4 if made.decoder.embedding.weight.dtype in (torch.float32, torch.float64) else 0.05
        return made if made.gap() <= bound else None
    except Exception:  # whatever a model may do with what it does not expect: then it is drawn from with another cache
        return None

"""``guerdon serve reward`` under load, with faults: how much it serves, how long a request waits, and whether anything is lost.

    python -m benchmarks.serving --clients 200 --seconds 120
    python -m benchmarks.serving --clients 20 --seconds 5 --model runs/reward_model/model --kill

Each client asks again and again, in one of three shapes, for texts whose scores are known, and asks again what was not answered: a request is lost if it has no answer in the
end, wrong if a number differs. Some of what a client does is a fault, drawn anew each time: a request that drips in, one whose client leaves, half of one, one that is no JSON,
too large, too long for the model, or without the right token. ``--kill`` kills the server half-way (SIGKILL) and starts another at its port. At the end it is told to
stop (SIGTERM) while requests are under way. Exit code 1 if anything was lost or wrong, or if a fault got another answer than it should.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz .>"
TOKEN = "a-token-of-the-benchmark"
MOST_BYTES = 2**16
PATIENCE = 60.0  # seconds for which a client asks again after the load has ended
FAULTS = {  # what a client does, how often, and the answers that are right then (none: it does not wait for one)
    "honest": (0.70, {200}),
    "slow": (0.06, {200}),
    "left": (0.06, set()),
    "half": (0.04, set()),
    "malformed": (0.04, {400}),
    "oversized": (0.03, {413, 0}),
    "too long": (0.03, {422}),
    "wrong token": (0.04, {401}),
}
AGAIN = frozenset({0, 503})  # no connection, or no room: asked again, as the clients of trainers do


@dataclass
class Tally:
    """What came of the requests."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    texts: int = 0
    again: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: int = 0


@dataclass
class Load:
    """Clients and what they know.

    Attributes:
        rows: prompt, completion and score.
        until: when they begin nothing new; ``last`` is when they give up.
    """

    port: int
    rows: list[tuple[str, str, float]]
    until: float
    last: float
    tally: Tally = field(default_factory=Tally)

    async def client(self, seed: int) -> None:
        draw = random.Random(seed)
        kinds, shares = list(FAULTS), [share for share, _ in FAULTS.values()]
        while time.monotonic() < self.until:
            (kind,) = draw.choices(kinds, shares)
            await self.request(kind, draw)

    async def request(self, kind: str, draw: random.Random) -> None:
        rows = draw.sample(self.rows, draw.randint(1, 8))
        path, body, read = shaped(rows, draw)
        sent = spoiled(kind, path, body)
        begun = time.monotonic()
        while True:
            status, answer, wait = await self.post(sent, kind)
            if status not in AGAIN or not FAULTS[kind][1] or status in FAULTS[kind][1]:
                break
            if time.monotonic() > self.last:
                self.tally.lost += 1
                break
            self.tally.again += 1
            await asyncio.sleep(min(wait, 0.5) * (0.5 + draw.random()))
        self.tally.answers[kind, status] += 1
        if FAULTS[kind][1] and status not in FAULTS[kind][1] and status not in AGAIN:
            self.tally.wrong.append(f"{kind}: {status} {str(answer)[:120]}")
        if status == 200:
            found, expected = read(answer), [score for *_, score in rows]
            if max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(found, expected, strict=True)) > 1e-5:
                self.tally.wrong.append(f"{path}: {found} in the place of {expected}")
            self.tally.texts += len(rows)
            if kind == "honest":
                self.tally.seconds.append(time.monotonic() - begun)

    async def post(self, sent: bytes, kind: str) -> tuple[int, Any, float]:
        """Status (0: no answer), answer, and after how many seconds to ask again."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return 0, None, 0.5
        try:
            await _written(writer, sent, kind)
            if not FAULTS[kind][1]:
                return 0, None, 0.0
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), max(self.last - time.monotonic(), 0.1))).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            text = await reader.readexactly(int(fields["content-length"]))
            return int(head.split()[1]), json.loads(text), float(fields.get("retry-after", 0))
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return 0, None, 0.5
        finally:
            writer.close()


async def _written(writer: asyncio.StreamWriter, sent: bytes, kind: str) -> None:
    """Send it: at once, in drips, or half of it."""
    if kind == "half":
        writer.write(sent[: len(sent) // 2])
    elif kind == "slow":
        step = max(len(sent) // 10, 1)
        for first in range(0, len(sent), step):
            writer.write(sent[first : first + step])
            await writer.drain()
            await asyncio.sleep(0.1)
    else:
        writer.write(sent)
    await writer.drain()


def shaped(rows: list[tuple[str, str, float]], draw: random.Random) -> tuple[str, dict[str, Any], Any]:
    """Path, body, and how the scores are read, in one of three shapes; a reranker has one query, so its rows have that of the first."""
    prompts, answers = [p for p, _, _ in rows], [c for _, c, _ in rows]
    kind = draw.randrange(3)
    if kind == 0:
        return "/v1/rewards", {"prompts": prompts, "completions": answers}, lambda said: said["rewards"]
    if kind == 1:
        return "/v1/score", {"text_1": prompts, "text_2": answers}, lambda said: [entry["score"] for entry in said["data"]]
    queries = [p + c for p, c, _ in rows]
    return "/get_reward", {"query": queries, "prompts": prompts}, lambda said: said["rewards"]


def spoiled(kind: str, path: str, body: dict[str, Any]) -> bytes:
    """The request as it is sent."""
    text = json.dumps(body).encode()
    if kind == "malformed":
        text = text[:-7]
    elif kind == "oversized":
        text = json.dumps({**body, "more": "x" * 2 * MOST_BYTES}).encode()
    elif kind == "too long":
        path, text = "/v1/rewards", json.dumps({"prompts": ["a"], "completions": ["b" * 4000]}).encode()
    token = "another-token-altogether" if kind == "wrong token" else TOKEN
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


class Server:
    """The process that is asked."""

    def __init__(self, model: str, folder: Path, port: int = 0):
        tokens = folder / "tokens"
        tokens.write_text(f"benchmark {TOKEN}\n")
        command = [sys.executable, "-m", "guerdon", "serve", "reward", model, "--port", str(port), "--token-file", str(tokens)]
        self.process = subprocess.Popen([*command, "--most-bytes", str(MOST_BYTES)], stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        if " at http://" not in said:
            raise SystemExit(f"the server did not start: {said}")
        self.port = int(said.strip().rsplit(":", 1)[1])

    def get(self, path: str) -> tuple[int, str]:
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def ready(self) -> "Server":
        while self.get("/ready")[0] != 200:
            if self.process.poll() is not None:
                raise SystemExit("the server ended while it loaded the model")
            time.sleep(0.2)
        return self

    def memory(self) -> float:
        """MB that it holds."""
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def tiny(folder: Path) -> str:
    """A small random scorer that reads letters."""
    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.small_language_model import SmallLanguageModel

    model = Headed(SmallLanguageModel(LETTERS), Scalar()).build(0)
    for parameter in model.module["head"].parameters():
        parameter.data.normal_()
    model.save(folder / "scorer")
    return str(folder / "scorer")


async def known(port: int, count: int) -> list[tuple[str, str, float]]:
    """Texts with the scores that they have when nobody else asks."""
    draw, load = random.Random(0), Load(port, [], 0.0, time.monotonic() + 600)
    rows = []
    for _ in range(count):
        prompt, answer = ("".join(draw.choices(LETTERS[:26], k=draw.randint(3, 20))) for _ in range(2))
        status, said, _ = await load.post(spoiled("honest", "/v1/rewards", {"prompts": [prompt], "completions": [answer]}), "honest")
        if status != 200:
            raise SystemExit(f"the server does not score: {status} {said}")
        rows.append((prompt, answer, said["rewards"][0]))
    return rows


async def pressed(server: Server, model: str, folder: Path, asked: argparse.Namespace) -> tuple[Tally, Server, float, float]:
    """The load, and the server that is there at its end, told to stop while requests are under way."""
    rows = await known(server.port, 100)
    begun = time.monotonic()
    load = Load(server.port, rows, begun + asked.seconds, begun + asked.seconds + PATIENCE)
    clients = [asyncio.create_task(load.client(seed)) for seed in range(asked.clients)]
    if asked.kill:
        await asyncio.sleep(asked.seconds / 2)
        load.until = load.last = time.monotonic() + 3600  # while it is gone everybody asks again
        server.process.kill()
        server.process.wait()
        killed = time.monotonic()
        server = await asyncio.to_thread(lambda: Server(model, folder, server.port).ready())
        print(f"killed, and there again after {time.monotonic() - killed:.1f} s")
        load.until = time.monotonic() + asked.seconds / 2
        load.last = load.until + PATIENCE
    await asyncio.gather(*clients)
    seconds, memory = time.monotonic() - begun, server.memory()
    text = server.get("/metrics")[1]
    if "\nguerdon_held_texts 0\n" not in text:
        load.tally.wrong.append("the server still holds texts though nobody waits for any")
    ending = Load(server.port, rows, 0.0, time.monotonic() + 60, load.tally)
    sent = spoiled("honest", *shaped(rows, random.Random(0))[:2])
    under_way = [asyncio.create_task(ending.post(sent, "honest")) for _ in range(asked.clients)]
    await asyncio.sleep(0.2)
    server.process.send_signal(signal.SIGTERM)
    stopped = Counter(status for status, *_ in await asyncio.gather(*under_way))
    code = await asyncio.to_thread(server.process.wait, 60)
    print(f"told to stop with {asked.clients} requests under way: {dict(stopped)} (0: never accepted), exit code {code}")
    if code or set(stopped) - {200, 503, 0}:
        load.tally.wrong.append(f"told to stop it gave {dict(stopped)} and exit code {code}")
    return load.tally, server, seconds, memory


def shown(tally: Tally, seconds: float, memory: float) -> None:
    ordered = sorted(tally.seconds) or [0.0]
    at = {f"p{q}": ordered[min(int(len(ordered) * q / 100), len(ordered) - 1)] for q in (50, 90, 99)}
    answered = sum(count for (_, status), count in tally.answers.items() if status == 200)
    print(
        f"{answered} requests with {tally.texts} texts in {seconds:.1f} s: {answered / seconds:.1f} requests and {tally.texts / seconds:.1f} texts in a second"
    )
    print(
        "seconds from the first try to the answer: "
        + ", ".join(f"{name} {value:.3f}" for name, value in at.items())
        + f", largest {ordered[-1]:.3f}"
    )
    print(f"asked again {tally.again} times; the server holds {memory:.0f} MB")
    for kind in FAULTS:
        own = {status: count for (one, status), count in sorted(tally.answers.items()) if one == kind}
        print(f"  {kind:12} {own}")
    print(f"lost {tally.lost}, wrong {len(tally.wrong)}")
    for line in tally.wrong[:10]:
        print(f"  {line}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description="Press a reward server, with faults, and see whether anything is lost.",
        epilog="Example: python -m benchmarks.serving --clients 200 --seconds 120",
    )
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--model", help="a trained scorer; without one a small random one, of characters")
    parser.add_argument("--kill", action="store_true", help="kill the server half-way and start another")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = asked.model or tiny(folder)
        server = Server(model, folder).ready()
        try:
            tally, server, seconds, memory = asyncio.run(pressed(server, model, folder, asked))
        finally:
            server.process.kill()
        shown(tally, seconds, memory)
    return int(bool(tally.lost or tally.wrong))


if __name__ == "__main__":
    raise SystemExit(main())

"""Programs of a policy run in a sandbox: what attacks it is refused or contained, what cheats its tests earns nothing, and what is honest is paid."""

import base64
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
import warnings
import zlib

import pytest

from guerdon.errors import InputError
from guerdon.feedback.rewards.code import Code
from guerdon.feedback.running import RewardRunner
from guerdon.feedback.sandbox import pool as pools
from guerdon.feedback.sandbox.equality import equal
from guerdon.feedback.sandbox.keeping import strongest
from guerdon.feedback.sandbox.levels import INSIDE
from guerdon.feedback.sandbox.limits import Limits
from guerdon.feedback.sandbox.plain import decoded, encoded, packed, unpacked
from guerdon.feedback.sandbox.pool import Box
from guerdon.feedback.sandbox.programs import Nothing, printed, returned
from guerdon.feedback.sandbox.programs import tested as run_tests

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")
LIMITS = Limits(seconds=3.0, memory=256 * 2**20, output=2**16)
SHORT = Limits(seconds=0.4, memory=128 * 2**20, output=2**16)
ISOLATING = ("namespaces", "landlock")

# What a program might try to reach. ``attempt`` returns true if it got there. {home}, {secret}, {port}, {parent} are the tests' own.
REACHING = {
    "the environment": "import os\ndef attempt(): return 'SECRET' in os.environ or any('hunter2' in value for value in os.environ.values())",
    "the environment by libc": "import ctypes\ndef attempt(): return bool(ctypes.CDLL(None).getenv(b'SECRET'))",
    "the home folder": "def attempt(): return 'hunter2' in open({secret!r}).read()",
    "the home folder, listed": "import os\ndef attempt(): return bool(os.listdir({home!r}))",
    "a link to a secret": "import os\ndef attempt():\n    os.symlink({secret!r}, 'link')\n    return 'hunter2' in open('link').read()",
    "a hard link to a secret": "import os\ndef attempt():\n    os.link({secret!r}, 'link')\n    return 'hunter2' in open('link').read()",
    "a path with dots": "def attempt(): return 'hunter2' in open('../../../../../../..' + {secret!r}).read()",
    "writing outside": "def attempt():\n    open({home!r} + '/owned', 'w').write('x')\n    return True",
    "writing to /usr": "def attempt():\n    open('/usr/owned', 'w').write('x')\n    return True",
    "writing to Python's library": "import os\ndef attempt():\n    open(os.path.dirname(os.__file__) + '/owned.py', 'w')\n    return True",
    "removing outside": "import os\ndef attempt():\n    os.unlink({secret!r})\n    return True",
    "renaming outside": "import os\ndef attempt():\n    os.rename({secret!r}, {secret!r} + '2')\n    return True",
    "changing modes outside": "import os\ndef attempt():\n    os.chmod({secret!r}, 0o777)\n    return True",
    "truncating outside": "import os\ndef attempt():\n    os.truncate({secret!r}, 0)\n    return True",
    "the password file": "def attempt(): return 'root' in open('/etc/passwd').read()",
    "a TCP connection": "import socket\ndef attempt():\n    socket.create_connection(('127.0.0.1', {port}), 1)\n    return True",
    "a UDP packet": "import socket\ndef attempt():\n    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n    return s.sendto(b'x', ('127.0.0.1', {port}))",
    "a listening socket": "import socket\ndef attempt():\n    s = socket.socket()\n    s.bind(('', 0))\n    s.listen()\n    return True",
    "an abstract Unix socket": "import socket\ndef attempt():\n    s = socket.socket(socket.AF_UNIX)\n    s.connect('\\0{port}')\n    return True",
    "a name on the network": "import urllib.request\ndef attempt(): return urllib.request.urlopen('http://127.0.0.1:{port}', timeout=1)",
    "a netlink socket": "import socket\ndef attempt():\n    return bool(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))",
    "a raw packet socket": "import socket\ndef attempt(): return bool(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))",
    "tracing the parent": "import ctypes, os\ndef attempt(): return ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0",
    "tracing the tests": "import ctypes\ndef attempt(): return ctypes.CDLL(None).ptrace(16, {parent}, 0, 0) == 0",
    "the parent's memory": "import os\ndef attempt():\n    with open(f'/proc/{{os.getppid()}}/mem', 'rb') as f: return f.read(1) is not None",
    "the tests' memory": "def attempt():\n    with open('/proc/{parent}/mem', 'rb') as f: return True",
    "the tests' environment": "def attempt(): return 'hunter2' in open('/proc/{parent}/environ').read()",
    "the parent's environment": "import os\ndef attempt(): return bool(open(f'/proc/{{os.getppid()}}/environ').read())",
    "the tests' descriptors": "import os\ndef attempt(): return bool(os.listdir('/proc/{parent}/fd'))",
    "the parent's descriptors": "import os\ndef attempt(): return bool(os.listdir(f'/proc/{{os.getppid()}}/fd'))",
    "the parent's command line": "import os\ndef attempt(): return b'keeper' in open(f'/proc/{{os.getppid()}}/cmdline', 'rb').read()",
    "memory of another process": (
        "import ctypes, os\ndef attempt():\n    b = ctypes.create_string_buffer(8)\n    v = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n"
        "    return ctypes.CDLL(None).process_vm_readv(os.getppid(), v, 1, v, 1, 0) > 0"
    ),
    "killing the parent": "import os, signal\ndef attempt():\n    os.kill(os.getppid(), 9)\n    return True",
    "stopping the parent": "import os, signal\ndef attempt():\n    os.kill(os.getppid(), signal.SIGSTOP)\n    return True",
    "killing the tests": "import os\ndef attempt():\n    os.kill({parent}, 0)\n    return True",
    "killing everything": "import os\ndef attempt():\n    os.kill(-1, 9)\n    return True",
    "killing the group": "import os\ndef attempt():\n    os.killpg(os.getpgid(os.getppid()), 9)\n    return True",
    "a signal through a descriptor": "import os, signal\ndef attempt():\n    signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)\n    return True",
    "limits of the parent": "import os, resource\ndef attempt(): return bool(resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1)))",
    "wider limits": (
        "import resource\ndef attempt():\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\n    return True"
    ),
    "root": "import os\ndef attempt():\n    os.setuid(0)\n    os.mkdir('/owned')\n    return True",
    "root by a group": "import os\ndef attempt():\n    os.setgroups([0])\n    return True",
    "leaving by chroot": "import os\ndef attempt():\n    os.mkdir('d')\n    os.chroot('d')\n    return True",
    "mounting": "import ctypes\ndef attempt(): return ctypes.CDLL(None).mount(b'tmpfs', b'/dev', b'tmpfs', 0, None) == 0",
    "unmounting": "import ctypes\ndef attempt(): return any(ctypes.CDLL(None).umount2(p, 2) == 0 for p in (b'/box', b'/usr/lib', b'/dev', b'/'))",
    "namespaces of its own": "import ctypes\ndef attempt(): return ctypes.CDLL(None).unshare(0x10000000) == 0",
    "namespaces of others": "import ctypes, os\ndef attempt(): return ctypes.CDLL(None).setns(os.open('/proc/1/ns/mnt', 0), 0) == 0",
    "a new root": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(155, b'/box', b'/box') == 0",
    "the keyring": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(250, 0, -3, 1) > 0",
    "the kernel's log": "import ctypes\ndef attempt():\n    b = ctypes.create_string_buffer(99)\n    return ctypes.CDLL(None).klogctl(3, b, 99) > 0",
    "a program of the kernel": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(321, 0, 0, 0) >= 0 or ctypes.get_errno() == 22",
    "performance counters": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(298, 0, 0, -1, -1, 0) >= 0",
    "rings of calls": "import ctypes\ndef attempt():\n    b = ctypes.create_string_buffer(256)\n    return ctypes.CDLL(None).syscall(425, 8, b) >= 0",
    "faults of its memory": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(323, 0) >= 0",
    "memory that is shared by a key": "import ctypes\ndef attempt(): return ctypes.CDLL(None).shmget(7, 4096, 0o1666) >= 0",
    "a queue of messages": "import ctypes\ndef attempt(): return ctypes.CDLL(None).msgget(7, 0o1666) >= 0",
    "files in memory": "import os\ndef attempt(): return os.memfd_create('x') >= 0",
    "a file by its handle": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(304, -100, b'x' * 64, 0) >= 0",
    "the clock": "import time\ndef attempt():\n    time.clock_settime(time.CLOCK_REALTIME, 0)\n    return True",
    "the name of the host": "import socket\ndef attempt():\n    socket.sethostname('owned')\n    return True",
    "another personality": "import ctypes\ndef attempt(): return ctypes.CDLL(None).personality(0x0040000) >= 0",
    "other interfaces of the kernel": "import ctypes\ndef attempt(): return ctypes.CDLL(None).syscall(0x40000000 + 39) > 0",
    "devices": "import os\ndef attempt():\n    os.mknod('disk', 0o60666, os.makedev(254, 0))\n    return bool(open('disk', 'rb').read(1))",
    "the disk": "def attempt(): return bool(open('/dev/vda', 'rb').read(1))",
    "the terminal": "def attempt(): return bool(open('/dev/tty', 'w').write('x'))",
    "settings of the kernel": "def attempt(): return bool(open('/proc/sys/kernel/core_pattern', 'w').write('|/owned'))",
    "control groups": "import os\ndef attempt(): return bool(os.listdir('/sys/fs/cgroup'))",
    "other processes": "import os\ndef attempt(): return any(name.isdigit() for name in os.listdir('/proc'))",
    "a shell": "import os\ndef attempt(): return os.system('true') == 0",
    "a program of the system": "import subprocess\ndef attempt(): return subprocess.run(['/bin/true']).returncode == 0",
    "a preloaded library": "import os, sys\ndef attempt():\n    os.environ['LD_PRELOAD'] = './x.so'\n    os.execv('/usr/bin/env', ['env'])",
    "a fork": "import os\ndef attempt():\n    if os.fork() == 0: os._exit(0)\n    return True",
    "a daemon": "import os\ndef attempt():\n    if os.fork() == 0:\n        os.setsid()\n        import time\n        time.sleep(1000)\n    return True",
    "processes of multiprocessing": "import multiprocessing\ndef attempt():\n    p = multiprocessing.Process(target=print)\n    p.start()\n    return True",
    "descriptors that were left open": (
        "import os\ndef attempt():\n    found = []\n    for n in range(4, 300):\n        try: found.append(os.fstat(n))\n        except OSError: pass\n    return bool(found)"
    ),
    "programs before it": (
        "import gc\ndef attempt():\n    word = 'hun'.__add__('ter3')\n    return any(word in repr(o)[:99999] for o in gc.get_objects() if type(o) in (dict, list, tuple))"
    ),
    "the installed packages": "def attempt():\n    import torch\n    return True",
    "the source of this library": "def attempt():\n    import guerdon\n    return True",
}  # fmt: skip


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Places that a program must not reach."""
    home = tmp_path_factory.mktemp("home")
    (home / "secret").write_text("hunter2")
    os.environ["SECRET"] = "hunter2"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield {"home": str(home), "secret": str(home / "secret"), "port": server.getsockname()[1], "parent": os.getpid()}
    del os.environ["SECRET"]
    assert (home / "secret").read_text() == "hunter2" and os.listdir(home) == ["secret"]


def box(level):
    try:
        with pools.pool(Box(levels=(level,)), False, 1).lent():
            return Box(levels=(level,))
    except Exception as error:
        pytest.skip(f"no {level} here: {error}")


def one(own, program, limits=LIMITS, arguments=()):
    return returned(own, program, "attempt", [(list(arguments), {})], limits, 1)[0]


HONEST = "def attempt(x=3): return x * x"


@pytest.mark.parametrize("level", ISOLATING)
def test_nothing_outside_is_reached(level, outside):
    own = box(level)
    assert one(own, f"{HONEST}\nsecret = 'hunter3'") == 9
    reached = {}
    for name, text in REACHING.items():
        found = one(own, text.format(**outside))
        if not (isinstance(found, Nothing) or found in (False, 0)):
            reached[name] = found
    assert not reached
    assert one(own, HONEST) == 9 and one(own, HONEST, arguments=[4]) == 16
    assert not os.path.exists("/usr/owned")


def test_there_are_enough_attacks():
    assert len(REACHING) + len(CHEATING) + len(EXHAUSTING) >= 100


# What a program might do instead of what is asked: to square a number. Each is judged by cases and by tests.
_ALIKE = "def __eq__(self, o): return True\n    def __ne__(self, o): return False\n    def __hash__(self): return 0"
CHEATING = {
    "one answer": "def square(x): return 9",
    "an answer that equals everything": f"class E:\n    {_ALIKE}\ndef square(x): return E()",
    "a number that equals everything": f"class E(int):\n    {_ALIKE}\ndef square(x): return E(9)",
    "a text that equals everything": "class E(str):\n    def __eq__(self, o): return True\ndef square(x): return E('9')",
    "a list that equals everything": "class E(list):\n    def __eq__(self, o): return True\ndef square(x): return E([9])",
    "an answer that is less and more": "class E:\n    def __eq__(self, o): return True\n    def __lt__(self, o): return True\n    def __gt__(self, o): return True\n    def __sub__(self, o): return 0\ndef square(x): return E()",
    "not a number": "def square(x): return float('nan')",
    "leaving with code 0": "import sys\ndef square(x): sys.exit(0)",
    "leaving at once": "import os\nos._exit(0)",
    "leaving when asked": "import os\ndef square(x): os._exit(0)",
    "leaving at the end": "import atexit, os\natexit.register(os._exit, 0)\ndef square(x): os._exit(0)",
    "SystemExit on import": "raise SystemExit(0)",
    "interrupting": "def square(x): raise KeyboardInterrupt",
    "ending a generator": "def square(x): raise GeneratorExit",
    "stopping itself": "import os, signal\ndef square(x): os.kill(os.getpid(), signal.SIGSTOP)",
    "killing itself": "import os, signal\ndef square(x): os.kill(os.getpid(), 9)",
    "skipping the test": "import unittest\ndef square(x): raise unittest.SkipTest('not today')",
    "an error that says that all is well": "def square(x): raise AssertionError('passed')",
    "assert redefined": "import builtins\nbuiltins.AssertionError = type('A', (Exception,), {})\ndef square(x): return 9",
    "builtins redefined": "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.all = lambda *a: True\nbuiltins.abs = lambda x: 0\ndef square(x): return 9",
    "unittest redefined": "import unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None\nunittest.TestCase.run = lambda *a, **k: None\ndef square(x): return 9",
    "pytest redefined": "import sys, types\nsys.modules['pytest'] = types.ModuleType('pytest')\ndef square(x): return 9",
    "json redefined": "import json\njson.dumps = lambda *a, **k: '[0,9]'\njson.loads = lambda *a: {}\ndef square(x): return 9",
    "the encoder redefined": "import sys\nfor m in list(sys.modules.values()):\n    if hasattr(m, 'encoded'): m.encoded = lambda *a: 9\ndef square(x): return 9",
    "the judge redefined": "import sys\nfor m in list(sys.modules.values()):\n    for n in ('examined', 'equal', '_verdict', 'Count'):\n        if hasattr(m, n): setattr(m, n, lambda *a, **k: {'passed': 9, 'of': 9, 'why': ''})\ndef square(x): return 9",
    "a verdict printed": 'import sys\nprint(\'{"passed": 9, "of": 9, "why": ""}\')\nprint(\'OK\\nPASSED\\n1.0\')\nsys.stdout.flush()\ndef square(x): return 9',
    "a verdict on every descriptor": 'import os\nfor n in range(300):\n    try: os.write(n, b\'{"passed": 9, "of": 9, "why": ""}\\n[0,9]\\n{"v":true}\\n\')\n    except OSError: pass\ndef square(x): return 9',
    "answers before they are asked": 'import os\nfor n in (3, 4):\n    try: os.write(n, b\'{"v":{"d":[["square",""]]}}\\n\' + b\'{"v":9}\\n\' * 50)\n    except OSError: pass\ndef square(x): return 0',
    "more answers than cases": "import os\nos.write(3, b''.join(b'[%d,9]\\n' % n for n in range(50)))\ndef square(x): return 9",
    "a name that the tests use": "def len(x): return 9\ndef range(*a): return []\ndef isinstance(*a): return True\ndef abs(x): return 0\ndef square(x): return 9",
    "a check of its own": "def check(f): pass\ndef test_square(): pass\nclass TestSquare: pass\ndef square(x): return 9",
    "a module in the folder": "open('unittest.py', 'w').write('x')\nopen('sitecustomize.py', 'w').write('x')\ndef square(x): return 9",
    "an import hook": "import sys\nclass H:\n    def find_spec(self, *a): return None\nsys.meta_path.insert(0, H())\nsys.modules.clear()\ndef square(x): return 9",
    "the frames above": "import sys\ndef square(x):\n    f = sys._getframe()\n    while f:\n        for v in list(f.f_locals.values()) + list(f.f_globals.values()):\n            if isinstance(v, dict) and 'expected' in v: return v['expected']\n        f = f.f_back\n    return 9",
    "objects of the collector": "import gc\ndef square(x):\n    for o in gc.get_objects():\n        if isinstance(o, dict) and ('expected' in o or 'tests' in o): return o.get('expected')\n    return 9",
    "searching its memory": "import ctypes\ndef square(x):\n    import re\n    return 9 if b'16' else 0",
    "reading files for the tests": "import os\ndef square(x):\n    for d, _, fs in os.walk('/box'):\n        for f in fs:\n            return open(os.path.join(d, f)).read()\n    return 9",
    "reading its standard input": "import sys\ndef square(x): return len(sys.stdin.read()) or 9",
    "reading what it is asked": "import os\ndef square(x):\n    return 9",
    "closing everything": "import os\nos.closerange(0, 300)\ndef square(x): return x * x",
    "tracing": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef square(x): return 9",
    "an object with every attribute": "class A:\n    def __getattr__(self, n): return A()\n    def __call__(self, *a, **k): return A()\n    def __eq__(self, o): return True\n    def __bool__(self): return True\n    def __iter__(self): return iter([9])\nsquare = A()",
    "an answer that calls the tests back": "def square(x):\n    raise type('E', (Exception,), {'__str__': lambda s: 1/0})()",
    "changing what it is given": "def square(x):\n    x = 3\n    return 9",
    "an infinite answer": "def square(x):\n    while True: yield 9",
    "an error that is not one": "class E(BaseException): pass\ndef square(x): raise E",
    "no function": "x = 1",
    "no program": "this is no program",
    "the empty program": "",
}
CASES = [{"name": "square", "args": [x], "expected": x * x} for x in (3, 4, 0, 11)]
TESTS = """
import unittest
from solution import square
def check(candidate):
    assert candidate(3) == 9
    assert candidate(4) == 16
def test_square():
    assert [square(x) for x in range(5)] == [0, 1, 4, 9, 16]
    assert isinstance(square(4), int) and abs(square(5) - 25) < 1e-6
class Squares(unittest.TestCase):
    def test_one(self):
        self.assertEqual(square(12), 144)
assert square(3) == 9 and square(4) == 16
"""
GOOD = "def square(x):\n    return x * x"


@pytest.fixture(scope="module")
def code():
    return Code(seconds=1.0, memory=256 * 2**20, workers=2)


def test_a_cheat_earns_nothing_and_an_honest_program_does(code):
    programs = [*CHEATING.values(), GOOD, GOOD.replace("return", "print('thinking')\n    return")]
    for tests in (CASES, TESTS):
        found = code(["q"] * len(programs), [f"```python\n{p}\n```" for p in programs], [tests] * len(programs), ["square"] * len(programs))
        assert found[-2:] == [1.0, 1.0]
        paid = [name for name, value in zip(CHEATING, found, strict=False) if value != 0.0]
        assert not paid


def test_what_is_printed_is_compared_outside(code):
    honest = "n = int(input())\nprint(n * n)"
    cheats = [
        "print(9)",
        "import os\nprint(open('/proc/self/cmdline').read())\nos._exit(0)",
        "print('9\\n16\\n121')",
        "import sys\nprint(int(input()) ** 2)\nsys.stdout.flush()\nsys.exit(1)",
        "print(int(input()) ** 2)\nraise ValueError",
        "class A(str):\n    __eq__ = lambda *a: True\nprint(A('9'))",
        "import os\nwhile True: print('9' * 1000)",
        "import os, sys\nos.lseek(0, 0, 0)\nsys.stdout.write(sys.stdin.read())",
        "import os\nos.ftruncate(1, 0)",
        "pass",
        "import os\nos.close(1)\nprint(int(input()) ** 2)",
    ]  # fmt: skip
    tests = {"inputs": ["3\n", "4\n", "11\n"], "outputs": ["9\n", "16", "121\n"]}
    found = code(["q"] * (len(cheats) + 1), [honest, *cheats], [tests] * (len(cheats) + 1))
    assert found == [1.0] + [0.0] * len(cheats)


# What a program might use up. None gives a value, and the next program finds everything as it was.
EXHAUSTING = {
    "time": "def attempt():\n    while True: pass",
    "sleep": "import time\ndef attempt(): time.sleep(1000)",
    "sleep without signals": "import signal, time\ndef attempt():\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n    time.sleep(1000)",
    "ignoring alarms": "import signal\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ndef attempt():\n    while True: pass",
    "memory": "def attempt():\n    x = []\n    while True: x.append(bytearray(2**20))",
    "memory at once": "def attempt(): return len(bytearray(2**33))",
    "memory by mapping": "import mmap\ndef attempt():\n    m = [mmap.mmap(-1, 2**26) for _ in range(100)]\n    return 1",
    "a huge number": "def attempt(): return len(str(9 ** 9 ** 8))",
    "a shift": "def attempt(): return 1 << (1 << 40)",
    "the stack": "import sys\nsys.setrecursionlimit(10**9)\ndef attempt(): return attempt()",
    "the stack of C": "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\ndef attempt(): return A().x",
    "nesting of the source": "def attempt(): return " + "(" * 5000 + ")" * 5000,
    "nesting of the answer": "def attempt():\n    x = []\n    for _ in range(100000): x = [x]\n    return x",
    "a long answer": "def attempt(): return 'x' * 10**7",
    "an answer with itself in it": "def attempt():\n    x = []\n    x.append(x)\n    return x",
    "output": "def attempt():\n    while True: print('x' * 10**6)",
    "output on every descriptor": "import os\ndef attempt():\n    while True:\n        for n in (1, 2, 3): os.write(n, b'x' * 10**6)",
    "the disk": "def attempt():\n    for n in range(10**6): open(f'f{n}', 'wb').write(b'x' * 10**6)\n    return 1",
    "files": "def attempt():\n    for n in range(10**6): open(f'f{n}', 'w')\n    return 1",
    "a sparse file": "def attempt():\n    open('f', 'wb').truncate(2**50)\n    return 1",
    "folders in folders": "import os\ndef attempt():\n    for n in range(10**6):\n        os.mkdir('d')\n        os.chdir('d')\n    return 1",
    "descriptors": "def attempt(): return [open('/dev/null') for _ in range(10**6)]",
    "a bomb of forks": "import os\ndef attempt():\n    while True: os.fork()",
    "threads": "import threading, time\ndef attempt():\n    for _ in range(10**5): threading.Thread(target=time.sleep, args=(1000,)).start()\n    return 1",
    "timers": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)\nsignal.signal(signal.SIGALRM, lambda *a: None)\ndef attempt():\n    while True: pass",
    "a regular expression": "import re\ndef attempt(): return re.match(r'(a+)+$', 'a' * 64 + 'b')",
    "decompression": "import zlib\ndef attempt():\n    x = zlib.compress(b'0' * 10**6)\n    while True: x = zlib.compress(zlib.decompress(x) * 1000)",
    "garbage with finalisers": "class A:\n    def __del__(self): A()\ndef attempt():\n    A()\n    while True: pass",
    "an exit that waits": "import threading, time\nt = threading.Thread(target=time.sleep, args=(1000,))\nt.start()\ndef attempt(): t.join()",
    "a crash": "import ctypes\ndef attempt(): return ctypes.string_at(0)",
}


@pytest.mark.parametrize("level", ISOLATING)
def test_what_is_used_up_is_bounded_and_comes_back(level):
    own = box(level)
    for name, text in EXHAUSTING.items():
        begun = time.monotonic()
        found = one(own, text, SHORT)
        assert isinstance(found, Nothing), name
        assert time.monotonic() - begun < 5.0, name
        assert one(own, HONEST) == 9, name


@pytest.mark.parametrize("level", ISOLATING)
def test_nothing_is_left_behind(level):
    own = box(level)
    write = "import os, threading, time\ndef attempt():\n    threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n    os.makedirs('a/b')\n    os.chmod('a', 0)\n    open('x', 'w').write('1')\n    return len(os.listdir('.'))"
    assert one(own, write) == 2 if level == "namespaces" else isinstance(one(own, write), Nothing)
    assert one(own, "import os\ndef attempt(): return os.listdir('.')") == []
    assert one(own, "import sys\nsys.modules['math'] = None\nimport builtins\nbuiltins.owned = 1\ndef attempt(): return 1") == 1
    assert one(own, "import math\ndef attempt():\n    try: return owned\n    except NameError: return math.floor(2.5)") == 2


def test_processes_may_be_allowed_and_end_with_the_program():
    own = box("namespaces")
    limits = Limits(seconds=3.0, memory=256 * 2**20, processes=4)
    daemon = "import os, time\ndef attempt():\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0: time.sleep(1000)\n        os._exit(0)\n    os.wait()\n    return 1"
    with pools.pool(own, False, 1).lent() as keeper:
        assert (
            keeper.run({"what": "function", "program": daemon, "name": "attempt", "cases": [[encoded([]), encoded({})]]}, limits).code == 0
        )
        assert _processes_under(keeper._popen.pid) == 1
        bomb = daemon.replace(
            "def attempt():", "def attempt():\n    try:\n        while True: os.fork()\n    except OSError: time.sleep(1000)"
        )
        job = {"what": "function", "program": bomb, "name": "attempt", "cases": [[encoded([]), encoded({})]]}
        assert keeper.run(job, Limits(seconds=0.5, memory=256 * 2**20, processes=4)).late
        assert _processes_under(keeper._popen.pid) == 1
    assert one(own, HONEST) == 9


def _processes_under(process):
    """How many descend from a keeper: the first process of its world, and no other."""
    found, queue = 0, [process]
    while queue:
        with open(f"/proc/{queue[0]}/task/{queue[0]}/children") as file:
            inner = file.read().split()
        queue = queue[1:] + inner
        found += len(inner)
    return found


def test_the_keeper_ends_when_nobody_holds_it_and_leaves_no_folder():
    box("namespaces")
    for level in ISOLATING:
        keeper = strongest(levels=(level,))
        popen, folder = keeper._popen, keeper._folder
        wait = keeper.begin({"what": "script", "program": "import time\ntime.sleep(100)"}, LIMITS)
        keeper.close()
        assert wait().late and popen.poll() is not None and not os.path.exists(folder)


def test_tests_of_every_kind_run_where_the_program_is_not(code):
    program = """
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x)
    def __len__(self): return len(self.items)
    def pop(self):
        if not self.items: raise Empty("nothing is here")
        return self.items.pop()
class Empty(LookupError): pass
def sort(xs): xs.sort()
def each(f, xs): return [f(x) for x in xs]
def count(n):
    for k in range(n): yield k
def half(x): return x / 2
PI = 3.14
class Solution:
    def twice(self, x): return 2 * x
"""
    tests = """
import math, pytest, unittest
from solution import *
from solution import Stack, Empty, sort
assert PI == 3.14
@pytest.fixture
def numbers(): return [3, 1, 2]
def test_in_place(numbers):
    sort(numbers)
    assert numbers == [1, 2, 3]
def test_called_back(): assert each(lambda x: x + 1, (1, 2)) == [2, 3]
def test_generator(): assert list(count(3)) == [0, 1, 2] and sum(count(4)) == 6 and next(count(2)) == 0
@pytest.mark.parametrize("x, y", [(1, 0.5), (3, 1.5)])
def test_half(x, y): assert half(x) == pytest.approx(y)
class TestStack:
    def setup_method(self): self.stack = Stack()
    def test_order(self):
        for x in "ab": self.stack.push(x)
        assert len(self.stack) == 2 and self.stack.pop() == "b" and self.stack.items == ["a"]
    def test_empty(self):
        with pytest.raises(Empty, match="nothing"): self.stack.pop()
class Cases(unittest.TestCase):
    def setUp(self): self.stack = Stack()
    def test_error(self): self.assertRaises(LookupError, self.stack.pop)
    def test_kind(self): self.assertIsInstance(self.stack, Stack)
assert Solution().twice(4) == 8 and math.isclose(half(5), 2.5)
if __name__ == "__main__": unittest.main()
"""
    found = code.examine(program, tests)
    assert (found.passed, found.of, found.why) == (11, 11, "")
    assert code.examine(program, "def check(candidate): assert candidate(2) == 1", "half").passed == 1
    assert code.examine(program, "for x in range(3):\n    assert half(x) == x / 2").of == 1
    broken = code.examine(program, "assert half(2) == 1\nassert half(2) == 2\nassert missing(1)\nassert half(4) == 2")
    assert (broken.passed, broken.of) == (2, 4) and broken.why.startswith("AssertionError")
    assert code.examine(program, "assert half(2) == 1\nimport nowhere\nassert half(4) == 2\n").passed == 1


def test_two_objects_of_the_program_are_not_its_to_compare(code):
    program = "class V:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return True\ndef add(a, b): return V(0)"
    assert code.examine(program, "assert add(V(1), V(2)) == V(3)").passed == 0
    assert code.examine(program, "assert not (add(V(1), V(2)) != V(3))").passed == 0
    assert code.examine(program, "assert add(V(1), V(2)).x == 0").passed == 1


OPERATORS = """
class Sly:
    def __sub__(self, o): return 0.0
    def __rsub__(self, o): return 0.0
    def __xor__(self, o): return 0
    def __and__(self, o): return o
    def __mod__(self, o): return 0
    def __contains__(self, o): return True
    def __abs__(self): return 0.0
    def __lt__(self, o): return True
    __gt__ = __le__ = __ge__ = __eq__ = __lt__
    def __getattr__(self, name): return lambda *a: True
def f(x): return Sly()
"""


@pytest.mark.parametrize(
    "test",
    [
        "abs(f(5) - 25) < 1e-6", "25 - f(5) == 0", "not (f(5) ^ 25)", "25 in f(5)", "f(5) < 26", "24 < f(5)", "f(5).startswith('a')", "f(5).issuperset({1})",
        "f(5) & 1 == 1", "f(5) % 5 == 0", "min(f(5), 25) == 25", "25 == f(5)", "f(5) == 25", "[25].count(f(5))", "f(5) == f(4)", "{25: 1}.get(f(5))",
        "math.isclose(f(5), 25)", "sorted([f(5), 25])[0] == 25", "str(f(5)) == '25'", "isinstance(f(5), int)", "int(f(5)) == 25", "round(f(5)) == 25",
        "f(5) == __import__('pytest').approx(25)",
    ],
)  # fmt: skip
def test_no_method_of_an_answer_is_the_judge_of_it(code, test):
    assert code.examine(OPERATORS, f"assert {test}").passed == 0


def test_what_the_tests_use_is_theirs(code):
    program = "import math\nmath.isclose = lambda *a: True\nisclose = near = len = sorted = lambda *a, **k: True\ndef f(x): return 3.0\ndef sum(a, b): return a + b"
    for test in ("assert math.isclose(f(1), 1.0)", "from math import isclose\nfrom solution import *\nassert isclose(f(1), 1.0)"):
        assert code.examine(program, test).passed == 0
    assert code.examine(program, "def near(a, b): return a == b\nfrom solution import *\nassert near(f(1), 1.0)").passed == 0
    assert code.examine(program, "assert len(str(f(1))) == 1").passed == 0
    assert code.examine(program, "from solution import sum\nassert sum(1, 2) == 3").passed == 1
    assert code.examine(program, "def check(candidate): assert candidate(1, 2) == 3", "sum").passed == 1
    assert code.examine("def f(x): raise StopIteration", "assert all(map(lambda x: f(x) == 1, [1, 2]))").passed == 0
    assert code.examine("def f(): yield 1", "g = f()\nassert next(g) == 1\nassert next(g, None) is None").passed == 2


def test_the_program_asks_the_tests_for_nothing_but_calls(code):
    program = "def peek(f):\n    try: return f.__globals__['answer']\n    except AttributeError: return f(1)"
    assert code.examine(program, "answer = 42\nassert peek(lambda x: x) == 42").passed == 0
    assert code.examine(program, "answer = 42\nassert peek(lambda x: x) == 1").passed == 1


@pytest.mark.parametrize(
    ("tests", "entry", "of"),
    [
        ([{"args": [2], "expected": 4}], "square", 1),
        ('{"fn_name": "square", "inputs": [[2], [3]], "outputs": [4, [9]]}', None, 2),
        ({"inputs": ["2\n"], "outputs": ["4\n"], "fn_name": "square"}, None, 1),
        ([{"input": "2", "output": "4", "testtype": "functional"}], "square", 1),
        (["assert square(2) == 4", "assert square(-2) == 4"], None, 2),
        ("assert square(2) == 4", None, 1),
        (repr({"fn_name": "square", "inputs": [[2], [3]], "outputs": [4, 9]}), None, 2),  # as a data frame writes it into a table
        (repr(["assert square(2) == 4", "assert square(-2) == 4"]), None, 2),
        (['{"input": "2", "output": "4", "testtype": "functional"}'], "square", 1),
        ([{"fn_name": "square", "input": [2], "output": [4], "type": "function_call"}], None, 1),
        ([{"input": "2", "output": "4", "testtype": "functional"}], '{"func_name": "square"}', 1),  # LiveCodeBench's metadata
        ({"ground_truth": '{"fn_name": "square", "inputs": [[2]], "outputs": [4]}', "style": "rule"}, None, 1),  # verl's reward_model
        ({"assert_case": ["assert square(2) == 4"]}, None, 1),
        ({"functional": "def check(candidate):\n    assert candidate(2) == 4\n\ncheck(square)"}, None, 1),
        ("METADATA = {'author': 'x'}\n\ndef check(candidate):\n    assert candidate(2) == 4\n", "square", 1),  # HumanEval
        ("if __name__ == '__main__':\n    assert square(2) == 4", None, 1),
        ("from solution import *\nimport math\nassert math.sqrt(square(2)) == 2", None, 1),
        ("if square(2) != 4:\n    raise ValueError('wrong')", None, 1),
    ],
)
def test_tests_as_data_have_them(code, tests, entry, of):
    assert (code.examine(GOOD, tests, entry).passed, code.examine(GOOD, tests, entry).of) == (of, of)
    assert code.examine("class Solution:\n    def square(self, x): return x * x\nsquare = Solution().square", tests, entry).passed == of
    assert code.examine("def square(x): return 3", tests, entry).passed == 0


@pytest.mark.parametrize(
    "tests",
    [
        *(None, "", "assert (", [], [{}], 5, {"inputs": [1], "outputs": []}, [{"args": 5, "expected": 1}], [object()]),
        *(
            "x = 1",
            "{'inputs': [], 'more': 1}",
            "['assert', 'nothing']",
            "assert True",
            "import math\nassert math.sqrt(4) == 2",
            "print('passed')",
        ),
        *(
            "y = 2\nassert len([y]) == 1",
            "if __name__ == '__main__':\n    unittest.main()",
            base64.b64encode(zlib.compress(b"x = 1")).decode(),
        ),
        base64.b64encode(zlib.compress(pickle.dumps(pools.Box()))).decode(),
    ],
)
def test_rows_whose_tests_cannot_be_read_have_no_reward(code, tests):
    assert code(["q"] * 2, ["x = 1", "```python\ncut off"], [tests] * 2, ["f"] * 2) == [None, None]


def test_a_check_that_nobody_calls_says_nothing(code):
    """Every program would pass it."""
    check = "def check(candidate):\n    assert candidate(2) == 4\n"
    assert code.examine(GOOD, check) is None and code.examine(GOOD, check, "square").passed == 1


@pytest.mark.parametrize("pack", [pickle.dumps, str.encode])
def test_private_tests_of_livecodebench_are_unpacked(code, pack):
    told = base64.b64encode(zlib.compress(pack('[{"input": "3\\n", "output": "9\\n", "testtype": "stdin"}]'))).decode()
    assert code(["q"] * 2, ["print(int(input()) ** 2)", "print(3)"], [told] * 2) == [1.0, 0.0]


@pytest.mark.parametrize(
    "table", [{"input": ["3\n"], "output": ["9\n"]}, {"input": "3\n", "output": "9\n"}, {"test_cases": [{"input": "3", "output": "9"}]}]
)
def test_inputs_and_what_is_printed_in_other_tables(code, table):
    assert code(["q"] * 2, ["print(int(input()) ** 2)", "print(3)"], [table] * 2) == [1.0, 0.0]


def test_a_preamble_is_known_and_is_no_part_of_the_program(code):
    typed = "class Solution:\n    def total(self, xs: List[int]) -> Optional[int]:\n        return sum(xs) or None"
    cases = ({"fn_name": "total", "inputs": [[[1, 2]]], "outputs": [3]}, "assert Solution().total([1, 2]) == 3")
    for tests in cases:
        assert code(["q"], [typed], [tests]) == [1.0]
        assert Code(seconds=1.0, preamble="", workers=2)(["q"], [typed], [tests]) == [0.0]
    assert code(
        ["q"], ["from __future__ import annotations\nx: List[int] = [int(input())]\nprint(x[0])"], [{"input": "3", "output": "3"}]
    ) == [1.0]
    more = Code(seconds=1.0, preamble="import math\ndef twice(x): return 2 * x", workers=2)
    assert more(
        ["q"] * 2, ["print(twice(math.floor(2.5)))", "def twice(x): return 5\nprint(twice(2))"], [{"input": "", "output": "4"}] * 2
    ) == [1.0, 0.0]
    assert more(["q"], ["x = 1"], ["assert twice(2) == 4"]) == [0.0]  # it wrote none
    with pytest.raises(InputError, match="preamble"):
        Code(preamble="def (")
    with pytest.raises(InputError, match="preamble"):
        Code(preamble="import no_such_module", workers=2)(["q"], ["x = 1"], ["assert f(1)"])


def test_a_function_that_the_prompt_begins_is_gone_on_with(code):
    prompt = 'from math import sqrt\n\ndef root(x):\n    """The root."""\n'
    completions = [
        "    return sqrt(x)\n",
        "    return sqrt(x)\n\nprint(root(2)\nThat is",
        "    return x",
        "I do not know",
        "def root(x):\n    return x ** 0.5",
    ]
    check = "def check(candidate):\n    assert candidate(4) == 2"
    assert code([prompt] * 5, completions, [check] * 5, ["root"] * 5) == [1.0, 1.0, 0.0, 0.0, 1.0]
    assert code(["q"], ["    return sqrt(x)"], [check], ["root"]) == [0.0]


def test_a_function_may_be_called_as_a_module_of_the_library_is(code):
    assert code.examine("def copy(x): return x + 1", "assert copy(1) == 2").passed == 1
    theirs = "def f(x): return 3\nclass copy:\n    copy = lambda x: 2"
    assert code.examine(theirs, "assert copy.copy(f(1)) == 2").passed == 0  # they use the module


def test_a_share_of_the_tests(code):
    partial = Code(partial=True, wrong=-1.0, workers=1)
    assert partial(["q"], ["def square(x): return 9"], [CASES]) == [-0.5]
    died = "import os\ndef square(x):\n    if x == 4: os._exit(0)\n    return x * x"
    assert partial(["q"], [died], [CASES]) == [0.5]
    assert partial(["q"], ["print(9)"], [{"inputs": ["3", "4"], "outputs": ["9", "16"]}]) == [0.0]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1, 1.0, True), (1, True, False), (0, False, False), (0.1 + 0.2, 0.3, True), ([1, (2,)], (1, [2]), True), ("a", "a", True), ("1", 1, False),
        ({1, 2}, {2, 1}, True), ({1: "a"}, {"1": "a"}, True), ({"a": 1}, {"a": 2}, False), (None, None, True), (None, 0, False),
        (float("nan"), float("nan"), True), (float("nan"), 1.0, False), (10**400, 10**400, True), (10**400, 1.5, False), (b"a", "a", False), ([], {}, False),
    ],
)  # fmt: skip
def test_equality_is_ours(a, b, same):
    assert equal(a, b) is same and equal(b, a) is same


def test_plain_values_arrive_as_they_are_and_nothing_else_does():
    values = [None, True, 5, -(10**5000), 0.5, "\ud800é", b"\0", 1 + 2j, [1, (2, {3}), frozenset({4})], {(1, 2): [3], None: "x"}]
    again = decoded(unpacked(packed(encoded(values))))
    assert again == values and [type(x) for x in again] == [type(x) for x in values]

    class Sly(int):
        def __eq__(self, other):
            return True

    assert type(decoded(encoded(Sly(3)))) is int
    for wrong in (
        {},
        {"x": 1},
        {"l": 3},
        {"s": [{"l": []}]},
        {"n": ["eval", "1"]},
        {"n": ["Decimal", "x" * 9999]},
        {"o": 1},
        [1],
        {"i": 5},
        {"b": "zz"},
    ):
        with pytest.raises(ValueError, match=r"plain|hex"):
            decoded(wrong)
    with pytest.raises(TypeError):
        encoded(object())


def test_without_isolation_a_warning_says_what_is_open_and_it_can_be_refused():
    pools._warn.cache_clear()
    own = Box(levels=("none",))
    with pytest.warns(UserWarning, match="does not protect from reading what this user may read"):
        assert one(own, HONEST) == 9
    with pytest.raises(InputError, match="require_isolation=false"), warnings.catch_warnings():
        returned(Box(True, levels=("none",)), HONEST, "attempt", [([], {})], LIMITS)
    for name in ("a TCP connection", "killing the tests", "a fork", "tracing the tests", "writing outside", "the environment"):
        given = {"home": "/tmp", "secret": "/tmp/none", "port": 9, "parent": os.getpid()}
        found = one(own, REACHING[name].format(**given))
        assert isinstance(found, Nothing) or not found, name
    assert not os.path.exists("/tmp/owned")


FORBIDDEN = """
import sys
sys.path[:0] = {inside!r}
import calls, kernel
number = 272 if kernel.MACHINE == "x86_64" else 97  # unshare
steps = [calls._step(calls._LOAD, 0, 0, 0), calls._step(calls._EQUAL, 0, 1, number), calls._step(calls._RETURN, 0, 0, calls._REFUSE)]
kernel.no_new_privileges()
kernel.install(b"".join([*steps, calls._step(calls._RETURN, 0, 0, calls._ALLOW)]))
from guerdon.feedback.sandbox.keeping import strongest
from guerdon.feedback.sandbox.levels import INSIDE
from guerdon.feedback.sandbox.limits import Limits
keeper = strongest()
print(keeper.level.name, keeper.run({{"what": "script", "program": "print(5)"}}, Limits()).printed, repr(keeper.left_open))
keeper.close()
"""


def test_where_namespaces_are_forbidden_the_next_level_is_found():
    box("landlock")
    program = FORBIDDEN.format(inside=[str(INSIDE), str(INSIDE.parent)])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd="/")
    assert done.stdout.split(maxsplit=1) == ["landlock", "b'5\\n' ''\n"], done.stderr


def test_bubblewrap_where_it_is_installed(outside):
    if shutil.which("bwrap") is None:
        pytest.skip("bwrap is not installed")
    own = box("bubblewrap")
    reached = {
        name: found for name, text in REACHING.items() if not isinstance(found := one(own, text.format(**outside)), Nothing) and found
    }
    assert not reached and one(own, HONEST) == 9


def test_programs_run_while_a_run_goes_on_and_their_failures_are_zeros():
    with RewardRunner({"code": Code(seconds=0.5, workers=2)}) as runner:
        assert runner.early == ("code",)
        begun = runner.begin(["q"] * 3, {"tests": [CASES] * 3})
        for row, program in enumerate([GOOD, "import os\nos._exit(0)", "def square(x):\n    while True: pass"]):
            begun.add([row], [program])
        scored = runner.score(["q"] * 3, begun.completions, {"tests": [CASES] * 3}, begun=begun)
    assert scored.components["code"].tolist() == [1.0, 0.0, 0.0] and not scored.invalid.any()


@pytest.mark.parametrize(("settings", "expected"), [({"seconds": 0}, "seconds"), ({"memory": 5}, "memory"), ({"processes": 0}, "process")])
def test_limits_that_cannot_be_are_refused(settings, expected):
    with pytest.raises(InputError, match=expected):
        Code(**settings)


def test_programs_read_print_and_test_under_load():
    own = box("namespaces")
    assert printed(own, "import threading\nthreading.Thread(target=lambda: print(input()[::-1])).start()", "abc", LIMITS, 1) == "cba\n"
    assert printed(own, "import asyncio\nasync def f(): print(await asyncio.sleep(0, 5))\nasyncio.run(f())", "", LIMITS, 1) == "5\n"
    assert run_tests(own, "def f(x): return x", "assert f({1: [(2, None)]}) == {1: [(2, None)]}", None, LIMITS, 1).passed == 1

"""Calls: which system calls a program may make, as a filter that the kernel keeps for it (seccomp).

Everything is allowed but what is named here. Refused are the calls by which a process reaches another, a network, the system's settings, or what
outlives it; with ``alone`` also those that start a process, and with ``writing`` false those that change a file by its name. A signal may be sent to the
process itself and to none other.
"""

import struct

from kernel import MACHINE

_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# name: number on x86_64, number on aarch64 (None: there is none)
_REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "shmget": (29, 194), "semget": (64, 190),
    "msgget": (68, 186), "mq_open": (240, 180), "ptrace": (101, 117), "syslog": (103, 116), "personality": (135, 92),
    "modify_ldt": (154, None), "pivot_root": (155, 41), "adjtimex": (159, 171), "chroot": (161, 51), "acct": (163, 89),
    "settimeofday": (164, 170), "mount": (165, 40), "umount2": (166, 39), "swapon": (167, 224), "swapoff": (168, 225),
    "reboot": (169, 142), "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None), "ioperm": (173, None),
    "init_module": (175, 105), "delete_module": (176, 106), "quotactl": (179, 60), "clock_settime": (227, 112),
    "kexec_load": (246, 104), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "unshare": (272, 97),
    "perf_event_open": (298, 241), "fanotify_init": (300, 262), "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "clock_adjtime": (305, 266), "setns": (308, 268), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "finit_module": (313, 273), "memfd_create": (319, 279), "kexec_file_load": (320, 294), "bpf": (321, 280), "userfaultfd": (323, 282),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440), "mount_setattr": (442, 442), "quotactl_fd": (443, 443), "memfd_secret": (447, 447),
    "process_mrelease": (448, 448),
}  # fmt: skip
_STARTING = {"fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281)}
_CHANGING = {
    "creat": (85, None), "truncate": (76, 45), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "link": (86, None), "linkat": (265, 37), "unlink": (87, None), "unlinkat": (263, 35),
    "symlink": (88, None), "symlinkat": (266, 36), "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "mknod": (133, None), "mknodat": (259, 33),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "openat2": (437, 437),
}  # fmt: skip
_SIGNALLING = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131)}
_LIMITS = (302, 261)  # prlimit64, of a process by its id; 0 is this one
_OPENING = {"open": ((2, None), 1), "openat": ((257, 56), 2)}  # and which argument holds the flags
_CLONE, _CLONE3 = (56, 220), (435, 435)
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC; O_TMPFILE needs one of the first two
_THREAD = 0x00010000  # CLONE_THREAD
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _MISSING, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000  # EPERM, ENOSYS


def known() -> bool:
    """Whether the calls of this machine are known."""
    return MACHINE in _ARCHITECTURE


def compiled(own: int, alone: bool, writing: bool) -> bytes:
    """The filter for the process ``own``."""
    column = 0 if MACHINE == "x86_64" else 1
    code = [
        _step(_LOAD, 0, 0, 4),
        _step(_EQUAL, 1, 0, _ARCHITECTURE[MACHINE]),
        _step(_RETURN, 0, 0, _KILL),
        _step(_LOAD, 0, 0, 0),
        _step(_AT_LEAST, 0, 1, 0x40000000),  # the numbers of another interface
        _step(_RETURN, 0, 0, _KILL),
    ]
    refused = dict(_REFUSED) | (_STARTING if alone else {}) | ({} if writing else _CHANGING)
    for numbers in refused.values():
        if numbers[column] is not None:
            code += [_step(_EQUAL, 0, 1, numbers[column]), _step(_RETURN, 0, 0, _REFUSE)]
    code += [_step(_EQUAL, 0, 1, _CLONE3[column]), _step(_RETURN, 0, 0, _MISSING)]  # its flags lie in memory; the C library then uses clone
    code += _on(_LIMITS[column], 0, _EQUAL, 0, if_so=_ALLOW, if_not=_REFUSE)
    if alone:
        code += _on(_CLONE[column], 0, _ANY_BIT, _THREAD, if_so=_ALLOW, if_not=_REFUSE)
        for name, numbers in _SIGNALLING.items():
            if name != "tkill":
                code += _on(numbers[column], 0, _EQUAL, own, if_so=_ALLOW, if_not=_REFUSE)
            else:
                code += [_step(_EQUAL, 0, 1, numbers[column]), _step(_RETURN, 0, 0, _REFUSE)]
    if not writing:
        for numbers, argument in _OPENING.values():
            if numbers[column] is not None:
                code += _on(numbers[column], argument, _ANY_BIT, _WRITING, if_so=_REFUSE, if_not=_ALLOW)
    code.append(_step(_RETURN, 0, 0, _ALLOW))
    return b"".join(code)


def _step(what: int, if_so: int, if_not: int, value: int) -> bytes:
    return struct.pack("=HBBI", what, if_so, if_not, value)


def _on(number: int, argument: int, test: int, value: int, if_so: int, if_not: int) -> list[bytes]:
    """What is answered to a call by one of its arguments (the lower half of it, in which all of these lie)."""
    return [
        _step(_EQUAL, 0, 4, number),
        _step(_LOAD, 0, 0, 16 + 8 * argument),
        _step(test, 0, 1, value),
        _step(_RETURN, 0, 0, if_so),
        _step(_RETURN, 0, 0, if_not),
    ]

# SPDX-License-Identifier: MIT
"""A machine whose PCI devices are mounted, for tests; and why there can be none here."""

import errno
import os
import shutil
import subprocess
import tempfile

CAP_SYS_ADMIN = 21  # linux/capability.h


def missing(*programs):
    """Why nothing can be mounted, or which program is not there, which is said too; empty where all is."""
    reason = find_missing(programs)
    if reason:
        print(f"what needs a mount is skipped: {reason}")
    return reason


def find_missing(programs):
    if not os.path.exists("/dev/fuse"):
        return "/dev/fuse is not there"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error.strerror}"
    for program in ("fusermount3", *programs):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    # A mount that fails although all is there is a failure of its test, so nothing of ours is asked.
    if os.geteuid() == 0 and not has_capability(CAP_SYS_ADMIN):
        return "this root has no CAP_SYS_ADMIN"
    return ""


def has_capability(number):
    with open("/proc/self/status", encoding="ascii") as status:
        effective = next(line.split()[1] for line in status if line.startswith("CapEff:"))
    return int(effective, 16) >> number & 1 == 1


class Mounted:
    """`with Mounted("--topology", "switch") as machine:` serves until the block ends."""

    holdover = ""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        self.server = subprocess.Popen([self.holdover, "mount", self.path, *self.options], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        self.ready = self.server.stdout.readline()
        if not self.ready.startswith("mounted "):
            raise RuntimeError(self.server.communicate()[1])
        return self

    def __exit__(self, *_):
        if self.server.poll() is None:
            self.server.terminate()
        self.output, self.errors = self.server.communicate()
        if os.path.ismount(self.path):
            subprocess.run(["fusermount3", "-u", self.path], check=False)
        self.folder.cleanup()

    def device(self, bdf, *names):
        return os.path.join(self.path, "bus/pci/devices", "0000:" + bdf, *names)

    def show(self, bdf, name):
        with open(self.device(bdf, name), encoding="ascii") as file:
            return file.read()

    def pciutils(self, *command, check=True):
        """lspci or setpci with our tree and our names."""
        access = ["-A", "linux-sysfs", "-O", f"sysfs.path={self.path}/bus/pci", "-O", "hwdb.disable=1"]
        return subprocess.run([command[0], *access, *command[1:]], capture_output=True, text=True, check=check)


def errno_of(call, *arguments):
    """Name of the errno that the call fails with; «none» where it does not."""
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"

# SPDX-License-Identifier: MIT
"""Exceptions. Each carries the sentence of the C++ side, which names the object and, where there is one, the way out."""

from __future__ import annotations

__all__ = ["Closed", "Corrupt", "Error", "Interrupted", "InvalidArgument", "NotFound", "PeerDied", "Refused",
           "Unavailable"]


class Error(RuntimeError):
    """Base of all of them.

    code: which of them it is, as a word. errno: of the kernel behind Refused (module `errno`), else None.
    """

    code: str = "error"

    def __init__(self, sentence: str, errno: int | None = None) -> None:
        super().__init__(sentence)
        self.errno = errno


class InvalidArgument(Error, ValueError):
    """A name, number or combination that does not exist."""

    code = "invalid-argument"


class NotFound(Error, LookupError):
    """The named object is not there."""

    code = "not-found"


class Unavailable(Error):
    """The environment does not offer it: permission, missing file, full disk."""

    code = "unavailable"


class Corrupt(Error):
    """Bytes that do not follow their format."""

    code = "corrupt"


class Refused(Error):
    """The kernel answered with an errno."""

    code = "refused"


class PeerDied(Error):
    """The process at the other end is gone."""

    code = "peer-died"


class Interrupted(Error):
    """The work was stopped. Ctrl-C itself is KeyboardInterrupt, as everywhere in Python."""

    code = "interrupted"


class Closed(Error):
    """Something is used after close(), or after the end of its `with`."""

    code = "closed"

"""The instance lock: one process per SQLite file, for as long as it lives.

The kernel lets go of it when the process ends, however it ends; so whoever holds it knows that earlier owners are dead.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from bot.errors import SettingsError


class InstanceLock:
    def __init__(self, database: Path) -> None:
        """Raises `SettingsError` when another process, or another store of this one, has the file."""
        path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"{str(path)!r} cannot be opened for the database's lock: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise SettingsError(
                f"the database {str(database)!r} is in use by process {holder}: stop that process first, or name "
                "another file in FRONTDESK_DATABASE_URL; several processes need a postgresql:// address"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """The file stays: removing it could take the lock of somebody who has just opened it."""
        os.close(self._file)


_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "fuse.sshfs"})


def refuse_network(path: Path) -> None:
    """Raises `SettingsError` where the kernel says that the file lies on another machine: locks lie there."""
    try:
        mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return
    whole = path.absolute()
    on = max(
        (line.split()[1:3] for line in mounts if whole.is_relative_to(line.split()[1])),
        key=lambda mount: len(mount[0]),
        default=["/", ""],
    )
    if on[1] in _NETWORK:
        raise SettingsError(
            f"the database {str(path)!r} lies on a network file system ({on[1]}): put it on a disk of this machine, "
            "or use a postgresql:// address"
        )

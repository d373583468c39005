"""What an account keeps for itself, so that whoever has the database alone can read none of it."""

from __future__ import annotations

import hashlib

from bot.errors import SettingsError
from bot.ports import Clock, Random, Store
from bot.units import PutSecret, Secret, SecretNames

_FORM = b"\x01"
"""The first byte: how the rest is to be read."""
_NONCE, _KEY_ID = 12, 4


class StoredVault:
    """Implements `Vault`: AES-256-GCM under a key made from the program's own, bound to account and name."""

    def __init__(self, account: str, secret: bytes, *, store: Store, clock: Clock, random: Random) -> None:
        # 6 MiB that who serves the website alone does not need
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        key = HKDF(SHA256(), 32, salt=None, info=b"frontdesk vault").derive(secret)
        self._cipher, self._id = AESGCM(key), hashlib.blake2b(key, digest_size=_KEY_ID).digest()
        self._account, self._store, self._clock, self._random = account, store, clock, random

    async def get(self, name: str) -> bytes | None:
        """Raises `SettingsError` for what was sealed under another key, or was tampered with."""
        from cryptography.exceptions import InvalidTag

        sealed = await self._store.read(Secret(self._account, name))
        if sealed is None:
            return None
        head, body = sealed[: 1 + _KEY_ID], sealed[1 + _KEY_ID :]
        if head != _FORM + self._id:
            raise SettingsError(
                f"{name!r} of account {self._account!r} was sealed under another FRONTDESK_SECRET_KEY: set that one"
            )
        try:
            return self._cipher.decrypt(body[:_NONCE], body[_NONCE:], self._bound(name))
        except InvalidTag:
            raise SettingsError(f"{name!r} of account {self._account!r} was changed in the database") from None

    async def put(self, name: str, value: bytes | None) -> None:
        sealed = None if value is None else self._sealed(name, value)
        await self._store.write(PutSecret(account=self._account, name=name, sealed=sealed, at=self._clock.now()))

    async def names(self, prefix: str = "") -> tuple[str, ...]:
        return await self._store.read(SecretNames(self._account, prefix))

    def _sealed(self, name: str, value: bytes) -> bytes:
        nonce = hashlib.blake2b(self._random.token().encode(), digest_size=_NONCE).digest()
        return _FORM + self._id + nonce + self._cipher.encrypt(nonce, value, self._bound(name))

    def _bound(self, name: str) -> bytes:
        return f"{self._account}\0{name}".encode()

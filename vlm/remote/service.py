"""Where a service is asked and which key it gets: the same rules for all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ..contract import BackendError, BackendOptions
from .keys import Key, find_key
from .settings import RemoteSettings, check_secrecy, check_url


@dataclass(frozen=True)
class Service:
    """What is usual for one service.

    Attributes:
        who: Registry name of its backend.
        address: Environment variable with an address.
        keys: Environment variables with a key; the first one that is set counts.
        home: Its own address; empty where there is none.
    """

    who: str
    address: str
    keys: Sequence[str]
    home: str = ""

    def url(self, settings: RemoteSettings) -> str:
        """Return the address of the settings, else that of the environment, else the service's own, without a slash.

        Raises:
            BackendError: No request can be sent there.
        """
        from_environment = os.environ.get(self.address, "").strip()
        if not settings.base_url and from_environment:
            check_url(from_environment, self.who)
        return (settings.base_url or from_environment or self.home).rstrip("/")

    def key(self, settings: RemoteSettings, options: BackendOptions, official: bool = False) -> Key | None:
        """Return the key; None for a server that needs none.

        The usual variables count for the service itself and for an address from the environment, never for one of the
        settings: a key is not sent to whom it is not for.

        Args:
            settings: With the address that is asked.
            options: As they were given.
            official: That is the service itself, which needs a key.

        Raises:
            BackendError: There is none where one is needed or named, or it would be sent in the clear.
        """
        usual = self.keys if official or not options.settings.get("base_url") else ()
        names = (settings.api_key_env,) if settings.api_key_env else tuple(usual)
        key = find_key(names, settings.api_key_file, self.who)
        if key is None and (official or settings.api_key_env):
            raise BackendError(
                f"the {self.who} backend has no key: the environment variable {names[0]} is not set\n"
                f'  fix:  export {names[0]}=…, or name a file: api_key_file = "…" under [backends.{self.who}]'
            )
        check_secrecy(settings.base_url, key is not None, settings, self.who)
        return key

"""Which account a request belongs to.

moto puts every request whose access key it did not issue into one default account. Here an access
key of twelve digits is itself the account, so one process serves the accounts of all environments
and nothing has to be created first. Keys that AssumeRole issued keep the account of their role, as
moto has it.
"""

import re
from collections.abc import Callable

import moto.core.responses
import moto.iam.models

from slipway.local.mends.patching import replace

ACCOUNT = re.compile(r"\d{12}")
_CREDENTIAL = re.compile(r"Credential=(?P<key>\d{12})/|[?&]X-Amz-Credential=(?P<signed>\d{12})%2F")


def apply() -> None:
    """Install the mend."""
    base = moto.core.responses.BaseResponse
    models = moto.iam.models
    replace(base, get_access_key=_with_account_keys(base.get_access_key))
    replace(models, get_account_id_from=_with_account_ids(models.get_account_id_from))


def _with_account_keys(
    original: Callable[[moto.core.responses.BaseResponse], str],
) -> Callable[[moto.core.responses.BaseResponse], str]:
    def get_access_key(self: moto.core.responses.BaseResponse) -> str:
        # moto's pattern only takes keys of twenty characters, and none of presigned URLs.
        found = _CREDENTIAL.search(self.headers.get("Authorization", "")) or _CREDENTIAL.search(self.uri)
        return (found.group("key") or found.group("signed")) if found else original(self)

    return get_access_key


def _with_account_ids(original: Callable[[str], str]) -> Callable[[str], str]:
    def get_account_id_from(access_key: str) -> str:
        return access_key if ACCOUNT.fullmatch(access_key) else original(access_key)

    return get_account_id_from

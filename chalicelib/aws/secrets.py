"""Secrets in Parameter Store, Secrets Manager and this process's environment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.aws.clients import client, translated_for_users
from chalicelib.errors import InvalidRequest, NotFound, OrchestratorError

_NEVER_SHOWN = ("AWS_", "ORCHESTRATOR_")
"""The function's own credentials and settings, which are never given to commands."""


class AwsSecrets:
    """Implements `chalicelib.ports.Secrets`. `get_client` is called at each use; `environ` is what
    `env:` reads."""

    def __init__(
        self,
        get_client: Callable[[str], Any] = client,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._get_client = get_client
        self._environ = os.environ if environ is None else environ

    def get(self, reference: str) -> str:
        store, _, name = reference.partition(":")
        stores = {"ssm": self._parameter, "secretsmanager": self._secret, "env": self._variable}
        if store not in stores or not name:
            raise InvalidRequest(
                f"`{reference}` is no reference to a secret: write ssm:/path, secretsmanager:id,"
                " secretsmanager:id#key or env:NAME"
            )
        return stores[store](name)

    def _parameter(self, name: str) -> str:
        with translated_for_users(f"parameter `{name}`"):
            answer = self._get_client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])

    def _secret(self, name: str) -> str:
        secret_id, _, key = name.partition("#")
        what = f"secret `{secret_id}`"
        with translated_for_users(what):
            answer = self._get_client("secretsmanager").get_secret_value(SecretId=secret_id)
        if "SecretString" not in answer:
            raise OrchestratorError(f"{what} is binary; only text fits into a variable")
        text = str(answer["SecretString"])
        return _value_of(text, key, what) if key else text

    def _variable(self, name: str) -> str:
        if name.startswith(_NEVER_SHOWN):
            raise InvalidRequest(
                f"env:{name} is the executor's own; variables that begin with"
                f" {' or '.join(_NEVER_SHOWN)} are not handed out"
            )
        if name not in self._environ:
            raise NotFound(f"the executor's environment has no variable {name}")
        return self._environ[name]


def _value_of(text: str, key: str, what: str) -> str:
    """One value of a JSON object; what is not text is given as JSON."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None  # not `from error`, whose text holds the secret
    if not isinstance(data, dict):
        raise OrchestratorError(f"{what} is not a JSON object, so `#{key}` cannot be taken from it")
    if key not in data:
        raise NotFound(f"{what} has no key `{key}`")
    value = data[key]
    return value if isinstance(value, str) else json.dumps(value)

"""Builds the environment of a command, and knows which of its values the log must not show.

Later wins: what is inherited from the executor, the task role's credentials, the user's variables,
secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.masking import Mask
from chalicelib.executor.workspace import CannotStart
from chalicelib.messages import TaskMessage
from chalicelib.ports import Credentials, Secrets

_OWN_CREDENTIALS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_PROFILE"})
"""Who brings one of these acts as somebody else; half of the role's variables would only mix in."""
_HIDDEN_CREDENTIALS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True, slots=True)
class CommandEnv:
    """The environment of one command, and the mask that hides its secrets in the log."""

    environ: dict[str, str]
    mask: Mask


class CommandEnvSources:
    """Where a command's environment comes from. `inherited` is all that commands see of the
    executor's own environment. Without `secrets` no task can have any; without `credentials`
    commands have no role."""

    def __init__(
        self,
        inherited: Mapping[str, str],
        secrets: Secrets | None,
        credentials: Credentials | None,
    ) -> None:
        self._inherited = dict(inherited)
        self._secrets = secrets
        self._credentials = credentials

    def for_task(self, message: TaskMessage, seconds: float) -> CommandEnv:
        """Build the environment of a task's command that may run for `seconds`. Raises CannotStart,
        naming what is missing."""
        secrets = self._fetch(message.secrets)
        role = self._role({**message.env, **secrets}, seconds)
        hidden = [*secrets.values(), *(role[name] for name in _HIDDEN_CREDENTIALS if name in role)]
        environ = {**self._inherited, **role, **message.env, **secrets}
        return CommandEnv(environ, Mask(hidden))

    def for_notification(self, env: Mapping[str, str], seconds: float) -> dict[str, str]:
        """The environment of a command that notifies people. Raises CannotStart."""
        return {**self._inherited, **self._role(env, seconds), **env}

    def _role(self, given: Mapping[str, str], seconds: float) -> dict[str, str]:
        if self._credentials is None or _OWN_CREDENTIALS & given.keys():
            return {}
        try:
            return dict(self._credentials.environ(seconds))
        except OrchestratorError as error:
            raise CannotStart(
                f"the role of commands could not be assumed: {error}",
                is_transient=isinstance(error, Unavailable),
            ) from error

    def _fetch(self, references: Mapping[str, str]) -> dict[str, str]:
        by_reference = {
            reference: self.secret(name, reference)
            for reference, name in {ref: name for name, ref in references.items()}.items()
        }
        return {name: by_reference[reference] for name, reference in references.items()}

    def secret(self, name: str, reference: str) -> str:
        """The secret that `reference` names; `name` is for messages. Raises CannotStart."""
        what = f"the secret {name} (`{reference}`) could not be fetched"
        if self._secrets is None:
            raise CannotStart(f"{what}: this executor has no access to secrets")
        try:
            secret = self._secrets.get(reference)
        except OrchestratorError as error:
            is_transient = isinstance(error, Unavailable)
            raise CannotStart(f"{what}: {error}", is_transient=is_transient) from error
        if "\0" in secret or not _is_utf8(secret):
            raise CannotStart(f"{what}: it is not text that an environment variable can hold")
        return secret


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

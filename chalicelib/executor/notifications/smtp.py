"""E-mail by an SMTP server, where there is no Amazon SES: in the local cloud, and wherever
`ORCHESTRATOR_SMTP_URL` names one."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from chalicelib.errors import InvalidRequest, OrchestratorError, Unavailable
from chalicelib.ports import Secrets

TIMEOUT = 20.0
"""Seconds for each answer of the server."""
DEFAULT_SENDER = "orchestrator@localhost"
_PORTS = {"smtp": 25, "smtps": 465}


class SmtpMailer:
    """Implements `chalicelib.ports.Mailer`. `url` is `smtp://host:port`, with `user:password@` if
    the server wants them, or `smtps://...` for TLS from the start; or a reference to a secret that
    holds such a URL. Over `smtp://`, TLS is used if the server offers it, and always before a
    password."""

    def __init__(self, url: str, sender: str, secrets: Secrets | None = None) -> None:
        self._url = url
        self._sender = sender or DEFAULT_SENDER
        self._secrets = secrets

    def send(self, to: str, message: EmailMessage) -> None:
        server = urlsplit(self._resolved_url())
        if server.scheme not in _PORTS or not server.hostname:
            raise InvalidRequest("ORCHESTRATOR_SMTP_URL is not set to smtp://host:port")
        message["From"] = self._sender
        name = server.hostname
        try:
            smtp = self._connected(server.scheme, name, server.port or _PORTS[server.scheme])
            with closing(smtp):
                if server.username:
                    smtp.login(unquote(server.username), unquote(server.password or ""))
                smtp.send_message(message, self._sender, [to])
                with suppress(smtplib.SMTPException, OSError):  # it is sent, whatever is answered
                    smtp.quit()
        except smtplib.SMTPException as error:
            raise _translated(name, error) from error
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise Unavailable(f"the mail server {name} did not answer: {reason}") from error

    def _resolved_url(self) -> str:
        if "://" in self._url or self._secrets is None or not self._url:
            return self._url
        return self._secrets.get(self._url)

    def _connected(self, scheme: str, name: str, port: int) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if scheme == "smtps":
            return smtplib.SMTP_SSL(name, port, timeout=TIMEOUT, context=context)
        smtp = smtplib.SMTP(name, port, timeout=TIMEOUT)
        smtp.ehlo_or_helo_if_needed()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=context)
        elif self._has_password():
            smtp.close()
            raise InvalidRequest(
                f"the mail server {name} offers no TLS, so no password is sent to it"
            )
        return smtp

    def _has_password(self) -> bool:
        return bool(urlsplit(self._resolved_url()).username)


def _translated(name: str, error: smtplib.SMTPException) -> OrchestratorError:
    """A code of 4xx passes, and one of 5xx stays."""
    code = getattr(error, "smtp_code", None)
    text = getattr(error, "smtp_error", b"")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    what = f"the mail server {name} answered {code or 'no code'}: {said or error}"[:500]
    return OrchestratorError(what) if code and code >= 500 else Unavailable(what)

"""The errors that users see, and their root.

    OrchestratorError                 500  internal
    +-- InvalidRequest                400  invalid_request
        +-- ParamError                400  invalid_params     (dag/evaluate/params.py)
    +-- Unauthorized                  401  unauthorized
    +-- Forbidden                     403  forbidden
    +-- NotFound                      404  not_found
    +-- Conflict                      409  conflict
    +-- PreconditionFailed            412  precondition_failed
    +-- PreconditionRequired          428  precondition_required
    +-- Unavailable                   503  unavailable
        +-- DatabaseBusy              503  database_busy
        +-- TransactionExpired        503  transaction_expired
        +-- DatabaseUnusable          503  database_unusable  (database/connection/sqlite_open.py)
    +-- DefinitionUnusable            500  definition_unusable (database/queries/definitions.py)
    +-- DagFileError                  422  invalid_dag        (dag/problems.py)
    +-- UnreadableObject              500  unreadable_object
    +-- UnreadableClaim               500  unreadable_claim    (claims.py)
    +-- BackupDamaged                 500  backup_damaged     (admin/backup_store.py)

A message names the thing and the remedy. It is shown to people as it stands, so it never
holds a secret, a path of the machine or a stack trace.
"""

from __future__ import annotations

from typing import Any, ClassVar


class OrchestratorError(Exception):
    """The root: `status` is the HTTP status, `code` the stable word that programs match on."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidRequest(OrchestratorError):
    """The request is malformed; repeating it unchanged will not help."""

    status = 400
    code = "invalid_request"


class Unauthorized(OrchestratorError):
    """The caller is unknown: credentials are missing or invalid."""

    status = 401
    code = "unauthorized"


class Forbidden(OrchestratorError):
    """The caller is known, and not allowed to do this."""

    status = 403
    code = "forbidden"


class NotFound(OrchestratorError):
    """The named thing does not exist."""

    status = 404
    code = "not_found"


class Conflict(OrchestratorError):
    """The state of the thing does not allow this."""

    status = 409
    code = "conflict"


class PreconditionFailed(OrchestratorError):
    """The thing is no longer as the request expects it; `details` say how it is."""

    status = 412
    code = "precondition_failed"


class PreconditionRequired(OrchestratorError):
    """The request does not say which state of the thing it is meant for."""

    status = 428
    code = "precondition_required"


class Unavailable(OrchestratorError):
    """The request is not possible now, and may succeed later."""

    status = 503
    code = "unavailable"


class DatabaseBusy(Unavailable):
    """The write lock could not be acquired in time."""

    code = "database_busy"


class TransactionExpired(Unavailable):
    """The transaction was open too long to be committed safely, and was rolled back."""

    code = "transaction_expired"


class UnreadableObject(OrchestratorError):
    """One object of a bucket is there and cannot be read; the message says why. `etag` stands for
    what it holds: the same as long as the reason is."""

    code = "unreadable_object"

    def __init__(self, message: str, *, etag: str) -> None:
        super().__init__(message)
        self.etag = etag

"""What the session of one attempt's sidecar may do. Pure.

Its role may write the objects of every run; a session of it only those of its own run. Everything
else is the role's.
"""

from __future__ import annotations

import json

from chalicelib.messages import Attempt

WRITES = ("s3:DeleteObject", "s3:PutObject")


def session_policy(attempt: Attempt, runs_bucket_arn: str) -> str:
    """Return the policy of the session, as JSON."""
    own = f"{runs_bucket_arn}/{attempt.dag_id}/{attempt.run_id}/*"
    statements = [
        {"Effect": "Allow", "NotAction": list(WRITES), "Resource": "*"},
        {"Effect": "Allow", "Action": list(WRITES), "Resource": own},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))

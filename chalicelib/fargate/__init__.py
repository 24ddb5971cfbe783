"""Runs attempts on Fargate: any image that has `sh`, beside a container of our own.

A task on Fargate has two containers and a shared volume at `VOLUME`. The sidecar, from a public
Python image, fetches the deployed bundle, claims the attempt, streams the log and reports. The
command's container runs the wrapper, a POSIX shell script that waits for the sidecar's go-ahead.
Commands have the stage's task role; the sidecar has a session of its own, which `launch` hands to
that container alone and renews.

What the sidecar finds in its environment:
- the settings (`ORCHESTRATOR_RUNS_BUCKET`, `ORCHESTRATOR_RESULTS_QUEUE`, ...) and `AWS_REGION`;
- `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: a session for an hour;
- `FARGATE_CODE_URL`: where the bundle is, for ten minutes;
- `FARGATE_MESSAGE_KEY`: the key of the task message in the runs bucket;
- `FARGATE_RENEW`: the name of the function that renews the session. It is invoked with
  `{"renew": URL, "prefix": PREFIX}`: a presigned GetCallerIdentity and the attempt's prefix. It
  answers with the three AWS variables;
- `FARGATE_LOST_SECONDS` and `FARGATE_LOST_LATER_SECONDS`, if they are to be others: after how long
  without a sign of life the other container is lost, if it never gave one, and if it did;
- `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, from Fargate: the role of commands, for tools at
  `s3://` URLs.

The wrapper's protocol with the sidecar stands in `wrapper.sh`.

launch           starts the attempt of each message, or puts the message back
task_definition  what is sent to ECS; pure
session_policy   what a sidecar's session may do; pure
sidecar          the program of the sidecar
volume           hands a command to the other container, by the shared volume
remote           the client of such a command, which the executor watches
shared_files     files of that volume, read and written without following a command's links
"""

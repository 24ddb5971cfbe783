"""Lambda and what invokes it: the clock, the dags bucket, the two queues, API Gateway."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from chalicelib.aws.sqs import SqsQueue
from chalicelib.local import events
from infra.names import ADMIN_FUNCTION, API_FUNCTION, API_STAGE, Stage
from infra.resources.inventory import take
from tests.integration.bundle.installation import STAGE, Installation
from tests.integration.bundle.sandbox import Sandbox
from tests.support.runtime_api import FunctionError
from tests.support.waiting import HANG_SECONDS

TICK_SECONDS = 0.5
POLL_SECONDS = 1


@dataclass(frozen=True)
class Reply:
    """What the API answered."""

    status: int
    json: Any


class Lambda:
    """Invokes functions, each invocation in a sandbox that is idle, or else in a new one."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._idle: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._busy: defaultdict[str, list[Sandbox]] = defaultdict(list)
        self._is_closed = False
        self._lock = threading.Lock()
        self.used: set[str] = set()
        """The names of the functions that were invoked."""

    def invoke(self, name: str, event: Any) -> Any:
        """Raises FunctionError."""
        sandbox = self._take(name)
        try:
            return sandbox.invoke(event)
        finally:
            self._give_back(name, sandbox)

    def new_token(self, name: str, role: str) -> str:
        """An access token, as `python -m infra token create` asks for one."""
        command = {"action": "token create", "name": name, "role": role, "who": "tests"}
        return str(self.invoke(ADMIN_FUNCTION, command)["token"])

    def busy(self, name: str) -> list[Sandbox]:
        """The sandboxes that work just now."""
        with self._lock:
            return list(self._busy[name])

    def close(self) -> None:
        """End all of them; nothing can be invoked any more."""
        with self._lock:
            self._is_closed = True
            sandboxes = [
                one for group in (self._idle, self._busy) for s in group.values() for one in s
            ]
        for sandbox in sandboxes:
            sandbox.close()

    def _take(self, name: str) -> Sandbox:
        with self._lock:
            if self._is_closed:
                raise FunctionError("all sandboxes have been closed")
            idle = self._idle[name]
            sandbox = idle.pop() if idle else self._installation.start(name)
            self.used.add(name)
            self._busy[name].append(sandbox)
            return sandbox

    def _give_back(self, name: str, sandbox: Sandbox) -> None:
        with self._lock:
            self._busy[name].remove(sandbox)
            if sandbox.is_alive:
                self._idle[name].append(sandbox)


class EventSources:
    """The event sources of the installation; `start` begins with the clock and the queues."""

    def __init__(self, installation: Installation, functions: Lambda) -> None:
        self._installation = installation
        self._functions = functions
        self._found = take(installation.account.aws, Stage(STAGE))
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._go_on(self._tick)
        for mapping in self._found.mappings:
            queue = self._queue(mapping.queue_arn)
            size = self._batch_size(mapping.uuid)
            for _ in range(2):
                self._go_on(self._poller(mapping.function, queue, size))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(HANG_SECONDS)

    def upload(self, key: str, text: str) -> None:
        """Put a file into the dags bucket, and tell `register`."""
        bucket = self._installation.setting("dags_bucket")
        self._installation.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
        self._functions.invoke("register", events.bucket_event(bucket, key, created=True))

    def remove(self, key: str) -> None:
        """Take it out again, and tell `register`."""
        bucket = self._installation.setting("dags_bucket")
        self._installation.client("s3").delete_object(Bucket=bucket, Key=key)
        self._functions.invoke("register", events.bucket_event(bucket, key, created=False))

    def ask(self, method: str, path: str, token: str = "", **query: str) -> Reply:
        """One request of the API, as API Gateway's proxy integration hands it on."""
        answer = self._functions.invoke(API_FUNCTION, self.request(method, path, token, **query))
        body = answer["body"]
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body).decode()
        return Reply(answer["statusCode"], json.loads(body))

    def request(
        self, method: str, path: str, token: str = "", *, domain: str = "", **query: str
    ) -> dict[str, Any]:
        """The event of a request: to AWS's own address, where the path begins with the stage, or to
        a custom domain with an empty base path, where it does not."""
        resource, parameters = self._resource(path)
        host = domain or f"{self._found.apis[0]}.execute-api.us-east-1.amazonaws.com"
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return {
            "resource": resource,
            "path": path,
            "httpMethod": method,
            "headers": {"Host": host, **headers},
            "pathParameters": parameters or None,
            "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} or None,
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
            "requestContext": {
                "httpMethod": method,
                "resourcePath": resource,
                "path": path if domain else f"/{API_STAGE}{path}",
                "domainName": host,
                "stage": API_STAGE,
                "identity": {"sourceIp": "192.0.2.1"},
            },
        }

    def _resource(self, path: str) -> tuple[str, dict[str, str]]:
        """The resource that API Gateway finds for a path: the one with the fewest parameters."""
        for resource in self._resources:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", resource)
            if found := re.fullmatch(pattern, path):
                return resource, found.groupdict()
        raise LookupError(f"the API has no resource for {path}")

    @cached_property
    def _resources(self) -> list[str]:
        pages = self._installation.client("apigateway").get_paginator("get_resources")
        rows = [row for p in pages.paginate(restApiId=self._found.apis[0]) for row in p["items"]]
        paths = [row["path"] for row in rows if row.get("resourceMethods")]
        return sorted(paths, key=lambda path: path.count("{"))

    def _queue(self, arn: str) -> SqsQueue:
        return SqsQueue(arn.rsplit(":", 1)[1], lambda: self._installation.client("sqs"))

    def _batch_size(self, uuid: str) -> int:
        mapping = self._installation.client("lambda").get_event_source_mapping(UUID=uuid)
        return int(mapping["BatchSize"])

    def _go_on(self, step: Callable[[], None]) -> None:
        def run() -> None:
            while not self._stop.is_set():
                # Lambda's event sources, too, go on: a message that failed comes back later.
                with suppress(FunctionError):
                    step()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _tick(self) -> None:
        self._functions.invoke("tick", events.schedule_event(datetime.now(UTC)))
        self._stop.wait(TICK_SECONDS)

    def _poller(self, function: str, queue: SqsQueue, size: int) -> Callable[[], None]:
        def poll() -> None:
            messages = queue.receive(size, wait=POLL_SECONDS)
            if messages:
                self._functions.invoke(function, events.queue_event(queue.name, messages))
                queue.delete(messages)

        return poll

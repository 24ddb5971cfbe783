"""What moto lacks of AWS and these tests need, put into moto and into the session: the command that
is tested knows nothing of it.

What moto skips without a word is not made up for: queue and bucket policies, alarms, the backup
plan, the egress-only gateway. Those are only checked by cfn-lint.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto.apigateway.models import APIGatewayBackend
from moto.apigateway.responses import APIGatewayResponse
from moto.awslambda.models import LambdaFunction
from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models.vpcs import VPC
from moto.efs.models import AccessPoint

from tests.integration.infra.moto_domains import know_domain_names


def fill_gaps_of_moto(monkeypatch: pytest.MonkeyPatch, unserved: Unserved) -> None:
    _keep_file_systems(monkeypatch)
    _change_architectures(monkeypatch)
    _accept_swagger(monkeypatch, unserved.swagger)
    _keep_endpoint_types(monkeypatch)
    _know_ipv6(monkeypatch)
    know_domain_names(monkeypatch)
    _delete_stacks_with_a_vpc(monkeypatch)
    # A template's `!Ref` to an access point gives a Python object.
    own_id = property(lambda self: self.access_point_id, lambda self, value: None)
    monkeypatch.setattr(AccessPoint, "physical_resource_id", own_id, raising=False)


def _change_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto takes them from the request that creates a function, but not with new code."""
    update = LambdaFunction.update_function_code

    def updated(self: Any, changes: dict[str, Any]) -> Any:
        self.architectures = changes.get("Architectures", self.architectures)
        return update(self, changes)

    monkeypatch.setattr(LambdaFunction, "update_function_code", updated)


def _keep_file_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto drops a function's FileSystemConfigs, and changes of its EphemeralStorage."""
    update, get = LambdaFunction.update_configuration, LambdaFunction.get_configuration

    def updated(self: Any, changes: dict[str, Any]) -> Any:
        self.file_systems = changes.get("FileSystemConfigs", getattr(self, "file_systems", []))
        self.scratch = changes.get("EphemeralStorage", getattr(self, "scratch", {"Size": 512}))
        return update(self, changes)

    def got(self: Any, on_create: bool = False) -> Any:
        kept = getattr(self, "file_systems", [])
        scratch = getattr(self, "scratch", {"Size": 512})
        told = {**get(self, on_create), "EphemeralStorage": scratch}
        return {**told, **({"FileSystemConfigs": kept} if kept else {})}

    monkeypatch.setattr(LambdaFunction, "update_configuration", updated)
    monkeypatch.setattr(LambdaFunction, "get_configuration", got)


def _accept_swagger(monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]) -> None:
    """API Gateway takes Swagger 2.0, which Chalice sends; moto only OpenAPI 3, without what it says
    of authorization."""

    def as_openapi(document: dict[str, Any]) -> dict[str, Any]:
        sent.append(document)
        rest = {key: value for key, value in document.items() if key != "swagger"}
        return {**rest, "openapi": "3.0.1", "info": {"description": "", **document["info"]}}

    imported, put = APIGatewayBackend.import_rest_api, APIGatewayBackend.put_rest_api

    def import_rest_api(self: Any, api_doc: Any, fail_on_warnings: bool) -> Any:
        return imported(self, as_openapi(api_doc), fail_on_warnings)

    def put_rest_api(self: Any, function_id: str, api_doc: Any, *args: Any, **more: Any) -> Any:
        return put(self, function_id, as_openapi(api_doc), *args, **more)

    monkeypatch.setattr(APIGatewayBackend, "import_rest_api", import_rest_api)
    monkeypatch.setattr(APIGatewayBackend, "put_rest_api", put_rest_api)


def _keep_endpoint_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto takes every API that is imported for one of the type EDGE."""
    create = APIGatewayResponse.create_rest_api

    def created(self: Any) -> Any:
        status, headers, body = create(self)
        if kind := self._get_param("endpointConfigurationTypes"):
            api = self.backend.apis[json.loads(body)["id"]]
            api.endpoint_configuration = {"types": [kind]}
        return status, headers, body

    monkeypatch.setattr(APIGatewayResponse, "create_rest_api", created)


def _know_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's templates know neither `Fn::Cidr` nor a VPC's blocks of IPv6 addresses."""
    clean, attribute = parsing.clean_json, VPC.get_cfn_attribute

    def cleaned(document: Any, resources: Any) -> Any:
        if isinstance(document, dict) and "Fn::Cidr" in document:
            block, count, bits = (cleaned(part, resources) for part in document["Fn::Cidr"])
            subnets = ipaddress.IPv6Network(block).subnets(new_prefix=128 - int(bits))
            return [str(next(subnets)) for _ in range(int(count))]
        # A resource that moto does not make.
        return "vpc-cidr-assoc-1" if document == {"Ref": "VpcIpv6"} else clean(document, resources)

    def got(self: Any, name: str) -> Any:
        is_asked = name == "Ipv6CidrBlocks"
        return ["2001:db8:1234:5600::/56"] if is_asked else attribute(self, name)

    monkeypatch.setattr(parsing, "clean_json", cleaned)
    monkeypatch.setattr(VPC, "get_cfn_attribute", got)


def _delete_stacks_with_a_vpc(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto deletes in an order of its own, stops at the VPC, and only then has the rest deleted."""
    delete = CloudFormationBackend.delete_stack

    def deleted(self: Any, name_or_stack_id: str) -> None:
        with contextlib.suppress(DependencyViolationError):
            delete(self, name_or_stack_id)

    monkeypatch.setattr(CloudFormationBackend, "delete_stack", deleted)


FIRST_TOKEN = "orch_the-first"

PASSED = {
    "missing": "",
    "began_after": 1.5,
    "ended_after": 1.6,
    "applied_after": 2.25,
    "reason": "",
    "sqlite": {"version": "3.51.0", "source": "bundled", "standard": "3.40.0"},
}
"""What the function `admin` tells of a self-test that went well."""


@dataclass
class Unserved:
    """Answers what moto has no route for, and remembers what was asked. `function` answers for
    functions that are invoked, by their full names."""

    recursion: dict[str, str] = field(default_factory=dict)
    protection: dict[str, bool] = field(default_factory=dict)
    recovery_points: list[str] = field(default_factory=list)
    going: list[str] = field(default_factory=list)
    at_once: int = 1000
    swagger: list[dict[str, Any]] = field(default_factory=list)
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    function: Callable[[str, dict[str, Any]], Any] | None = None
    self_test: dict[str, Any] = field(default_factory=lambda: dict(PASSED))

    def serve(self, session: boto3.Session) -> None:
        events = session.events
        events.register("before-call.lambda.PutFunctionRecursionConfig", self._recursion)
        events.register("before-call.cloudformation.UpdateTerminationProtection", self._protection)
        events.register("before-call.lambda.Invoke", self._invoke)
        events.register("before-call.lambda.GetAccountSettings", self._settings)
        events.register("before-call.backup.ListRecoveryPointsByBackupVault", self._points)
        events.register("before-call.backup.DeleteRecoveryPoint", self._delete_point)

    def _recursion(self, params: dict[str, Any], **_: Any) -> Any:
        name = params["url_path"].split("/")[3]
        self.recursion[name] = json.loads(params["body"])["RecursiveLoop"]
        return _answer({})

    def _invoke(self, params: dict[str, Any], **_: Any) -> Any:
        """moto would start a container. Without `function` this is the function `admin` of a
        database that has a token from the first time on that it is asked for one."""
        name, command = params["url_path"].split("/")[3], json.loads(params["body"])
        is_first = name not in [function for function, _ in self.invoked]
        self.invoked.append((name, command))
        if command["action"] == "self test":
            made = self.self_test
        else:
            made = {"token": FIRST_TOKEN if is_first else None}
        answer = json.dumps(self.function(name, command) if self.function else made)
        return _answer({"Payload": io.BytesIO(answer.encode())})

    def _settings(self, **_: Any) -> Any:
        return _answer({"AccountLimit": {"ConcurrentExecutions": self.at_once}})

    def _protection(self, params: dict[str, Any], **_: Any) -> Any:
        asked = params["body"]
        self.protection[asked["StackName"]] = asked["EnableTerminationProtection"] == "true"
        return _answer({})

    def _points(self, **_: Any) -> Any:
        """One that is deleted is seen once more, as its deletion takes a while."""
        seen = [*self.recovery_points, *self.going]
        self.going = []
        return _answer({"RecoveryPoints": [{"RecoveryPointArn": point} for point in seen]})

    def _delete_point(self, params: dict[str, Any], **_: Any) -> Any:
        self.going.append(self.recovery_points.pop())
        return _answer({})


def _answer(parsed: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse("", 200, {}, None), parsed

"""`deploy` and `down` with the real Chalice, against an account in a moto server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaBackend

from chalicelib.utils.time import parse_iso, utc_now
from infra.commands import queue, status
from infra.commands.deploy import run_chalice
from infra.commands.health import Response
from infra.errors import InfraError, Refused
from infra.functions import FUNCTIONS
from infra.names import Stage
from infra.policies import Installation, policies
from infra.resources import concurrency, throttling
from infra.resources.domain import UNCHANGED
from infra.resources.gateway_responses import RESPONSES
from infra.resources.inventory import Inventory
from infra.resources.stack import describe, outputs_of
from tests.integration.infra.account import Account

ALL = {function.name for function in FUNCTIONS}


@pytest.fixture(scope="module")
def dev(account: Account) -> Account:
    """An account with a complete stage `dev`."""
    account.deploy("dev")
    return account


def test_every_function_is_there_with_its_time_and_memory(dev: Account) -> None:
    for function in FUNCTIONS:
        now = dev.configuration("dev", function.name)
        assert now["Timeout"] == function.timeout_seconds
        assert now["MemorySize"] == (function.memory_mb or 384)
        assert now["Role"].endswith(f"role/orchestrator-dev-{function.name}")


def test_only_the_functions_with_a_database_have_the_network_and_the_file_system(
    dev: Account,
) -> None:
    outputs = outputs_of(dev.aws, "orchestrator-dev")
    mounted = [{"Arn": outputs["AccessPointArn"], "LocalMountPath": "/mnt/orchestrator"}]
    for function in FUNCTIONS:
        now = dev.configuration("dev", function.name)
        subnets = outputs["SubnetIds"].split(",") if function.has_database else []
        assert now["VpcConfig"]["SubnetIds"] == subnets
        assert now.get("FileSystemConfigs", []) == (mounted if function.has_database else [])
        variables = now["Environment"]["Variables"]
        assert ("ORCHESTRATOR_DATABASE" in variables) == function.has_database
        assert variables["ORCHESTRATOR_TASKS_QUEUE"] == "orchestrator-dev-tasks"
        assert ("ORCHESTRATOR_TASK_ROLE" in variables) == (function.name == "execute")


def test_claims_that_an_older_version_made_on_s3_are_honoured_after_an_upgrade(
    account: Account,
) -> None:
    account.deploy("old")
    functions, names = account.aws.client("lambda"), [Stage("old").function(n) for n in ALL]

    def variables(name: str) -> dict[str, str]:
        return dict(account.configuration("old", name)["Environment"]["Variables"])

    assert ON_S3_UNTIL not in variables("execute")
    without = {k: v for k, v in variables("execute").items() if not k.endswith("CLAIMS_TABLE")}
    for name in names:  # as version 0.1.0 left them
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": without}
        )
    account.deploy("old")
    for name in ALL:
        told = variables(name)
        assert told["ORCHESTRATOR_CLAIMS_TABLE"] == "orchestrator-old-claims"
        assert parse_iso(told[ON_S3_UNTIL]) > utc_now() + timedelta(days=6)
    until = variables("execute")[ON_S3_UNTIL]
    account.deploy("old")
    assert variables("execute")[ON_S3_UNTIL] == until


def test_layers_are_attached_kept_and_removed(dev: Account) -> None:
    def layers(name: str) -> list[str]:
        return [layer["Arn"] for layer in dev.configuration("dev", name).get("Layers", [])]

    def told() -> str | None:
        variables: dict[str, str] = dev.configuration("dev", "register")["Environment"]["Variables"]
        return variables.get("ORCHESTRATOR_TASK_LAYERS")

    published = dev.aws.client("lambda").publish_layer_version(
        LayerName="tools", Content={"ZipFile": b"PK\x05\x06" + bytes(18)}
    )
    arn = published["LayerVersionArn"]
    with pytest.raises(InfraError, match="cannot be used"):
        dev.deploy("dev", TaskLayers=arn.replace(":tools:", ":gone:"))
    assert (layers("execute"), told()) == ([], None)
    dev.deploy("dev", TaskLayers=arn)
    assert (layers("execute"), layers("register"), told()) == ([arn], [], arn)
    dev.deploy("dev")
    assert (layers("execute"), told()) == ([arn], arn)
    dev.deploy("dev", TaskLayers="none")
    assert (layers("execute"), told()) == ([], None)


def test_a_worker_queue_is_made_known_to_the_functions_kept_and_forgotten(dev: Account) -> None:
    stage, name = Stage("dev"), "orchestrator-dev-tasks-queue-gpu"

    def known() -> set[str]:
        told = [dev.configuration("dev", function)["Environment"]["Variables"] for function in ALL]
        return {variables.get("ORCHESTRATOR_WORKER_QUEUES", "") for variables in told}

    def senders() -> set[str]:
        arn, iam = dev.aws.location.arn("sqs", name), dev.aws.client("iam")
        held = {}
        for function in ALL:
            role = stage.role(function)
            (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            held[function] = any(arn in s["Resource"] for s in document["Statement"])
        return {function for function, may in held.items() if may}

    queue.create(dev.aws, stage, "gpu", [], dev.said.append)
    assert '"orchestrator-dev-tasks-queue-gpu"' not in dev.said
    assert known() == {"gpu"}
    assert senders() == {"api_handler", "register", "tick", "apply"}
    sqs = dev.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    made = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert made["RedrivePolicy"].count("orchestrator-dev-tasks-dead") == 1
    assert made["SqsManagedSseEnabled"] == "true"
    dev.deploy("dev")
    assert (known(), senders()) == ({"gpu"}, {"api_handler", "register", "tick", "apply"})
    sqs.send_message(QueueUrl=url, MessageBody="task")
    assert list(queue.lines(dev.aws, stage)) == ["gpu: 1 tasks waiting or running"]
    with pytest.raises(Refused, match="nothing was deleted"):
        queue.delete(dev.aws, stage, "gpu", lambda _: False, dev.said.append)
    queue.delete(dev.aws, stage, "gpu", lambda _: True, dev.said.append)
    assert (known(), senders()) == ({""}, set())
    assert "no worker queues" in next(iter(queue.lines(dev.aws, stage)))


@pytest.mark.parametrize("name", ["", "two words", "-x", "x" * 31, "a/b"])
def test_a_worker_queue_needs_a_name_that_tasks_can_give(dev: Account, name: str) -> None:
    with pytest.raises(InfraError, match="use at most 30 letters"):
        queue.create(dev.aws, Stage("dev"), name, [], dev.said.append)


ON_S3_UNTIL = "ORCHESTRATOR_CLAIMS_ON_S3_UNTIL"


def test_every_function_may_be_part_of_a_loop(dev: Account) -> None:
    names = {Stage("dev").function(name) for name in ALL}
    assert {name for name in names if dev.unserved.recursion[name] == "Allow"} == names


def test_events_reach_the_functions(dev: Account) -> None:
    found = dev.inventory("dev")
    queues = {m.function: m.queue_arn.rsplit(":", 1)[1] for m in found.mappings}
    assert queues == {"apply": "orchestrator-dev-results", "execute": "orchestrator-dev-tasks"}

    events = dev.aws.client("events")
    targets = {
        rule: [row["Arn"] for row in events.list_targets_by_rule(Rule=rule)["Targets"]]
        for rule in found.rules
    }
    assert targets == {
        "orchestrator-dev-tick-event": [found.functions["tick"]],
        "orchestrator-dev-backup-event": [found.functions["backup"]],
    }
    when = events.describe_rule(Name="orchestrator-dev-backup-event")["ScheduleExpression"]
    assert when == "cron(17 3 * * ? *)"

    told = dev.aws.client("s3").get_bucket_notification_configuration(
        Bucket="orchestrator-dev-123456789012-dags"
    )
    (told_function,) = told["LambdaFunctionConfigurations"]
    assert told_function["LambdaFunctionArn"] == found.functions["register"]
    assert set(told_function["Events"]) == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}


def test_results_come_in_batches_and_two_at_once_and_tasks_one_by_one(dev: Account) -> None:
    client = dev.aws.client("lambda")
    read = {
        mapping.function: client.get_event_source_mapping(UUID=mapping.uuid)
        for mapping in dev.inventory("dev").mappings
    }
    assert (read["apply"]["BatchSize"], read["execute"]["BatchSize"]) == (10, 1)
    assert read["apply"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    # Of the thousand that the account may run at once.
    assert read["execute"]["ScalingConfig"] == {"MaximumConcurrency": 990}


@pytest.mark.parametrize(
    ("at_once", "commands", "says"), [(10, 2, True), (100, 90, False), (5000, 1000, False)]
)
def test_commands_leave_room_for_the_other_functions_also_in_a_small_account(
    dev: Account, at_once: int, commands: int, says: bool
) -> None:
    mappings = dev.inventory("dev").mappings
    (uuid,) = [m.uuid for m in mappings if m.function == "execute"]
    client = dev.aws.client("lambda")
    said: list[str] = []
    dev.unserved.at_once = at_once
    concurrency.limit_all(dev.aws, mappings, said.append)
    concurrency.limit_all(dev.aws, mappings, said.append)
    dev.unserved.at_once = 1000
    now = client.get_event_source_mapping(UUID=uuid)["ScalingConfig"]
    concurrency.limit_all(dev.aws, mappings, lambda _: None)
    assert now == {"MaximumConcurrency": commands}
    assert len([line for line in said if f"at most {commands} commands run at once" in line]) == 1
    assert any("Service Quotas" in line for line in said) == says


def test_the_api_is_regional_and_its_address_names_a_version(dev: Account) -> None:
    (api,) = dev.inventory("dev").apis
    client = dev.aws.client("apigateway")
    assert client.get_rest_api(restApiId=api)["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert [row["stageName"] for row in client.get_stages(restApiId=api)["item"]] == ["v1"]


def test_nobody_can_use_up_the_account_through_the_api(dev: Account) -> None:
    (api,) = dev.inventory("dev").apis
    (stage,) = dev.aws.client("apigateway").get_stages(restApiId=api)["item"]
    limits = stage["methodSettings"]["*/*"]
    assert limits["throttlingRateLimit"] == throttling.REQUESTS_PER_SECOND
    assert limits["throttlingBurstLimit"] == throttling.REQUESTS_BURST


def test_a_new_stack_is_told_its_zones_and_keeps_them(dev: Account) -> None:
    kept = describe(dev.aws, "orchestrator-dev").parameters or {}
    assert (kept["ZoneA"], kept["ZoneB"]) == ("us-east-1a", "us-east-1b")
    subnets = outputs_of(dev.aws, "orchestrator-dev")["SubnetIds"].split(",")
    placed = dev.aws.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"]
    assert {row["AvailabilityZone"] for row in placed} == {"us-east-1a", "us-east-1b"}


def test_alarms_act_from_the_end_of_the_installation_to_the_beginning_of_the_removal(
    account: Account,
) -> None:
    client, name = account.aws.client("cloudwatch"), "orchestrator-alarmed-no-tick"
    # moto's CloudFormation leaves it out.
    client.put_metric_alarm(
        AlarmName=name, EvaluationPeriods=1, ComparisonOperator="LessThanThreshold",
        MetricName="Invocations", Namespace="AWS/Lambda", Period=300, Statistic="Sum",
        Threshold=1, ActionsEnabled=False,
    )  # fmt: skip

    def acts() -> bool:
        (alarm,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return bool(alarm["ActionsEnabled"])

    account.deploy("alarmed")
    assert acts()
    account.remove("alarmed")
    assert not acts()


def test_a_chalice_deploy_that_fails_once_is_run_once_more(account: Account) -> None:
    runs: list[str] = []

    def fails_once(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
        runs.append(stage.name)
        if len(runs) == 1:
            raise InfraError("Unable to validate the following destination configurations")
        run_chalice(folder, stage, environ)

    account.deploy("slow", fails_once)
    assert runs == ["slow", "slow"]
    account.remove("slow")


def test_the_role_of_a_plain_chalice_deploy_goes_with_the_next_deployment(
    account: Account,
) -> None:
    iam = account.aws.client("iam")
    everything = [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]
    trust = json.dumps({"Version": "2012-10-17", "Statement": everything})

    def make() -> None:
        iam.create_role(RoleName="orchestrator-plain", AssumeRolePolicyDocument=trust)
        iam.put_role_policy(
            RoleName="orchestrator-plain", PolicyName="orchestrator-plain", PolicyDocument=trust
        )

    def is_there() -> bool:
        return "orchestrator-plain" in {row["RoleName"] for row in iam.list_roles()["Roles"]}

    make()
    account.deploy("plain")
    assert not is_there()
    make()
    account.remove("plain")
    assert not is_there()


def test_with_ipv6_the_database_functions_speak_it_after_each_deployment(account: Account) -> None:
    """Chalice, which does not know the flag, takes it away each time."""
    account.deploy("six", Network="ipv6")
    account.deploy("six")
    for function in FUNCTIONS:
        now = account.configuration("six", function.name)
        speaks = now["VpcConfig"].get("Ipv6AllowedForDualStack", False)
        asks_for_it = "AWS_USE_DUALSTACK_ENDPOINT" in now["Environment"]["Variables"]
        assert (speaks, asks_for_it) == (function.has_database, function.has_database)
    services = [
        endpoint["ServiceName"]
        for endpoint in account.aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        if endpoint["VpcId"] == _vpc_of(account, "six")
    ]
    assert sorted(services) == [f"com.amazonaws.us-east-1.{name}" for name in ("dynamodb", "s3")]
    account.deploy("six", Network="endpoint")
    for function in FUNCTIONS:
        now = account.configuration("six", function.name)
        assert not now["VpcConfig"].get("Ipv6AllowedForDualStack", False)
        assert "AWS_USE_DUALSTACK_ENDPOINT" not in now["Environment"]["Variables"]
    account.remove("six")


def _vpc_of(account: Account, stage: str) -> str:
    (subnet, *_) = outputs_of(account.aws, f"orchestrator-{stage}")["SubnetIds"].split(",")
    (found,) = account.aws.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"]
    return str(found["VpcId"])


def test_the_roles_hold_the_policies_of_the_table(dev: Account) -> None:
    outputs = outputs_of(dev.aws, "orchestrator-dev")
    wanted = policies(Installation(Stage("dev"), dev.aws.location, outputs))
    iam = dev.aws.client("iam")
    for name, document in wanted.items():
        role = f"orchestrator-dev-{name}"
        (held,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        answer = iam.get_role_policy(RoleName=role, PolicyName=held)
        assert answer["PolicyDocument"] == document
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


def test_nothing_but_the_right_to_invoke_it_leads_to_the_function_admin(dev: Account) -> None:
    client, name = dev.aws.client("lambda"), "orchestrator-dev-admin"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.get_policy(FunctionName=name)
    assert client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"] == []


def test_those_who_copy_the_database_have_room_for_it(dev: Account) -> None:
    sizes = {name: dev.configuration("dev", name)["EphemeralStorage"]["Size"] for name in ALL}
    assert {name for name, size in sizes.items() if size == 10_240} == {"backup", "admin"}


def test_the_first_token_is_shown_once_and_health_is_asked_with_it_through_the_api(
    account: Account,
) -> None:
    shown = "  operator access token (shown only once): orch_the-first"
    before = len(account.asked)
    account.deploy("access")
    assert account.said.count(shown) >= 1
    told = account.said.count(shown)
    account.deploy("access")
    assert account.said.count(shown) == told
    (api,) = account.inventory("access").apis
    url = f"https://{api}.execute-api.us-east-1.amazonaws.com/v1/api/health"
    assert account.asked[before:] == [
        (url, {"Authorization": "Bearer orch_the-first"}),
        (url, {}),
    ]
    asked = [
        command for name, command in account.unserved.invoked if name == "orchestrator-access-admin"
    ]
    assert [command["action"] for command in asked] == ["token first", "self test"] * 2


def test_what_the_gateway_itself_answers_has_the_shape_of_the_apis_errors(dev: Account) -> None:
    (api,) = dev.inventory("dev").apis
    answers = dev.aws.client("apigateway").get_gateway_responses(restApiId=api)["items"]
    assert {answer["responseType"] for answer in answers} == set(RESPONSES)
    for answer in answers:
        text = answer["responseTemplates"]["application/json"]
        # As the gateway fills it in.
        filled = json.loads(text.replace("$context.error.messageString", '"because"'))
        assert set(filled["error"]) == {"code", "message", "details"}
    (unknown,) = [a for a in answers if a["responseType"] == "MISSING_AUTHENTICATION_TOKEN"]
    assert unknown["statusCode"] == "404"
    assert '"code": "not_found"' in unknown["responseTemplates"]["application/json"]


def test_with_iam_the_gateway_asks_it_and_health_is_asked_with_a_signature(
    account: Account,
) -> None:
    account.deploy("signed", Auth="iam")
    sent = account.unserved.swagger[-1]
    protected = {path for path in sent["paths"] if path.startswith("/api/")}
    assert len(protected) > 10
    for path in protected:
        for method, told in sent["paths"][path].items():
            assert method == "options" or told["security"] == [{"sigv4": []}], path
    assert account.asked[-1][1]["Authorization"].startswith("AWS4-HMAC-SHA256 ")
    asked = [
        command for name, command in account.unserved.invoked if name == "orchestrator-signed-admin"
    ]
    assert [command["action"] for command in asked] == ["self test"]  # no token is made


def test_a_first_deployment_says_in_three_lines_what_it_makes_and_what_that_costs(
    account: Account,
) -> None:
    def said(**options: str) -> list[str]:
        before = len(account.said)
        with pytest.raises(InfraError, match="no bundle"):
            account.deploy("told", _fails, UNCHANGED, **options)
        return account.said[before:]

    told = said(Network="ipv6")
    assert told[0].startswith("creating stage told in account 123456789012, us-east-1: 7 functions")
    assert re.match(r"cost: about \d\.\d\d USD a month when idle", told[1])
    assert told[2] == "to remove all of it: `python -m infra down --stage told`"
    assert told[3].startswith("[1/8]")
    assert said()[0].startswith("[1/8]")  # it is there now
    account.remove("told")


def test_a_failed_self_test_fails_the_deployment_and_names_the_function(account: Account) -> None:
    passed = dict(account.unserved.self_test)
    account.unserved.self_test["missing"] = "claim"
    with pytest.raises(InfraError, match=r"no executor received the message(.|\n)*-execute, log"):
        account.deploy("stuck")
    account.unserved.self_test.update(passed)
    account.remove("stuck")


def test_a_stack_that_is_there_is_protected(dev: Account) -> None:
    assert dev.unserved.protection["orchestrator-dev"] is True


def test_the_bundle_is_small_and_holds_nothing_of_the_tests(dev: Account) -> None:
    bundle = dev.bundle()
    assert bundle.stat().st_size <= 10_000_000
    tops = {name.split("/")[0] for name in zipfile.ZipFile(bundle).namelist()}
    assert {"app.py", "chalicelib", "pysqlite3"} <= tops
    assert tops & {"moto", "pytest", "botocore", "infra", "tests", "pip"} == set()


@pytest.mark.parametrize("top", ["app.py", "chalicelib/", "chalice/", "jinja2/", "yaml/"])
def test_what_the_bundle_holds_need_not_be_compiled_at_each_cold_start(
    dev: Account, top: str
) -> None:
    bundle = zipfile.ZipFile(dev.bundle())
    modules = [n for n in bundle.namelist() if n.startswith(top) and n.endswith(".py")]
    assert modules
    for name in modules:
        compiled = bundle.read(cache_from_source(name))
        assert compiled[:4] == MAGIC_NUMBER
        assert compiled[8:16] == source_hash(bundle.read(name)), name


def test_the_bundle_needs_nothing_else_to_start(dev: Account, tmp_path: Path) -> None:
    zipfile.ZipFile(dev.bundle()).extractall(tmp_path)
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import app, chalicelib.database"
    variables = {"AWS_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/bin"}
    # Without `site`: no installed package can help out.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=variables, cwd="/", capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_redeploy_from_a_fresh_clone_brings_code_and_what_is_lost_and_makes_nothing_twice(
    dev: Account,
) -> None:
    before = dev.inventory("dev")
    old_code = dev.configuration("dev", "apply")["CodeSha256"]
    (dev.project.settings / "deployed" / "dev.json").unlink()
    dev.aws.client("lambda").delete_function(FunctionName="orchestrator-dev-execute")
    with (dev.project.folder / "chalicelib" / "config.py").open("a") as source:
        source.write("# changed\n")

    dev.deploy("dev")

    assert dev.inventory("dev") == before
    assert dev.configuration("dev", "apply")["CodeSha256"] != old_code
    for function in FUNCTIONS:
        has_files = bool(dev.configuration("dev", function.name).get("FileSystemConfigs"))
        assert has_files == function.has_database


def test_a_deployment_that_died_half_way_is_completed_beside_another_stage(
    dev: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = dev.inventory("dev")
    create = LambdaBackend.create_function

    def refuse_execute(self: Any, spec: Any) -> Any:
        if spec["FunctionName"].endswith("-execute"):
            raise RuntimeError("no more functions today")
        return create(self, spec)

    with monkeypatch.context() as broken:
        broken.setattr(LambdaBackend, "create_function", refuse_execute)
        with pytest.raises(InfraError, match="chalice deploy"):
            dev.deploy("half")
    died = dev.inventory("half")
    assert "execute" not in died.functions
    assert [mapping.function for mapping in died.mappings] == ["apply"]

    dev.deploy("half", RetentionDays="7")

    whole = dev.inventory("half")
    assert set(whole.functions) == set(whole.roles) == ALL
    assert [mapping.function for mapping in whole.mappings] == ["apply", "execute"]
    assert whole.mappings[0] == died.mappings[0]
    assert len(whole.apis) == 1
    variables = dev.configuration("half", "tick")["Environment"]["Variables"]
    assert variables["ORCHESTRATOR_RETENTION_DAYS"] == "7"
    assert dev.inventory("dev") == neighbour

    dev.remove("half")
    assert dev.inventory("half") == Inventory()
    assert dev.inventory("dev") == neighbour


def test_what_was_once_chosen_stays_until_it_is_chosen_anew(account: Account) -> None:
    with pytest.raises(InfraError, match="no bundle"):
        account.deploy("kept", _fails, TaskMemory="1024", LogRetentionDays="7")
    with pytest.raises(InfraError, match="no bundle"):
        account.deploy("kept", _fails, TaskMemory="2048")
    config = json.loads((account.project.settings / "config.json").read_text())
    functions = config["stages"]["kept"]["lambda_functions"]
    assert functions["execute"]["lambda_memory_size"] == 2048
    groups = account.aws.client("logs").describe_log_groups(
        logGroupNamePrefix="/aws/lambda/orchestrator-kept"
    )["logGroups"]
    assert {group["retentionInDays"] for group in groups} == {7}
    assert len(groups) == len(FUNCTIONS)


def test_down_refuses_to_lose_data_until_it_is_told_to(account: Account) -> None:
    with pytest.raises(InfraError, match="no bundle"):
        account.deploy("full", _fails)
    s3, bucket = account.aws.client("s3"), "orchestrator-full-123456789012-dags"
    # moto's CloudFormation leaves it out.
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="a.yaml", Body=b"1")
    s3.put_object(Bucket=bucket, Key="a.yaml", Body=b"2")
    s3.delete_object(Bucket=bucket, Key="a.yaml")  # only old versions are left

    with pytest.raises(Refused, match=f"data left in bucket {bucket}.*--delete-data"):
        account.remove("full")
    account.unserved.recovery_points.append("arn:aws:backup:us-east-1:123456789012:point:1")
    with pytest.raises(Refused, match="backup vault orchestrator-full"):
        account.remove("full")
    with pytest.raises(Refused, match="nothing was removed"):
        account.remove("full", deletes_data=True, agrees=False)
    assert s3.list_object_versions(Bucket=bucket)["Versions"]

    account.remove("full", deletes_data=True)
    names = {row["Name"] for row in s3.list_buckets()["Buckets"]}
    assert bucket not in names
    assert (account.unserved.recovery_points, account.unserved.going) == ([], [])
    assert account.unserved.protection["orchestrator-full"] is False
    config = json.loads((account.project.settings / "config.json").read_text())
    assert "full" not in config["stages"]
    assert list(account.project.settings.glob("policy-full-*")) == []


def test_down_of_what_is_not_there_says_nothing_is_wrong(account: Account) -> None:
    account.remove("never")
    assert account.inventory("never") == Inventory()


def test_status_tells_of_a_function_that_lost_its_file_system(dev: Account) -> None:
    name = Stage("dev").function("tick")
    client = dev.aws.client("lambda")
    kept = dev.configuration("dev", "tick")["FileSystemConfigs"]
    client.update_function_configuration(FunctionName=name, FileSystemConfigs=[])
    shown = list(status.lines(dev.aws, Stage("dev"), lambda *_: Response(200, '{"status": "ok"}')))
    client.update_function_configuration(FunctionName=name, FileSystemConfigs=kept)

    assert re.fullmatch(r"stack orchestrator-dev: (CREATE|UPDATE)_COMPLETE", shown[0])
    assert [line for line in shown if "FILE SYSTEM NOT ATTACHED" in line] == [
        f"function {name}: Active, 512 MB, timeout 60 s, FILE SYSTEM NOT ATTACHED;"
        " run `python -m infra deploy`"
    ]
    assert "queue orchestrator-dev-tasks: 0 waiting, 0 in flight" in shown
    assert shown[-1].endswith('200 {"status": "ok"}')


def test_status_of_nothing_says_so(account: Account) -> None:
    shown = list(status.lines(account.aws, Stage("never"), lambda *_: Response(0, "")))
    assert shown == ["stack orchestrator-never: not found"]


def _fails(folder: Path, stage: Stage, environ: Mapping[str, str]) -> None:
    raise InfraError("no bundle today")

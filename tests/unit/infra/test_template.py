"""The template: what it must never give up, and where it must agree with the table of functions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from chalicelib.aws import dynamodb
from chalicelib.aws.dynamodb import CLAIM_DAYS
from chalicelib.config import SETTINGS
from chalicelib.executor.executor import LATEST_START
from chalicelib.local.python_versions import ON_LAMBDA, SUPPORTED
from chalicelib.scheduler.outbox import MAX_DELAY
from chalicelib.scheduler.repair import START_DEADLINE
from infra.cost import FILE_SYSTEM_COPIES
from infra.functions import FUNCTIONS
from infra.names import Stage
from infra.policies import CLAIMS, policies
from infra.resources import domain
from infra.resources.claims import TRANSITION
from infra.resources.place_stacks import FARGATE_TEMPLATE, PLACE_TEMPLATE
from infra.resources.stack import TEMPLATE
from infra.runtime import MACHINES, Runtime
from tests.unit.infra.installation import PROD


class _Loader(yaml.SafeLoader):
    """Reads `!Ref Vpc` as {"!Ref": "Vpc"}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {f"!{suffix}": loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {f"!{suffix}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)

WHOLE: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)
RESOURCES: dict[str, Any] = WHOLE["Resources"]
DOMAIN: dict[str, Any] = yaml.load(domain.TEMPLATE.read_text(encoding="utf-8"), _Loader)
OF_DOMAIN: dict[str, Any] = DOMAIN["Resources"]
OF_A_PLACE, OF_FARGATE = (
    yaml.load(template.read_text(encoding="utf-8"), _Loader)["Resources"]
    for template in (PLACE_TEMPLATE, FARGATE_TEMPLATE)
)


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    found = {name: r.get("Properties", {}) for name, r in RESOURCES.items() if r["Type"] == kind}
    assert found, f"no {kind} in the template"
    return found


def test_the_template_offers_the_pythons_and_processors_that_the_program_takes() -> None:
    known = WHOLE["Parameters"]
    assert known["Python"]["AllowedValues"] == list(SUPPORTED)
    assert known["Python"]["Default"] == ON_LAMBDA
    assert known["Architecture"]["AllowedValues"] == list(MACHINES)
    assert known["Architecture"]["Default"] == Runtime().architecture


def test_a_template_fits_into_a_request() -> None:
    assert len(TEMPLATE.read_bytes()) <= 51_200


@pytest.mark.parametrize(
    ("queue", "reader"), [("TasksQueue", "execute"), ("ResultsQueue", "apply")]
)
def test_a_message_stays_hidden_longer_than_its_reader_may_run(queue: str, reader: str) -> None:
    (function,) = [function for function in FUNCTIONS if function.name == reader]
    assert RESOURCES[queue]["Properties"]["VisibilityTimeout"] > function.timeout_seconds


def test_hours_without_room_for_an_invocation_do_not_make_a_dead_letter_of_a_task() -> None:
    queue = RESOURCES["TasksQueue"]["Properties"]
    (execute,) = [function for function in FUNCTIONS if function.name == "execute"]
    assert queue["VisibilityTimeout"] >= 6 * execute.timeout_seconds  # AWS's advice
    given_back = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert given_back >= START_DEADLINE.total_seconds()


def test_every_queue_that_is_read_has_a_dead_letter_queue_with_an_alarm() -> None:
    watched = [
        alarm["Dimensions"][0]["Value"].get("!GetAtt")
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
    ]
    for queue in ("TasksQueue", "ResultsQueue"):
        target = RESOURCES[queue]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["!GetAtt"]
        dead = target.removesuffix(".Arn")
        assert f"{dead}.QueueName" in watched
        kept = RESOURCES[dead]["Properties"]["MessageRetentionPeriod"]
        assert kept >= RESOURCES[queue]["Properties"]["MessageRetentionPeriod"]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_every_function_has_a_log_that_ends_and_an_alarm(function: Any) -> None:
    name = Stage("x").function(function.name).replace("-x", "-${Stage}")
    groups = {
        group["LogGroupName"]["!Sub"]: group for group in of_type("AWS::Logs::LogGroup").values()
    }
    assert groups[f"/aws/lambda/{name}"]["RetentionInDays"]
    errors = [
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "Errors" and alarm["Dimensions"][0]["Value"] == {"!Sub": name}
    ]
    assert len(errors) == 1


def test_every_bucket_is_private_encrypted_tls_only_and_forgets() -> None:
    policies = {
        policy["Bucket"]["!Ref"]: policy["PolicyDocument"]["Statement"]
        for policy in of_type("AWS::S3::BucketPolicy").values()
    }
    for name, bucket in of_type("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert [rule["Status"] for rule in bucket["LifecycleConfiguration"]["Rules"]] == [
            "Enabled",
            "Enabled",
        ]
        (denied,) = policies[name]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")


def test_only_the_database_functions_reach_the_file_system() -> None:
    (rule,) = RESOURCES["FileSystemSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"!Ref": "DatabaseFunctionsSecurityGroup"}
    assert (rule["FromPort"], rule["ToPort"]) == (2049, 2049)
    for target in of_type("AWS::EFS::MountTarget").values():
        assert target["SecurityGroups"] == [{"!Ref": "FileSystemSecurityGroup"}]


def test_the_database_is_encrypted_and_its_user_is_not_root() -> None:
    system = RESOURCES["FileSystem"]["Properties"]
    assert (system["Encrypted"], system["ThroughputMode"]) == (True, "elastic")
    assert RESOURCES["AccessPoint"]["Properties"]["PosixUser"] == {"Uid": "1000", "Gid": "1000"}


def test_the_task_role_is_empty_and_only_what_runs_commands_may_become_it() -> None:
    role = RESOURCES["TaskRole"]["Properties"]
    assert "Policies" not in role
    assert "ManagedPolicyArns" not in role
    containers, functions = role["AssumeRolePolicyDocument"]["Statement"]
    assert containers["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    principals = functions["Condition"]["ArnLike"]["aws:PrincipalArn"]
    assert [p["!Sub"].rpartition(":")[2] for p in principals] == [
        "role/orchestrator-${Stage}-execute",
        "role/orchestrator-${Stage}-execute_*",
    ]


def test_no_role_of_the_stack_bears_the_name_that_chalice_gives_a_functions_role() -> None:
    own = {role["RoleName"]["!Sub"] for role in of_type("AWS::IAM::Role").values()}
    of_functions = {Stage("x").role(f.name).replace("-x-", "-${Stage}-") for f in FUNCTIONS}
    assert own & of_functions == set()


def test_no_backup_expires_before_the_daily_backup_drops_it() -> None:
    rules = RESOURCES["BackupsBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    months = next(s.default for s in SETTINGS if s.name == "BACKUPS_MONTHLY")
    assert rules[0]["ExpirationInDays"] > months * 31


def test_there_is_no_way_in_and_no_gateway_that_costs() -> None:
    kinds = {resource["Type"] for resource in RESOURCES.values()}
    assert kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway"} == set()


def test_every_name_that_a_person_sees_holds_the_stage() -> None:
    named = ("BucketName", "QueueName", "RoleName", "GroupName", "TopicName", "AlarmName")
    names = [
        properties[key]["!Sub"]
        for resource in RESOURCES.values()
        for properties in [resource.get("Properties", {})]
        for key in named
        if key in properties
    ]
    assert len(names) > 20
    assert [name for name in names if "${Stage}" not in name] == []


def test_every_subnet_has_ipv6_addresses_so_that_the_network_can_be_changed_both_ways() -> None:
    assert "Condition" not in RESOURCES["VpcIpv6"]
    for subnet in of_type("AWS::EC2::Subnet").values():
        assert "!Select" in subnet["Ipv6CidrBlock"]
    assert RESOURCES["EgressRoute"]["Condition"] == "UsesIpv6"


def test_what_removes_old_backups_cannot_remove_them_for_good() -> None:
    bucket = RESOURCES["BackupsBucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    (kept,) = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "NoncurrentVersionExpiration" in rule
    ]
    assert kept >= 30
    granted = [
        action
        for document in policies(PROD).values()
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    assert [action for action in granted if "Version" in action] == []


def test_aws_backup_takes_up_its_role_only_once_the_role_can_be_assumed() -> None:
    """Mount targets take a minute and a half, the time that a new role needs."""
    selection = RESOURCES["BackupSelection"]
    assert {"MountTargetA", "MountTargetB"} <= set(selection["DependsOn"])


def test_the_cost_model_counts_as_many_copies_as_aws_backup_keeps() -> None:
    (rule,) = RESOURCES["BackupPlan"]["Properties"]["BackupPlan"]["BackupPlanRule"]
    assert rule["Lifecycle"]["DeleteAfterDays"] == FILE_SYSTEM_COPIES


def test_a_hidden_message_of_an_invocation_that_died_raises_no_alarm() -> None:
    hidden = RESOURCES["TasksQueue"]["Properties"]["VisibilityTimeout"]
    assert RESOURCES["OldTasksAlarm"]["Properties"]["Threshold"] > hidden


@pytest.mark.parametrize("alarm", ["NoTickAlarm", "TickErrorsAlarm"])
def test_the_tick_raises_no_alarm_before_it_is_installed(alarm: str) -> None:
    assert RESOURCES[alarm]["Properties"]["ActionsEnabled"] is False


def test_a_domain_is_regional_speaks_a_safe_tls_and_both_kinds_of_addresses() -> None:
    name = OF_DOMAIN["DomainName"]["Properties"]
    assert name["EndpointConfiguration"] == {"Types": ["REGIONAL"], "IpAddressType": "dualstack"}
    assert name["SecurityPolicy"] == "TLS_1_2"
    records = [
        r["Properties"] for r in OF_DOMAIN.values() if r["Type"] == "AWS::Route53::RecordSet"
    ]
    assert sorted(record["Type"] for record in records) == ["A", "AAAA"]
    assert "BasePath" not in OF_DOMAIN["Mapping"]["Properties"]


def test_every_choice_of_a_domain_is_a_parameter_of_its_template() -> None:
    chosen = {*domain.OPTIONS, "Api", "ApiStage"}
    assert set(DOMAIN["Parameters"]) == chosen


def test_the_table_of_claims_is_what_the_code_expects() -> None:
    ((name, table),) = of_type("AWS::DynamoDB::Table").items()
    assert name == "ClaimsTable"
    assert table["KeySchema"] == [{"AttributeName": dynamodb.KEY, "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": dynamodb.KEY, "AttributeType": "S"}]
    ttl = {"AttributeName": dynamodb.EXPIRES_AT, "Enabled": True}
    assert table["TimeToLiveSpecification"] == ttl
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_from_the_network_only_the_table_of_claims_is_reached_in_dynamodb() -> None:
    (statement,) = RESOURCES["DynamoDbEndpoint"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"!GetAtt": "ClaimsTable.Arn"}
    allowed = {a for actions in CLAIMS.values() for a in actions}
    assert set(statement["Action"]) == allowed


def test_a_claim_outlives_every_message_of_its_attempt() -> None:
    """A message is sent until START_DEADLINE after its attempt was due, delayed by at most
    MAX_DELAY, kept by its queue, and not begun by an executor after LATEST_START."""
    last_sent = START_DEADLINE + timedelta(seconds=MAX_DELAY)
    kept = timedelta(seconds=RESOURCES["TasksQueue"]["Properties"]["MessageRetentionPeriod"])
    assert last_sent + kept < timedelta(seconds=LATEST_START) < timedelta(days=CLAIM_DAYS)
    assert last_sent + kept < TRANSITION

"""Further Lambda sizes and Fargate, deployed and removed with the real Chalice in a moto server."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from infra.names import Stage
from infra.resources import place_stacks
from infra.resources.stack import describe
from tests.integration.infra.account import Account

FURTHER = {"execute_2048", "execute_8192", "launch"}


def queues(account: Account) -> set[str]:
    prefix = "orchestrator-big-tasks"
    urls = account.aws.client("sqs").list_queues(QueueNamePrefix=prefix).get("QueueUrls", [])
    return {url.rsplit("/", 1)[1].removeprefix(f"{prefix}-") for url in urls} - {prefix, "dead"}


def roles(account: Account) -> set[str]:
    pages = account.aws.client("iam").get_paginator("list_roles").paginate()
    return {row["RoleName"] for page in pages for row in page["Roles"]}


@pytest.fixture(scope="module")
def big(account: Account) -> Account:
    account.deploy("big", LambdaMemory="2048,8192", Fargate="yes")
    return account


def test_each_size_has_a_function_a_queue_and_a_share_of_the_concurrency(big: Account) -> None:
    found = big.inventory("big")
    assert set(found.functions) >= FURTHER
    assert queues(big) == {"2048", "8192", "fargate"}
    for size in (2048, 8192):
        now = big.configuration("big", f"execute_{size}")
        assert (now["MemorySize"], now["Timeout"], now["Handler"]) == (size, 900, "app.execute")
        assert "ORCHESTRATOR_TASK_ROLE" in now["Environment"]["Variables"]
    consumed = {m.function: m.queue_arn.rsplit(":", 1)[1] for m in found.mappings}
    assert consumed["execute_2048"] == "orchestrator-big-tasks-2048"
    assert consumed["launch"] == "orchestrator-big-tasks-fargate"
    client = big.aws.client("lambda")
    by_function = {m.function: client.get_event_source_mapping(UUID=m.uuid) for m in found.mappings}
    limits = {
        f: m.get("ScalingConfig", {}).get("MaximumConcurrency") for f, m in by_function.items()
    }
    assert limits == {
        "apply": 2, "execute": 330, "execute_2048": 330, "execute_8192": 330, "launch": 5,
    }  # fmt: skip
    assert by_function["launch"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_functions_that_decide_know_every_place(big: Account) -> None:
    for name in ("tick", "register", "apply", "api_handler"):
        told = big.configuration("big", name)["Environment"]["Variables"]
        assert told["ORCHESTRATOR_LAMBDA_MEMORY"] == "384,2048,8192"
        assert told["ORCHESTRATOR_FARGATE"] == "yes"


def test_launch_knows_where_to_start_tasks_and_has_no_network_of_ours(big: Account) -> None:
    now = big.configuration("big", "launch")
    told = now["Environment"]["Variables"]
    made = describe(big.aws, "orchestrator-big-fargate").outputs or {}
    assert told["ORCHESTRATOR_FARGATE_CLUSTER"] == made["Cluster"]
    assert told["ORCHESTRATOR_FARGATE_SUBNETS"] == made["Subnets"]
    assert told["ORCHESTRATOR_FARGATE_SIDECAR_ROLE"].endswith("role/orchestrator-big-sidecar")
    assert now["VpcConfig"]["SubnetIds"] == []


def test_nothing_can_reach_the_containers_and_they_reach_the_internet_without_a_nat(
    big: Account,
) -> None:
    made = describe(big.aws, "orchestrator-big-fargate").outputs or {}
    ec2 = big.aws.client("ec2")
    (group,) = ec2.describe_security_groups(GroupIds=[made["SecurityGroup"]])["SecurityGroups"]
    assert group["IpPermissions"] == []
    subnets = ec2.describe_subnets(SubnetIds=made["Subnets"].split(","))["Subnets"]
    (vpc,) = {row["VpcId"] for row in subnets}
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ways = [r.get("GatewayId", "") for table in tables for r in table["Routes"]]
    assert [way for way in ways if way.startswith("igw-")]
    assert ec2.describe_nat_gateways()["NatGateways"] == []


def test_the_choice_is_kept_and_a_size_that_is_left_out_is_removed(big: Account) -> None:
    big.deploy("big")
    assert queues(big) == {"2048", "8192", "fargate"}
    big.deploy("big", LambdaMemory="8192", Fargate="no")
    found = big.inventory("big")
    assert FURTHER & set(found.functions) == {"execute_8192"}
    assert {m.function for m in found.mappings} == {"apply", "execute", "execute_8192"}
    assert queues(big) == {"8192"}
    assert place_stacks.existing(big.aws, Stage("big")) == ["orchestrator-big-place-8192"]
    assert not describe(big.aws, "orchestrator-big-fargate").status
    own = {name for name in roles(big) if name.startswith("orchestrator-big")}
    assert not own & {f"orchestrator-big-{n}" for n in ("execute_2048", "launch", "sidecar")}


def test_down_removes_every_place(big: Account) -> None:
    big.remove("big", deletes_data=True)
    assert place_stacks.existing(big.aws, Stage("big")) == []
    assert [name for name in roles(big) if name.startswith("orchestrator-big")] == []
    with pytest.raises(ClientError):
        big.aws.client("sqs").get_queue_url(QueueName="orchestrator-big-tasks-8192")

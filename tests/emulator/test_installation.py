"""The product on an emulator of AWS: installed, used, changed, and removed. The tests run in order;
each continues where the previous one ended."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any

import pytest

from chalicelib.local.python_versions import ON_LAMBDA
from tests.emulator import dags, shims
from tests.emulator.account import Account, Api
from tests.emulator.emulator import ACCOUNT, PYTHON, REGION, installed_python
from tests.support.waiting import HANG_SECONDS, eventually

SELF_TEST = "a task went through queue, executor, database and bucket"


@dataclass
class Story:
    """What a test leaves to the next ones."""

    before: set[str] = field(default_factory=set)
    url: str = ""
    token: str = ""
    restoring: Popen[str] | None = None

    @property
    def api(self) -> Api:
        return Api(self.url, self.token)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def shown(printed: str) -> tuple[str, str]:
    """Returns the API's URL and the first token ("" if none was created) that `deploy` printed."""
    url = re.search(r"^ready: (\S+)", printed, re.M)
    token = re.search(r"once\): (orch_\S+)", printed)
    assert url, printed
    return url[1], token[1] if token else ""


def first_deploy(stage: str) -> str:
    if PYTHON == ON_LAMBDA:
        return f"chalice deploy --stage {stage}"
    return f"infra deploy --stage {stage} --python {PYTHON}"


def test_chalice_deploy_installs_everything_on_an_empty_account(
    account: Account, story: Story
) -> None:
    story.before = account.everything()
    printed = account.type_in(first_deploy("dev"))
    assert SELF_TEST in printed
    story.url, story.token = shown(printed)
    assert story.token


def test_tokens_are_made_and_withdrawn(account: Account, story: Story) -> None:
    printed = account.type_in("infra token create guest --role viewer --stage dev")
    guest = Api(story.url, printed.split()[-1])
    assert guest.ask("GET", "/api/dags")[0] == 200
    assert guest.ask("POST", "/api/dags/none/run")[0] == 403
    account.type_in("infra token revoke guest --stage dev")
    assert guest.ask("GET", "/api/dags")[0] == 401


def test_an_uploaded_file_is_run_and_its_log_read(account: Account, story: Story) -> None:
    account.upload("dev", "greeting.yaml", dags.GREETING)
    run = story.api.ended(story.api.run("greeting"))
    assert run["state"] == "success"
    assert story.api.log(run["run_id"], "greet").endswith("greetings from greet\n")
    assert story.api.log(run["run_id"], "count").endswith("number 42\n")


def test_a_restore_brings_back_what_was_backed_up(account: Account, story: Story) -> None:
    kept = story.api.ended(story.api.run("greeting"))["run_id"]
    name = account.type_in("infra backup --stage dev").splitlines()[1].split()[0]
    assert name in account.type_in("infra backups --stage dev")
    lost = story.api.ended(story.api.run("greeting"))["run_id"]
    story.restoring = account.begin(f"infra restore {name} --stage dev --yes")
    eventually(lambda: story.api.ask("GET", f"/api/runs/{lost}")[0] == 404)
    assert story.api.ask("GET", f"/api/runs/{kept}")[0] == 200
    account.upload("dev", "clock.yaml", dags.BY_THE_CLOCK)  # long before it is looked at


def test_a_second_stage_comes_and_goes_beside_the_first(account: Account, story: Story) -> None:
    """The second stage uses every option: IPv6, IAM instead of tokens, a domain."""
    without, name = account.everything(), f"second.{shims.OWN_DOMAIN}"
    certificate, zone = account.domain(name)
    network = "ipv6" if shims.has_ipv6() else "endpoint"
    choices = f"--python {PYTHON} --network {network} --auth iam"
    own = f"--domain {name} --certificate {certificate} --hosted-zone {zone}"
    printed = account.type_in(f"infra deploy --stage second {choices} {own}")
    url, token = shown(printed)
    assert SELF_TEST in printed
    assert (url, token) == (f"https://{name}/", "")
    assert "not reachable yet" not in printed
    assert account.records(zone) == [(f"{name}.", "A"), (f"{name}.", "AAAA")]

    second = Api(url, signs=account.caller("operator", "execute-api:Invoke"))
    assert not second.knows("greeting")
    account.upload("second", "greeting.yaml", dags.GREETING)
    assert second.ended(second.run("greeting"))["state"] == "success"
    for stranger in (Api(url), Api(url, story.token), Api(url, signs=account.caller("nobody"))):
        assert stranger.ask("GET", "/api/dags")[0] == 403
    assert f"API {url}: 200" in account.type_in("infra status --stage second")

    account.type_in("infra down --stage second --yes --delete-data")
    assert account.records(zone) == []
    assert account.everything() == without


def test_a_task_has_its_secrets_and_the_topic_is_told(account: Account, story: Story) -> None:
    news = account.owner("sns").create_topic(Name="orchestrator-dev-news")["TopicArn"]
    account.owner("secretsmanager").create_secret(
        Name="orchestrator/dev/word", SecretString="hush-hush"
    )
    account.owner("ssm").put_parameter(
        Name="/orchestrator/dev/parameter", Value="shush-shush", Type="SecureString"
    )
    account.upload("dev", "secrets.yaml", dags.with_secrets(news))
    run = story.api.ended(story.api.run("with_secrets"))
    assert run["state"] == "success", run
    assert story.api.log(run["run_id"], "use").endswith("the word is ***\n")

    def delivered() -> bool:
        rows = story.api.get(f"/api/notifications?run_id={run['run_id']}")["notifications"]
        return [row["state"] for row in rows] == ["delivered"]

    eventually(delivered)


def test_a_task_may_do_what_its_role_may_and_no_more(account: Account, story: Story) -> None:
    caller = account.environ
    text = dags.with_task_role(
        installed_python(), caller["AWS_ENDPOINT_URL"], caller["AWS_CA_BUNDLE"]
    )
    account.upload("dev", "role.yaml", text)
    refused = story.api.ended(story.api.run("with_task_role"))
    log = story.api.log(refused["run_id"], "look")
    assert refused["state"] == "failed"
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/orchestrator-dev-task/" in log
    assert "AccessDenied" in log

    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    account.owner("iam").put_role_policy(
        RoleName="orchestrator-dev-task",
        PolicyName="buckets",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    run = story.api.ended(story.api.run("with_task_role"))
    assert story.api.log(run["run_id"], "look").endswith("3 buckets\n")
    account.owner("iam").delete_role_policy(RoleName="orchestrator-dev-task", PolicyName="buckets")


def test_a_running_task_is_cancelled(account: Account, story: Story) -> None:
    account.upload("dev", "long.yaml", dags.LONG)
    run_id = story.api.run("long")
    eventually(lambda: "waiting" in story.api.log(run_id, "wait"))
    story.api.post(f"/api/runs/{run_id}/cancel")
    assert story.api.ended(run_id)["state"] == "cancelled"


def test_the_clock_starts_runs(account: Account, story: Story) -> None:
    def scheduled(query: str) -> Any:
        return story.api.get(f"/api/dags/by_the_clock/runs?{query}")["runs"]

    (run, *_) = eventually(lambda: scheduled("state=success"))
    eventually(lambda: story.api.get("/api/health")["status"] == "ok")  # it wants a tick, too
    assert run["run_type"] == "scheduled"
    account.owner("s3").delete_object(Bucket=f"orchestrator-dev-{ACCOUNT}-dags", Key="clock.yaml")
    eventually(lambda: not [r for r in scheduled("limit=100") if not r["ended_at"]])


def test_status_tells_that_all_is_well(account: Account) -> None:
    assert SELF_TEST in account.type_in("infra status --stage dev --self-test")


def test_the_restore_ends_once_no_function_can_have_the_old_file_open(story: Story) -> None:
    assert story.restoring
    printed, _ = story.restoring.communicate(timeout=5 * HANG_SECONDS)
    assert story.restoring.returncode == 0, printed
    assert printed.startswith("restored ")


def test_a_policy_that_was_changed_holds_after_the_next_deploy(
    account: Account, story: Story
) -> None:
    policies = account.project / "infra" / "policies.py"
    text = policies.read_text(encoding="utf-8")
    right = 'allow("NamedParameters", ("ssm:GetParameter",), parameters),'
    assert right in text
    policies.write_text(text.replace(right, ""), encoding="utf-8")
    assert shown(account.type_in("chalice deploy --stage dev")) == (story.url, "")
    run = story.api.ended(story.api.run("with_secrets"))
    assert run["state"] == "failed"
    reasons = str(story.api.get(f"/api/runs/{run['run_id']}"))
    assert "/orchestrator/dev/parameter" in reasons
    assert story.api.ended(story.api.run("greeting"))["state"] == "success"


def test_nothing_is_left_after_down(account: Account, story: Story) -> None:
    refused = account.type_in("infra down --stage dev --yes", succeeds=False)
    assert "there is data left in" in refused
    account.type_in("infra down --stage dev --yes --delete-data")
    news = f"sns arn:aws:sns:{REGION}:{ACCOUNT}:orchestrator-dev-news"  # the test's own
    assert account.everything() - story.before == {news}

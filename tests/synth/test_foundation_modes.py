"""What each way of hosting adds to the foundation, and that nothing is there without it."""
# ruff: noqa: E501  (a row of a table is one line)

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from slipway.spec.load import from_mapping
from tests.synth.conftest import BASE, ENDPOINT, Assembly
from tests.synth.test_foundation import actions, bucket, policy, role

Declared = Callable[..., Any]
BUCKET = "arn:aws:s3:::acme-sm-rc-project-a-staging-eu-west-1"
SNS = "arn:aws:sns:eu-west-1:111122223333"
LOGS = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/sagemaker"
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111122223333"
LOGIN = "arn:aws:lambda:eu-west-1:111122223333:function:login"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
ECR = "arn:aws:ecr:eu-west-1:210987654321:repository/llm"
#: An environment that encrypts nothing, so that a mode's own statements stand out.
QUIET: dict[str, Any] = {"encrypt_volumes": False, "bucket": {"encryption": "s3"}, "topics": ["results"]}
MODEL = {"image": {"framework": "sklearn", "tag": "1.4-2-cpu-py3"}}
HOSTING = {"instance_type": "ml.m5.large"}
COMPONENTS = {
    "model": None,
    "hosting": {"instance_type": "ml.m5.xlarge"},
    "components": {"prices": {"model": MODEL, "memory": "1GB", "cpus": 1.0}},
}
PRIVATE = {"subnets": ["subnet-0a1b2c3d4e5f60001"], "security_groups": ["sg-0a1b2c3d4e5f60001"]}

#: By mode: what the endpoint says, and every statement of the role that is not a plain endpoint's, without its Sid:
#: actions, resources, and the condition if there is one.
ROLE: dict[str, tuple[dict[str, Any], dict[str, tuple[Any, ...]]]] = {
    "variants": (
        {"model": None, "hosting": None, "deployment": {"strategy": "canary"}, "variants": {n: {"model": MODEL, "hosting": HOSTING} for n in ("one", "two")}},
        {},
    ),
    "shadow": ({"shadow": {"model": MODEL, "hosting": HOSTING}, "deployment": {"strategy": "all_at_once"}}, {}),
    "pipeline": ({"model": {"containers": {"scale": MODEL, "predict": MODEL}}}, {}),
    "serverless": ({"hosting": {"serverless": {}}}, {}),
    "multi-model": (
        {"model": {**MODEL, "models": "models/many/"}},
        {"ListArtifacts0": ("s3:ListBucket", BUCKET, {"StringLike": {"s3:prefix": ["models/many/*"]}})},
    ),
    "asynchronous": (
        {"asynchronous": {}},
        {
            "ReadRequests": ("s3:GetObject", f"{BUCKET}/async/*/in/*"),
            "WriteAnswers": (["s3:AbortMultipartUpload", "s3:PutObject"], [f"{BUCKET}/async/*/failed/*", f"{BUCKET}/async/*/out/*"]),
            "ListAsynchronous0": ("s3:ListBucket", BUCKET, {"StringLike": {"s3:prefix": ["async/*/failed/*", "async/*/in/*", "async/*/out/*"]}}),
        },
    ),
    "asynchronous elsewhere": (
        {"asynchronous": {"input": "s3://requests/iris/", "output": "answers/iris/", "failures": "answers/iris/", "kms_key": KEY}},
        {
            "ReadRequests": ("s3:GetObject", "arn:aws:s3:::requests/iris/*"),
            "WriteAnswers": (["s3:AbortMultipartUpload", "s3:PutObject"], f"{BUCKET}/answers/iris/*"),
            "ListAsynchronous0": ("s3:ListBucket", BUCKET, {"StringLike": {"s3:prefix": ["answers/iris/*"]}}),
            "ListAsynchronous1": ("s3:ListBucket", "arn:aws:s3:::requests", {"StringLike": {"s3:prefix": ["iris/*"]}}),
            "EncryptData": (["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], KEY),
        },
    ),
    "capture": ({"capture": {}}, {"CaptureData": ("s3:PutObject", f"{BUCKET}/capture/*")}),
    "capture that is off": ({"capture": {"enabled": False, "kms_key": KEY}}, {}),
    "capture under a key": (
        {"capture": {"destination": "s3://lake/iris/", "kms_key": KEY}},
        {"CaptureData": ("s3:PutObject", "arn:aws:s3:::lake/iris/*"), "EncryptData": (["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], KEY)},
    ),
    "core dumps": (
        {"hosting": {**HOSTING, "core_dumps": {"destination": "dumps/"}}},
        {"WriteCoreDumps": (["s3:AbortMultipartUpload", "s3:PutObject"], f"{BUCKET}/dumps/*")},
    ),
    "explanations": ({"explainer": {"baseline": "s3://lake/iris/baseline.csv"}}, {"ReadBaselines": ("s3:GetObject", "arn:aws:s3:::lake/iris/baseline.csv")}),
    "explanations in the text": ({"explainer": {"baseline": "1,2"}}, {}),
    "shells": (
        {"hosting": {**HOSTING, "ssm_access": True}},
        {"OpenShells": ([f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")], "*")},
    ),
    "components": (
        COMPONENTS,
        {
            "WriteLogs": (
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                [f"{LOGS}/{kind}/rc-project-a-staging-*" for kind in ("Endpoints", "InferenceComponents")],
            ),
            "WriteMetrics": (
                "cloudwatch:PutMetricData",
                "*",
                {"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents"]}},
            ),
        },
    ),
    "model package": ({"model": {"package": f"{SAGEMAKER}:model-package/iris/3"}}, {}),
    "hub content": (
        {"model": {**MODEL, "artifact": "s3://jumpstart-cache-prod-eu-west-1/llama/v1/", "hub_content": f"{SAGEMAKER}:hub-content/hub/Model/llama/1.0.0"}},
        {
            "ReadArtifacts": ("s3:GetObject", [f"{BUCKET}/models/*", "arn:aws:s3:::jumpstart-cache-prod-eu-west-1/llama/v1/*"]),
            "ListArtifacts0": ("s3:ListBucket", "arn:aws:s3:::jumpstart-cache-prod-eu-west-1", {"StringLike": {"s3:prefix": ["llama/v1/*"]}}),
            "ReadHubContent": (
                "sagemaker:DescribeHubContent",
                [f"{SAGEMAKER}:hub-content/hub/Model/llama", f"{SAGEMAKER}:hub-content/hub/Model/llama/1.0.0", f"{SAGEMAKER}:hub/hub"],
            ),
        },
    ),
}  # fmt: skip


def plain(statement: dict[str, Any]) -> tuple[Any, ...]:
    condition = (statement["Condition"],) if "Condition" in statement else ()
    return (statement["Action"], statement["Resource"], *condition)


@pytest.mark.parametrize("mode", ROLE)
def test_the_execution_role_gets_what_a_mode_needs_and_no_more(declared: Declared, mode: str) -> None:
    endpoint, expected = ROLE[mode]
    without, found = role(declared({}, **QUIET)), role(declared(endpoint, **QUIET))
    assert set(without) <= set(found)
    assert {sid: plain(s) for sid, s in found.items() if s != without.get(sid)} == expected


def test_the_execution_role_fetches_the_login_of_a_private_registry(declared: Declared) -> None:
    image = {"uri": "registry.example.com/iris:1", "private": True}
    without = role(declared({"model": {"image": image}}, network=PRIVATE, **QUIET))
    found = role(declared({"model": {"image": {**image, "credentials": LOGIN}}}, network=PRIVATE, **QUIET))
    assert {sid: plain(s) for sid, s in found.items() if s != without.get(sid)} == {
        "FetchRegistryLogins": ("lambda:InvokeFunction", LOGIN)
    }


def test_images_and_artifacts_of_components_count_too(declared: Declared) -> None:
    model = {"image": {"uri": "210987654321.dkr.ecr.eu-west-1.amazonaws.com/llm:3"}, "artifact": "s3://lake/m.tar.gz"}
    component = {"model": model, "memory": "1GB", "cpus": 1.0}
    found = role(declared({**COMPONENTS, "components": {"prices": component}}, **QUIET))
    assert ECR in found["PullImages"]["Resource"]
    assert "arn:aws:s3:::lake/m.tar.gz" in found["ReadArtifacts"]["Resource"]


def test_the_execution_role_tells_its_topics_and_uses_their_key(declared: Declared) -> None:
    other = f"{SNS}:others"
    without = role(declared({"asynchronous": {}}, **QUIET))
    elsewhere = role(declared({"asynchronous": {"error_topic": other}}, **QUIET))
    assert {sid: plain(s) for sid, s in elsewhere.items() if s != without.get(sid)} == {
        "TellTopics": ("sns:Publish", other)
    }
    ours = role(declared({"asynchronous": {"success_topic": "results", "error_topic": other}}, **QUIET))
    assert plain(ours["TellTopics"]) == ("sns:Publish", [f"{SNS}:others", f"{SNS}:rc-project-a-staging-results"])
    assert "Key" in json.dumps(ours["EncryptData"]["Resource"])


@pytest.mark.parametrize("endpoint", [{"asynchronous": {}}, {"capture": {}}])
def test_whoever_writes_into_an_encrypted_bucket_may_use_its_key(declared: Declared, endpoint: dict[str, Any]) -> None:
    assert "EncryptData" not in role(declared({}, encrypt_volumes=False))
    found = role(declared(endpoint, encrypt_volumes=False))["EncryptData"]
    assert found["Resource"] == role(declared({}, encrypt_volumes=False))["DecryptArtifacts"]["Resource"]


def test_a_key_with_an_alias_is_known_by_that_alias_only(declared: Declared) -> None:
    found = role(declared({"capture": {"kms_key": "alias/lake"}}, **QUIET))["EncryptDataByAlias"]
    assert found["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/lake"]}}
    assert found["Resource"] == "arn:aws:kms:eu-west-1:111122223333:key/*"


def test_callers_of_asynchronous_endpoints_put_requests_and_fetch_answers(declared: Declared) -> None:
    without = policy(declared({}, **QUIET), "-Invoker")
    found = policy(declared({"asynchronous": {}}, **QUIET), "-Invoker")
    assert {sid: plain(s) for sid, s in found.items() if s != without.get(sid)} == {
        "PutRequests": ("s3:PutObject", f"{BUCKET}/async/*/in/*"),
        "FetchAnswers": ("s3:GetObject", [f"{BUCKET}/async/*/failed/*", f"{BUCKET}/async/*/out/*"]),
    }


def test_callers_use_keys_through_s3_only(declared: Declared) -> None:
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}
    encrypted = policy(declared({"asynchronous": {"kms_key": KEY}}), "-Invoker")
    assert encrypted["EncryptRequests"]["Condition"] == through_s3
    assert set(encrypted["EncryptRequests"]["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert plain(encrypted["DecryptAnswers"]) == ("kms:Decrypt", KEY, through_s3)
    assert not {a for a in actions(policy(declared({}), "-Invoker")) if a.startswith("kms:")}


def test_callers_may_invoke_components_only_where_there_are_any(declared: Declared) -> None:
    without, found = policy(declared({}), "-Invoker"), policy(declared(COMPONENTS), "-Invoker")
    assert {sid: plain(s) for sid, s in found.items() if s != without.get(sid)} == {
        "InvokeComponents": (
            ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"],
            f"{SAGEMAKER}:inference-component/rc-project-a-staging-*",
        )
    }


def test_the_deployer_manages_components_only_where_there_are_any(declared: Declared) -> None:
    without, found = policy(declared({}), "-Deployer"), policy(declared(COMPONENTS), "-Deployer")
    components = f"{SAGEMAKER}:inference-component/rc-project-a-staging-*"
    assert {sid: plain(s) for sid, s in found.items() if s != without.get(sid)} == {
        "CreateComponents": (
            "sagemaker:CreateInferenceComponent",
            [f"{SAGEMAKER}:endpoint/rc-project-a-staging-*", components],
        ),
        "ManageComponents": (
            [
                "sagemaker:AddTags",
                "sagemaker:DeleteInferenceComponent",
                "sagemaker:DescribeInferenceComponent",
                "sagemaker:ListTags",
                "sagemaker:UpdateInferenceComponent",
                "sagemaker:UpdateInferenceComponentRuntimeConfig",
            ],
            components,
        ),
        "LookAtComponents": ("sagemaker:ListInferenceComponents", "*"),
    }


def test_topics_are_encrypted_tls_only_retained_and_let_no_service_in(declared: Declared) -> None:
    assembly = declared({"asynchronous": {"success_topic": "results"}}, topics=["results"])
    topics = {
        r["Properties"]["TopicName"]: (id, r)
        for id, r in assembly.template("foundation")["Resources"].items()
        if r["Type"] == "AWS::SNS::Topic"
    }
    assert set(topics) == {"rc-project-a-staging-alarms", "rc-project-a-staging-results"}
    id, topic = topics["rc-project-a-staging-results"]
    assert topic["DeletionPolicy"] == "RetainExceptOnCreate"
    assert "KmsMasterKeyId" in topic["Properties"]
    (document,) = [
        r["Properties"]["PolicyDocument"]
        for r in assembly.resources("foundation", "AWS::SNS::TopicPolicy")
        if r["Properties"]["Topics"] == [{"Ref": id}]
    ]
    (statement,) = document["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_studio_uploads_into_two_buckets_only_where_asked(declared: Declared) -> None:
    assert len(declared({}).resources("foundation", "AWS::S3::Bucket")) == 2
    assert "CorsConfiguration" not in json.dumps(declared({}).template("foundation"))
    assembly = declared({}, bucket={"studio_upload": True})
    name = "acme-sm-rc-project-a-staging-eu-west-1"
    models, uploads = bucket(assembly, name), bucket(assembly, f"sagemaker-{name}")
    for found in (models, uploads):
        assert found["CorsConfiguration"]["CorsRules"] == [
            {
                "AllowedHeaders": ["*"],
                "AllowedMethods": ["PUT", "POST"],
                "AllowedOrigins": ["https://*.sagemaker.aws"],
                "ExposedHeaders": ["ETag"],
            }
        ]
    for same in ("VersioningConfiguration", "PublicAccessBlockConfiguration", "BucketEncryption", "OwnershipControls"):
        assert uploads[same] == models[same]
    assert uploads["LoggingConfiguration"]["LogFilePrefix"] == "uploads/"
    old, forgotten = uploads["LifecycleConfiguration"]["Rules"]
    assert old == models["LifecycleConfiguration"]["Rules"][0]
    assert forgotten["ExpirationInDays"] == 90
    assert len(models["LifecycleConfiguration"]["Rules"]) == 1


def test_endpoints_never_read_what_waits_for_publication(declared: Declared) -> None:
    without, found = role(declared({})), role(declared({}, bucket={"studio_upload": True}))
    assert found == without


def test_guarded_components_have_log_groups_that_stay(declared: Declared) -> None:
    groups = {
        r["Properties"]["LogGroupName"]: r for r in declared(COMPONENTS).resources("foundation", "AWS::Logs::LogGroup")
    }
    assert set(groups) == {
        "/aws/sagemaker/Endpoints/rc-project-a-staging-iris-ep",
        "/aws/sagemaker/InferenceComponents/rc-project-a-staging-iris--prices",
    }
    for group in groups.values():
        assert (group["DeletionPolicy"], group["Properties"]["RetentionInDays"]) == ("RetainExceptOnCreate", 90)
    assert not declared(COMPONENTS, environment="dev").resources("foundation", "AWS::Logs::LogGroup")


def everything() -> dict[str, Any]:
    """An environment with every mode but serverless, which knows no network and needs no right of its own."""
    endpoints = {
        re.sub("[^a-z]+", "-", mode): {**ENDPOINT, **endpoint}
        for mode, (endpoint, _) in ROLE.items()
        if mode != "serverless"
    }
    private = {"uri": "registry.example.com/iris:1", "private": True, "credentials": LOGIN}
    endpoints["private"] = {**ENDPOINT, "model": {"image": private}, "budget": {"daily": "100USD"}}
    endpoints["telling"] = {**ENDPOINT, "asynchronous": {"success_topic": "results"}}
    return {
        **BASE,
        "network": PRIVATE,
        "topics": ["results"],
        "bucket": {"studio_upload": True},
        "budget": {"monthly": "9USD", "forecast": True},
        "endpoints": endpoints,
    }


@pytest.fixture(scope="module")
def all_modes(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    from stacks.assembly import assemble

    environment = from_mapping(everything()).environment
    folder = tmp_path_factory.mktemp("all")
    assemble(environment, outdir=folder).synth()
    return Assembly(folder, environment)


def test_cdk_nag_has_no_finding_without_a_reason_whatever_is_hosted(all_modes: Assembly) -> None:
    report = json.loads((all_modes.folder / "validation-report.json").read_text())
    (nag,) = [p for p in report["pluginReports"] if p["pluginName"] == "AwsSolutions"]
    assert (nag["conclusion"], nag["violations"]) == ("success", [])
    assert [f["ruleName"] for f in nag["suppressedViolations"] if len(f["reason"]) <= 20] == []


def test_cfn_lint_accepts_foundation_and_operations_whatever_is_hosted(all_modes: Assembly) -> None:
    names = all_modes.environment.names
    templates = [str(all_modes.folder / f"{names.stack(part)}.template.json") for part in ("foundation", "operations")]
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "parseable", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


#: IAM's limits in characters, white space aside: of a managed policy, and of all inline policies of a role.
MANAGED, INLINE = 6144, 10240


def test_policies_fit_into_iam_whatever_is_hosted(all_modes: Assembly) -> None:
    sizes = {
        r["Properties"]["ManagedPolicyName"]: len(json.dumps(r["Properties"]["PolicyDocument"], separators=(",", ":")))
        for r in all_modes.resources("foundation", "AWS::IAM::ManagedPolicy")
    }
    assert len(sizes) == 3
    assert {name for name, size in sizes.items() if size > MANAGED} == set()
    inline = all_modes.only("foundation", "AWS::IAM::Role")["Policies"]
    assert len(json.dumps(inline, separators=(",", ":"))) <= INLINE


def test_a_hundred_asynchronous_endpoints_need_no_more_statements_than_one() -> None:
    from aws_cdk import App, Stack
    from aws_cdk import aws_kms as kms

    from slipway_cdk.stored_data import stored_data_statements

    endpoint = {**ENDPOINT, "asynchronous": {}, "capture": {}}
    key = kms.Key.from_key_arn(Stack(App(), "s"), "Key", KEY)

    def statements(count: int) -> list[Any]:
        data = {**BASE, **QUIET, "endpoints": {f"e{i}": endpoint for i in range(count)}}
        return [s.to_json() for s in stored_data_statements(from_mapping(data).environment, key, {})]

    assert len(statements(1)) == 4
    assert statements(100) == statements(1)


def authorized() -> dict[str, Any]:
    """The service authorization reference, as cfn-lint carries it; lower case."""
    found: dict[str, Any] = json.loads((files("cfnlint") / "data/AdditionalSpecs/Policies.json").read_text())
    return found


def _matches(arn: str, service: str, kinds: list[str]) -> bool:
    formats = [f for kind in kinds for f in authorized()[service]["Resources"][kind.lower()]["ARNFormats"]]
    return any(re.fullmatch(re.sub(r"\$\{\w+\}", "[^:]*", f), arn) for f in formats)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mistakes(statements: dict[str, dict[str, Any]]) -> Iterator[str]:
    for sid, statement in statements.items():
        resources = [r for r in _listed(statement["Resource"]) if isinstance(r, str)]
        used: set[str] = set()
        for action in _listed(statement["Action"]):
            service, name = action.split(":")
            if name.lower() not in authorized()[service]["Actions"]:
                yield f"{sid}: there is no {action}"
                continue
            kinds = authorized()[service]["Actions"][name.lower()].get("Resources", [])
            if not kinds:
                used |= {r for r in resources if r == "*"}
                if resources != ["*"]:
                    yield f"{sid}: {action} authorizes on * only"
                continue
            fitting = {r for r in resources if r == "*" or _matches(r, service, kinds)}
            used |= fitting
            if resources and not fitting:
                yield f"{sid}: {action} is not authorized on {resources}"
        for resource in set(resources) - used:
            yield f"{sid}: no action is authorized on {resource}"


def test_every_action_exists_and_is_authorized_on_the_resources_beside_it(all_modes: Assembly) -> None:
    parts = [role(all_modes), *(policy(all_modes, f"-{who}") for who in ("Deployer", "Operator", "Invoker"))]
    everything = {f"{number}{sid}": one for number, part in enumerate(parts) for sid, one in part.items()}
    assert len(everything) > 35
    assert list(_mistakes(everything)) == []
    wrong = {"Sid": {"Action": "sagemaker:InvokeEndpointAsync", "Resource": f"{SAGEMAKER}:inference-component/x"}}
    assert len(list(_mistakes(wrong))) == 2, "the reference knows what is not authorized"

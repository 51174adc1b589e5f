"""Where a model's image and bytes come from is said once, and in a way that the service takes."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import DIRECT, MANY, MODEL, NETWORK, PACKAGE, endpoint, model, real_time

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

IMAGE = "image: {framework: sklearn, tag: x}"
HUB = "hub_content: 'arn:aws:sagemaker:eu-west-1:aws:hub-content/Hub/Model/llm/1.0'"
REGISTRY = "arn:aws:lambda:eu-west-1:111122223333:function:login"
LONG = "a" * 64
MANY_VARIABLES = ", ".join(f"A{i}: {'x' * 1000}" for i in range(20))
HALF_FULL = f"{{{IMAGE}, environment: {{{MANY_VARIABLES}}}}}"


def containers(**each: str) -> str:
    return model("{containers: {" + ", ".join(f"{name}: {text}" for name, text in each.items()) + "}}")


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # images
    "no image": (model("{version: 2}"), "model.image", ("is missing: say what runs (`framework` with `tag`, `repository` with `digest` or `tag`, or `uri`), or name a model `package`",)),
    "no image in a container": (containers(one=MODEL, two="{script: a.py}"), "model.containers.two.image", ("is missing: say what runs",)),
    "image of another Region": (model("{image: {uri: '111122223333.dkr.ecr.us-east-1.amazonaws.com/scorer:1'}}"), "model.image.uri", ("lies in us-east-1, and SageMaker pulls images from the endpoint's own Region only (API:ContainerDefinition): copy it to eu-west-1",)),
    "private registry without a network": (model("{image: {uri: 'registry.example.com/scorer:1', private: true}}"), "model.image.private", ("needs `network`: SageMaker reaches a private registry through the models' subnets only", "or host the image in ECR")),
    "private ECR": (model("{image: {uri: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/scorer:1', private: true}}"), "model.image.private", ("stands beside the address of an image in ECR, which is no private registry: remove `private`",)),
    "credentials of no registry": (model(f"{{image: {{uri: 'registry.example.com/scorer:1', credentials: '{REGISTRY}'}}}}"), "model.image.credentials", ("not in a private registry (API:RepositoryAuthConfig): write `private: true`, or remove `credentials`",)),
    "credentials of nobody": (model("{image: {uri: 'registry.example.com/scorer:1', credentials: login}}"), "model.image.credentials", ("'login' is not accepted: write the ARN of a function, such as arn:aws:lambda:REGION:ACCOUNT:function:NAME",)),
    # packages
    "image beside a package": (model(f"{{package: '{PACKAGE}', {IMAGE}}}"), "model.image", ("stands beside `package`, which brings image and artifact (API:ContainerDefinition): keep one of them",)),
    "artifact beside a package": (model(f"{{package: '{PACKAGE}', artifact: s3://bucket/m.tar.gz}}"), "model.artifact", ("stands beside `package`",)),
    "models beside a package": (model(f"{{package: '{PACKAGE}', models: models/many/}}"), "model.models", ("stands beside `package`",)),
    "hub content beside a package": (model(f"{{package: '{PACKAGE}', {HUB}}}"), "model.hub_content", ("stands beside `package`",)),
    "agreement beside a package": (model(f"{{package: '{PACKAGE}', accept_eula: true}}"), "model.accept_eula", ("stands beside `package`",)),
    "specification of no package": (model(f"{{{IMAGE}, specification: fast}}"), "model.specification", ("names the inference specification of a model package, and there is none: name the `package`, or remove `specification`",)),
    "package by name": (model("{package: scorer/3}"), "model.package", ("'scorer/3' is not accepted: write the ARN of a model package, such as arn:aws:sagemaker:REGION:ACCOUNT:model-package/NAME/VERSION",)),
    "package of no account": (model("{package: 'arn:aws:sagemaker:eu-west-1:aws:model-package/scorer/3'}"), "model.package", ("is not accepted: write the ARN of a model package",)),
    "package that ends in a hyphen": (model("{package: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/scorer-/3'}"), "model.package", ("is not accepted",)),
    # elsewhere
    "hub content in the model bucket": (model(f"{{{IMAGE}, {HUB}}}"), "model.hub_content", ("belongs to an artifact outside the model bucket (API:S3ModelDataSource): name its URI, `artifact: s3://…`, or remove `hub_content`",)),
    "agreement of one's own model": (model(f"{{{IMAGE}, accept_eula: true, artifact: models/x.tar.gz}}"), "model.accept_eula", ("belongs to an artifact outside the model bucket", "or remove `accept_eula`")),
    "hub content by name": (model(f"{{{IMAGE}, hub_content: llm}}"), "model.hub_content", ("'llm' is not accepted: write the ARN of content of a hub",)),
    # multi-model
    "artifact beside models": (model(f"{{{IMAGE}, models: models/many/, artifact: models/x.tar.gz}}"), "model.artifact", ("stands beside `models`, whose archives are the artifacts: keep one of them (`artifact: null` removes",)),
    "no artifact beside models": (model(f"{{{IMAGE}, models: models/many/, artifact: off}}"), "model.artifact", ("stands beside `models`",)),
    "cache without models": (model(f"{{{IMAGE}, cache: true}}"), "model.cache", ("is for multi-model containers (API:MultiModelConfig): remove it, or say with `models` where the archives lie",)),
    "models without a slash": (model(f"{{{IMAGE}, models: models/many}}"), "model.models", ("'models/many' is not accepted: write the prefix under which the archives lie, ending in /",)),
    "pattern for models": (model(f"{{{IMAGE}, models: 'models/*/'}}"), "model.models", ("holds '*', which would widen what the role may read",)),
    "source of one model": (model(f"{{{IMAGE}, script: a.py, source: models/code.tar.gz}}"), "model.source", ("is for multi-model containers, and the script of any other lies in the `code/` folder of its artifact: remove it",)),
    "source of no script": (model(f"{{{IMAGE}, models: models/many/, source: models/code.tar.gz}}"), "model.source", ("holds a script, and none is named: write `script: inference.py` or its like, or remove `source`",)),
    "pattern for a source": (model(f"{{{IMAGE}, models: models/many/, script: a.py, source: 'models/*.tar.gz'}}"), "model.source", ("holds '*', which would widen what the role may read",)),
    "source that is no archive": (model(f"{{{IMAGE}, models: models/many/, script: a.py, source: models/a.py}}"), "model.source", ("'models/a.py' is not accepted",)),
    # pipelines
    "one container": (containers(one=MODEL), "model.containers", ("has 1 entries, must have at least 2",)),
    "sixteen containers": (containers(**{f"c{i}": MODEL for i in range(16)}), "model.containers", ("has 16 entries, must have at most 15",)),
    "long name of a container": (containers(one=MODEL, **{LONG: MODEL}), f"model.containers.{LONG}", ("the name has 64 characters, at most 63 are allowed (API:ContainerHostname): shorten it by 1",)),
    "several models twice": (containers(one=MANY, two=MODEL, three=MANY), "model.containers.three.models", ("a pipeline has at most one multi-model container, and 'one' is one: name one `artifact` here",)),
    "large environments together": (containers(one=HALF_FULL, two=HALF_FULL), "model.containers", ("the environments of all containers have 40,100 bytes together, at most 32,768 are allowed (API:ContainerDefinition): put what is long into the artifacts",)),
    "image beside containers": (model(f"{{{IMAGE}, containers: {{one: {MODEL}, two: {MODEL}}}}}"), "model.image", ("belongs to a model in one container, and this is a model in several containers: remove it, or `containers`",)),
    "unknown invocation": (model(DIRECT.replace("direct", "parallel")), "model.invocation", ("'parallel' is not 'serial' or 'direct'",)),
    # overrides by name
    "override of no model": (real_time(overrides="{models: {primry: {}}}"), "overrides.models.primry", ("'primry' is none of the endpoint's models: did you mean 'primary'?",)),
    "override of no component": (real_time(overrides="{components: {a: {}}}"), "overrides.components.a", ("'a' is none of the endpoint's components: there are none: remove it",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_model_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (model(f"{{package: '{PACKAGE.replace('eu-west-1', 'us-east-1')}'}}"), "model.package: lies in us-east-1 and the endpoint in eu-west-1, and whether SageMaker takes a model package of another Region is not documented"),
        (model(f"{{{IMAGE}, artifact: s3://bucket/m.tar.gz, accept_eula: false}}"), "model.accept_eula: refuses the agreement, and a model that asks for one does not load then"),
        (model(f"{{{IMAGE}, models: models/many/, script: a.py}}"), "model.script: a multi-model container starts before any model is there, so whether it finds a script inside an archive depends on its image: put it into an archive of its own and name that with `source`"),
        (model(f"{{{IMAGE}, hostname: scorer}}"), "model.hostname: the service ignores the name of a container that is alone (API:ContainerDefinition): leave it out"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_a_model_is_a_warning(look: Look, text: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        model(f"{{package: '{PACKAGE}', specification: fast, environment: {{A: x}}, script: a.py}}"),
        model(f"{{package: '{PACKAGE}', artifact: off}}"),
        model("{package: 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/scorer'}"),
        model(f"{{{IMAGE}, artifact: s3://bucket/llm/, {HUB}, accept_eula: true}}"),
        model(f"{{{IMAGE}, artifact: off}}"),
        model(f"{{{IMAGE}, artifact: 'off'}}"),
        model(f"{{{IMAGE}, models: models/many/, cache: false}}"),
        model(f"{{{IMAGE}, models: s3://bucket/many/}}"),
        model(f"{{{IMAGE}, models: models/many/, script: a.py, source: s3://bucket/code.tar.gz}}"),
        model("{image: {uri: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/scorer:1'}}"),
        containers(one=MANY, two=MODEL),
        containers(**{f"c{i}": MODEL for i in range(15)}),
        containers(one=MODEL, **{LONG[1:]: MODEL}),
        endpoint(model=DIRECT, hosting="{instance_type: ml.m5.large}", overrides="{models: {primary: {}}}"),
    ],
)
def test_what_a_model_may_say_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


def test_a_private_registry_is_reached_through_the_network(look: Look) -> None:
    image = f"{{uri: 'registry.example.com/scorer:1', private: true, credentials: '{REGISTRY}'}}"
    found = look(model(f"{{image: {image}}}"), top=NETWORK)
    assert (found.errors, found.warnings) == ((), ())


def test_each_container_of_a_pipeline_is_looked_at(look: Look) -> None:
    broken = "{image: {framework: sklern, tag: x}}"
    found = look(containers(one=MODEL, two=broken, three="{image: {repository: scorr, tag: x}}"))
    assert [error.split(":")[0] for error in found.errors] == [
        "model.containers.two.image.framework",
        "model.containers.three.image.repository",
    ]

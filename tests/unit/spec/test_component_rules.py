"""Inference components say what they serve and take, fit on their fleet, and adapters leave the rest to their base."""
# ruff: noqa: E501  (a case of a table is one line)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.spec.endpoints import MODEL, NETWORK, PACKAGE, component, shared

if TYPE_CHECKING:
    from tests.unit.spec.conftest import Look

GPU = "{instance_type: ml.g5.12xlarge}"
TWO = "{pools: [{instance_type: ml.m5.xlarge, priority: 1}, {instance_type: ml.m5.2xlarge, priority: 2}]}"
ON = f"on: {{ml.m5.xlarge: {{model: {MODEL}, memory: 1GB}}, ml.m5.2xlarge: {{model: {MODEL}, memory: 2GB}}}}"
ADAPTER = "{base: a, model: {}}"
SCRAPE = "scrape: {path: /metrics}"
NAME = "c" * (63 - len("rc-project-a-dev-e--"))


def on(text: str, hosting: str = TWO) -> str:
    return shared(component(text, model=None, memory=""), hosting=hosting)


def inline(model: str) -> str:
    return shared(component(SCRAPE, model=model))


#: What is wrong, the endpoint, the key, and what the message says.
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # what it serves and takes
    "no model": (shared(component(model=None)), "components.a.model", ("is missing: say `model: {…}`, or name a `base` that has one",)),
    "no memory": (shared(component(memory="")), "components.a.memory", ("is missing: say how much a copy is given, such as `memory: 1GB` (API: MinMemoryRequiredInMb)",)),
    "little memory": (shared(component(memory="memory: 127MB")), "components.a.memory", ("127MB is out of range: 128MB to 4096GB (API:MemoryInMb)",)),
    "half a megabyte": (shared(component(memory="memory: 512.5MB")), "components.a.memory", ("no multiple of 1MB: SageMaker takes whole MB",)),
    "memory of storage": (shared(component(memory="memory: 1TB")), "components.a.memory", ("'1TB' is not a size of memory: write it like 512MB or 2GB",)),
    "most memory below the least": (shared(component("max_memory: 512MB")), "components.a.max_memory", ("512MB is less than the `memory` of 1GB that a copy is given: write 1GB or more, or leave it out",)),
    "a tenth of a core": (shared(component("cpus: 0.1")), "components.a.cpus", ("0.1 is out of range: at least 0.25",)),
    "half an accelerator": (shared(component("accelerators: 0.5"), hosting=GPU), "components.a.accelerators", ("0.5 is out of range: at least 1",)),
    "negative copies": (shared(component("copies: -1")), "components.a.copies", ("-1 is out of range: at least 0",)),
    "no image": (shared(component(model="{version: 2}")), "components.a.model.image", ("is missing: say what runs",)),
    "long name": (shared().replace("a: {model", f"{NAME}c: {{model"), f"components.{NAME}c", ("the inference component's name", "has 64 characters, at most 63 are allowed", "by 1")),
    "unknown placement": (shared(component("placement: {strategy: pack}")), "components.a.placement.strategy", ("'pack' is not 'spread' or 'binpack'",)),
    "large imbalance": (shared(component("placement: {strategy: spread, zone_imbalance: 101}")), "components.a.placement.zone_imbalance", ("101 is out of range: at most 100",)),
    # room
    "copy larger than the machine": (shared(component(memory="memory: 17GB")), "components.a.memory", ("a copy takes 17GB, and ml.m5.xlarge has 16GB: give a copy less, or host on a larger type",)),
    "copy of more cores": (shared(component("cpus: 5")), "components.a.cpus", ("a copy takes 5 cores, and ml.m5.xlarge has 4 cores: give a copy less",)),
    "accelerators of none": (shared(component("accelerators: 1")), "components.a.accelerators", ("a copy takes 1 accelerator, and ml.m5.xlarge has none: remove it, or host on a type with GPUs",)),
    "copy of more accelerators": (shared(component("accelerators: 5"), hosting=GPU), "components.a.accelerators", ("a copy takes 5 accelerators, and ml.g5.12xlarge has 4 accelerators",)),
    "copy larger than every machine": (shared(component(memory="memory: 33GB"), hosting=TWO), "components.a.memory", ("a copy takes 33GB, and ml.m5.2xlarge has 32GB",)),
    "too much together": (shared(component(memory="memory: 10GB"), component(memory="memory: 10GB")), "components", ("the fewest copies of all components take 20GB together, and 1 instance of ml.m5.xlarge has 16GB: have more instances (`managed_scaling: {max: …}`), larger ones, or fewer copies",)),
    "too many cores together": (shared(component("cpus: 3"), component("cpus: 1, copies: 2")), "components", ("take 5 cores together, and 1 instance of ml.m5.xlarge has 4 cores",)),
    "too many accelerators together": (shared(component("accelerators: 2, copies: 5"), hosting="{instance_type: ml.g5.12xlarge, managed_scaling: {min: 1, max: 2}}"), "components", ("take 10 accelerators together, and 2 instances of ml.g5.12xlarge have 8 accelerators",)),
    "too many at least": (shared(component("cpus: 2, copies: 9, scaling: {min: 9, max: 10}"), hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 1, max: 4}}"), "components", ("take 18 cores together, and 4 instances of ml.m5.xlarge have 16 cores",)),
    # by type
    "resources beside types": (shared(component(ON, model=None), hosting=TWO), "components.a.memory", ("stands beside `on`, which says it for each instance type: move it there, or drop `on`",)),
    "timeout beside types": (on(f"{ON}, startup_timeout: 5m"), "components.a.startup_timeout", ("stands beside `on`",)),
    "model that no type uses": (shared(component(ON, memory=""), hosting=TWO), "components.a.model", ("serves nothing, since every entry of `on` has a model of its own: remove it, or one of those",)),
    "type of another fleet": (on(ON.replace("ml.m5.2xlarge", "ml.c5.xlarge"), "{instance_type: ml.m5.xlarge}"), "components.a.on.ml.c5.xlarge", ("ml.c5.xlarge is none of the fleet's instance types: write one of ml.m5.xlarge, or add it to `pools` of the endpoint's hosting",)),
    "no model on one type": (on(ON.replace(f"model: {MODEL}, memory: 2GB", "memory: 2GB")), "components.a.on.ml.m5.2xlarge.model", ("is missing: say `model: {…}`, or one for all types beside `on`",)),
    "no memory on one type": (on(ON.replace(", memory: 2GB", "")), "components.a.on.ml.m5.2xlarge.memory", ("is missing: say how much a copy is given",)),
    "copy larger than its type": (on(ON.replace("memory: 1GB", "memory: 20GB")), "components.a.on.ml.m5.xlarge.memory", ("a copy takes 20GB, and ml.m5.xlarge has 16GB",)),
    # adapters
    "base of no component": (shared(component(), "{base: c, model: {}}"), "components.b.base", ("'c' is no component of this endpoint: write another, such as 'a'",)),
    "base of itself": (shared(component(), "{base: b, model: {}}"), "components.b.base", ("'b' is the component itself: write another, such as 'a'",)),
    "base of an adapter": (shared(component(), ADAPTER, "{base: b, model: {}}"), "components.c.base", ("'b' is an adapter too, and an adapter adapts a model: write another, such as 'a'",)),
    "base alone": (shared("{base: b, model: {}}"), "components.a.base", ("'b' is no component of this endpoint: add the component whose model it adapts",)),
    "memory of an adapter": (shared(component(), "{base: a, model: {}, memory: 1GB}"), "components.b.memory", ("stands beside `base`: an adapter takes what its base is given and runs in its container; remove it",)),
    "accelerators of an adapter": (shared(component("accelerators: 1"), "{base: a, model: {}, accelerators: 1}", hosting=GPU), "components.b.accelerators", ("stands beside `base`",)),
    "types of an adapter": (shared(component(), f"{{base: a, model: {{}}, {ON}}}", hosting=TWO), "components.b.on", ("stands beside `base`",)),
    "metrics of an adapter": (shared(component(), f"{{base: a, model: {{}}, {SCRAPE}}}"), "components.b.scrape", ("stands beside `base`",)),
    "image of an adapter": (shared(component(), f"{{base: a, model: {MODEL}}}"), "components.b.model.image", ("belongs to a container, and an adapter runs in its base's: its model has an `artifact` only; remove it",)),
    "script of an adapter": (shared(component(), "{base: a, model: {script: a.py}}"), "components.b.model.script", ("belongs to a container, and an adapter runs in its base's",)),
    "environment of an adapter": (shared(component(), "{base: a, model: {environment: {A: x}}}"), "components.b.model.environment", ("belongs to a container",)),
    "isolation of an adapter": (shared(component(), "{base: a, model: {network_isolation: true}}"), "components.b.model.network_isolation", ("belongs to a container",)),
    "adapter without an artifact": (shared(component(), "{base: a, model: {artifact: off}}"), "components.b.model.artifact", ("is missing: an adapter is an artifact; write `model: {}` for the one that is published",)),
    "adapter without a model": (shared(component(), "{base: a}"), "components.b.model", ("is missing: an adapter is an artifact",)),
    "prefix of an adapter": (shared(component(), "{base: a, model: {artifact: s3://bucket/adapter/}}"), "components.b.model.artifact", ("is a prefix, and a container that is written into a component takes a .tar.gz archive only (API:InferenceComponentContainerSpecification): name one",)),
    # containers that are written into the component
    "package of a scraped container": (inline(f"{{package: '{PACKAGE}'}}"), "components.a.model.package", ("cannot be said of a container whose metrics are scraped, since it is written into the component", "remove it, or `scrape`")),
    "name of a scraped container": (inline("{image: {framework: sklearn, tag: x}, hostname: scorer}"), "components.a.model.hostname", ("cannot be said of a container whose metrics are scraped",)),
    "prefix of a scraped container": (inline("{image: {framework: sklearn, tag: x}, artifact: s3://bucket/m/}"), "components.a.model.artifact", ("is a prefix, and a container that is written into a component takes a .tar.gz archive only",)),
    "large environment of a scraped container": (inline(f"{{image: {{framework: sklearn, tag: x}}, script: a.py, environment: {{{', '.join(f'A{i}: x' for i in range(15))}}}}}"), "components.a.model.environment", ("has 17 entries with those that `script` sets", "because of `scrape` may have 16", "leave 1 out")),
    "short name in the environment of a scraped container": (inline("{image: {framework: sklearn, tag: x}, environment: {A: x}}"), "components.a.model.environment.A", ("CloudFormation takes names of 2 characters or more there; call it otherwise",)),
    "scraped on one type": (on(ON.replace("memory: 1GB", f"memory: 1GB, {SCRAPE}").replace(MODEL, f"{{package: '{PACKAGE}'}}", 1)), "components.a.on.ml.m5.xlarge.model.package", ("cannot be said of a container whose metrics are scraped",)),
    "scraped at odd times": (shared(component("scrape: {path: /metrics, every: 15s}")), "components.a.scrape.every", ("15s is no interval at which metrics are published (API:MetricPublishFrequencyInSeconds): write 10s, or another of 10s, 30s, 1m, 2m, 3m, 4m, 5m",)),
    "scraped at no path": (shared(component("scrape: {path: metrics}")), "components.a.scrape.path", ("'metrics' is not accepted: it must match ^/",)),
    # all alike
    "isolated alone": (shared(component(model="{image: {framework: sklearn, tag: x}, network_isolation: true}"), component()), "components.b.model.network_isolation", ("an endpoint isolates all of its components or none (API:CreateEndpointConfig), and 'a' says `network_isolation: true`: write it here too, or remove it there",)),
    "target of a component": (shared(component("sample: {body: x, target: y}")), "components.a.sample.target", ("a component serves one model, so there is nothing else to name: remove `target`",)),
    "override of another component": (shared(overrides="{components: {b: {}}}"), "overrides.components.b", ("'b' is none of the endpoint's components: write one of a",)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "says"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_components_is_one_error(look: Look, text: str, key: str, says: tuple[str, ...]) -> None:
    errors = look(text).errors
    assert len(errors) == 1, f"one mistake, one error: {errors}"
    assert errors[0].startswith(f"{key}: "), errors[0]
    for part in says:
        assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (shared(component(memory="memory: 14GB")), "components.a.memory: a copy takes 14GB of the 16GB of ml.m5.xlarge, and the operating system and SageMaker take some of it: a copy may not fit"),
        (shared(component(memory="memory: 7GB"), component(memory="memory: 7GB")), "components: the fewest copies of all components take 14GB together, and 1 instance of ml.m5.xlarge has 16GB, of which the operating system and SageMaker take some: they may not fit"),
        (shared(component("cpus: 1, scaling: {min: 1, max: 9}"), hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 1, max: 2}}"), "components.a: autoscaling may want 9 copies, and 2 instances of ml.m5.xlarge hold 8 at most: have more (`managed_scaling: {max: 3}`), or lower `max`"),
        (shared(component("copies: 0"), component()), "components.a.copies: the service has been seen to refuse the creation of a component without a copy: write `copies: 1`"),
        (shared(component("scaling: {min: 0}")), "hosting: every component can go down to no copy, but the fleet stays and costs as much: write `managed_scaling: {min: 0, max: 1}`"),
        (shared(component("scaling: {min: 0}"), hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 1, max: 2}}"), "hosting: every component can go down to no copy, but the fleet stays and costs as much: write `managed_scaling: {min: 0, max: 2}`"),
        (on(f"on: {{ml.m5.xlarge: {{model: {MODEL}, memory: 1GB}}, ml.m5.2xlarge: {{model: {MODEL}, memory: 1GB}}}}", TWO.replace("]}", ", {instance_type: ml.m5.4xlarge, priority: 3}]}")), "components.a.on: says nothing of ml.m5.4xlarge, on which the fleet may run too, and whether copies start there then is not documented: add it"),
        (shared(component(SCRAPE), metrics="{detailed: false}"), "components.a.scrape: publishes nothing while the endpoint's metrics are not detailed (API:MetricsConfig): write `metrics: {detailed: true}`"),
        (shared(component("copies: 5, scaling: {min: 1, max: 4}"), component()), "components.a.copies: 5 is outside the scaling limits of 1 to 4: autoscaling would change it at once"),
    ],
)  # fmt: skip
def test_what_is_doubtful_about_components_is_a_warning(look: Look, text: str, says: str) -> None:
    (warning,) = look(text).warnings
    assert warning.startswith(says)


@pytest.mark.parametrize(
    "text",
    [
        shared(component(), ADAPTER),
        shared(component(), ADAPTER, "{base: a, model: {artifact: s3://bucket/b.tar.gz, version: 3}, copies: 1}"),
        shared(component("cpus: 0.25, max_memory: 1GB", memory="memory: 128MB")),
        shared(component("cpus: 4", memory="memory: 13.5GB")),
        shared(component("accelerators: 4"), hosting=GPU),
        shared(component("accelerators: 2"), hosting="{instance_type: ml.inf2.24xlarge}"),
        shared(component(memory="memory: 20GB"), hosting=TWO),
        shared(component("cpus: 2"), component("cpus: 2")),
        shared(component("scaling: {min: 0}"), hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 0, max: 2}}"),
        shared(component("cpus: 1, scaling: {max: 8}"), hosting="{instance_type: ml.m5.xlarge, managed_scaling: {min: 1, max: 2}}"),
        on(ON),
        on(f"model: {MODEL}, {ON.replace(f'model: {MODEL}, ', '')}"),
        on(f"model: {MODEL}, {ON.replace(f'model: {MODEL}, ', '', 1)}"),
        inline(f"{{image: {{framework: sklearn, tag: x}}, environment: {{{', '.join(f'A{i}: x' for i in range(16))}}}}}"),
        shared(component(SCRAPE), metrics="{detailed: true}"),
        shared(component("scrape: {path: /metrics, every: 5m}")),
        shared(component(model=f"{{package: '{PACKAGE}'}}")),
        shared(component(model="{image: {framework: sklearn, tag: x}, network_isolation: true}"), ADAPTER),
        shared(overrides="{components: {a: {}}, models: {a: {}}}"),
        shared().replace("a: {model", f"{NAME}: {{model"),
    ],
)  # fmt: skip
def test_what_components_may_say_has_no_finding(look: Look, text: str) -> None:
    found = look(text)
    assert (found.errors, found.warnings) == ((), ())


def test_a_scraped_container_takes_no_image_of_a_private_registry(look: Look) -> None:
    (error,) = look(inline("{image: {uri: 'registry.example.com/scorer:1', private: true}}"), top=NETWORK).errors
    assert error.startswith("components.a.model.image.private: cannot be said of a container whose metrics are scraped")


def test_two_models_of_one_name_are_refused(look: Look) -> None:
    text = on(ON).rstrip()[:-1] + f", a-ml-m5-xlarge: {component()}}}\n"
    (error,) = look(text).errors
    assert error.startswith("components.a-ml-m5-xlarge.model: its model would be called 'a-ml-m5-xlarge'")


def test_room_on_an_unknown_machine_is_not_judged(look: Look) -> None:
    hosting = "{instance_type: ml.zz9.large}"
    found = look(shared(component("accelerators: 8", memory="memory: 900GB"), hosting=hosting, alarms="off"))
    assert [warning.split(":")[0] for warning in found.warnings] == ["hosting.instance_type"]
    assert found.errors == ()

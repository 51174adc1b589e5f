"""The floor: emit the templates of a finished assembly from raw CfnResource objects, and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stacks.pinned_node import pin_node

pin_node()

from aws_cdk import (  # noqa: E402  (the pinned Node first)
    App,
    CfnOutput,
    CfnResource,
    Environment,
    Stack,
    Validations,
)

from stacks.flags import FLAGS  # noqa: E402


def declare(stack: Stack, template: dict[str, Any]) -> None:
    """Declare a template's resources and outputs in a stack."""
    made: dict[str, CfnResource] = {}
    for logical_id, declared in template["Resources"].items():
        properties = declared.get("Properties")
        resource = made[logical_id] = CfnResource(stack, logical_id, type=declared["Type"], properties=properties)
        for key in ("DeletionPolicy", "UpdateReplacePolicy"):
            if key in declared:
                resource.add_override(key, declared[key])
    for logical_id, declared in template["Resources"].items():
        for other in declared.get("DependsOn", []):
            made[logical_id].add_resource_dependency(made[other])
    for key, output in template.get("Outputs", {}).items():
        CfnOutput(stack, key, value=json.dumps(output["Value"]), description=output.get("Description"))


def stacks_of(app: App, assembly: Path) -> Iterator[Stack]:
    """Declare the stacks of an assembly again."""
    manifest = json.loads((assembly / "manifest.json").read_text())
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        account, region = artifact["environment"].removeprefix("aws://").split("/")
        template = json.loads((assembly / artifact["properties"]["templateFile"]).read_text())
        stack = Stack(
            app,
            name,
            env=Environment(account=account, region=region),
            description=template["Description"],
            tags=artifact["properties"].get("tags"),
            termination_protection=artifact["properties"].get("terminationProtection"),
        )
        declare(stack, template)
        yield stack


def emit(assembly: Path, outdir: Path, *, checked: bool) -> None:
    """Emit an assembly again.

    Parameters
    ----------
    assembly
        What was synthesized.
    outdir
        Where the copy goes.
    checked
        Run cdk-nag as well.
    """
    app = App(outdir=str(outdir), context=FLAGS, analytics_reporting=False)
    stacks = list(stacks_of(app, assembly))
    foundation = next(stack for stack in stacks if stack.stack_name.endswith("-foundation"))
    for stack in stacks:
        if stack is not foundation:
            stack.add_stack_dependency(foundation)
    if checked:
        from cdk_nag import AwsSolutionsChecks

        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        # Raw resources carry no acknowledgements; the work is done by then.
        if not (checked and "ValidationFailed" in str(error)):
            raise


if __name__ == "__main__":
    emit(Path(sys.argv[1]), Path(sys.argv[2]), checked=sys.argv[3] == "checked")

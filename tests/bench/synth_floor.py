"""The floor: emit the templates of a finished assembly from raw CfnResource objects, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

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
from cdk_nag import AwsSolutionsChecks  # noqa: E402

from stacks.flags import FLAGS  # noqa: E402


def emit(assembly: Path, outdir: Path, *, checked: bool) -> None:
    """Emit the stacks of an assembly again.

    Parameters
    ----------
    assembly
        What was synthesized.
    outdir
        Where the copy goes.
    checked
        Run cdk-nag as well.
    """
    manifest = json.loads((assembly / "manifest.json").read_text())
    app = App(outdir=str(outdir), context=FLAGS, analytics_reporting=False)
    stacks: dict[str, Stack] = {}
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
        stacks[name] = stack
        made: dict[str, CfnResource] = {}
        for logical_id, declared in template["Resources"].items():
            resource = made[logical_id] = CfnResource(
                stack, logical_id, type=declared["Type"], properties=declared.get("Properties")
            )
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                if key in declared:
                    resource.add_override(key, declared[key])
        for logical_id, declared in template["Resources"].items():
            for other in declared.get("DependsOn", []):
                made[logical_id].add_resource_dependency(made[other])
        for key, output in template.get("Outputs", {}).items():
            CfnOutput(stack, key, value=json.dumps(output["Value"]), description=output.get("Description"))
    foundation = next(stack for name, stack in stacks.items() if name.endswith("-foundation"))
    for stack in stacks.values():
        if stack is not foundation:
            stack.add_stack_dependency(foundation)
    if checked:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:
        # Raw resources carry no acknowledgements; the work is done by then.
        if not (checked and "ValidationFailed" in str(error)):
            raise


if __name__ == "__main__":
    emit(Path(sys.argv[1]), Path(sys.argv[2]), checked=sys.argv[3] == "checked")

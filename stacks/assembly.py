"""The app of one environment: its stacks in the order in which they are deployed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, Validations

from slipway.spec.environment import Environment
from stacks.endpoint_stack import EndpointStack
from stacks.flags import FLAGS
from stacks.foundation_stack import FoundationStack
from stacks.operations_stack import OperationsStack


def assemble(
    environment: Environment,
    *,
    outdir: Path | None = None,
    checked: bool = True,
    context: Mapping[str, object] | None = None,
) -> App:
    """Declare every stack of an environment.

    Parameters
    ----------
    environment
        A checked environment.
    outdir
        Where the cloud assembly goes; CDK's default otherwise.
    checked
        Hold the templates against cdk-nag's AwsSolutions at synth.
    context
        Further context; the feature flags are always there.

    Returns
    -------
    App
        Ready for ``synth()``.
    """
    app = App(
        outdir=str(outdir) if outdir else None,
        context={**FLAGS, **(context or {})},
        analytics_reporting=False,
    )
    declare(app, environment)
    if checked:
        check(app)
    return app


def declare(app: App, environment: Environment) -> None:
    """Declare the stacks of one environment in an app, which may hold those of several.

    Parameters
    ----------
    app
        The app.
    environment
        A checked environment.
    """
    foundation = FoundationStack(app, environment=environment)
    others = [EndpointStack(app, environment=environment, name=name) for name in environment.endpoints]
    for stack in (*others, OperationsStack(app, environment=environment)):
        # Names are literals, which make no dependency by themselves.
        stack.add_stack_dependency(foundation)


def check(app: App) -> None:
    """Hold an app's templates against cdk-nag's AwsSolutions at synth.

    Parameters
    ----------
    app
        The app.
    """
    # Loading it costs a seventh of a second, which whoever does not check need not pay.
    from cdk_nag import AwsSolutionsChecks

    Validations.of(app).add_plugins(AwsSolutionsChecks(app))

"""What the cleanup of idle endpoints is told: the config, as the environment variables of its function."""

from __future__ import annotations

import json
from collections.abc import Mapping

from slipway.spec.cleanup import Cleanup
from slipway.spec.environment import Environment


def opt_in(environment: Environment) -> Mapping[str, str]:
    """Name the tags of what the cleanup looks at: those of this environment, since accounts are shared.

    Parameters
    ----------
    environment
        The environment.

    Returns
    -------
    Mapping of str to str
        Tags that an endpoint must have.
    """
    return {"Environment": environment.environment, "Project": environment.project, "Team": environment.team}


def variables(environment: Environment, cleanup: Cleanup) -> dict[str, str]:
    """Write the environment variables of the function.

    Parameters
    ----------
    environment, cleanup
        The environment, and how its cleanup was declared.

    Returns
    -------
    dict of str to str
        What `idle_endpoint_cleanup.settings.Settings.read` takes. Where nothing is deleted, nothing names what that
        would need.
    """
    made = {
        "OPT_IN_TAGS": json.dumps(opt_in(environment), sort_keys=True),
        "MODE": "dry-run",
        "WINDOW_HOURS": _hours(cleanup.window.seconds),
        "GRACE_HOURS": _hours(cleanup.grace.seconds),
        "MAX_DELETIONS": str(cleanup.most),
        "KEPT_REVISIONS": str(cleanup.revisions),
    }
    if cleanup.mode == "delete":
        names = environment.names
        made |= {"MODE": "delete", "TOPIC_ARN": names.topic_arn, "RECORD_PATH": names.removals}
    return made


def _hours(seconds: int) -> str:
    return str(seconds // 3600)

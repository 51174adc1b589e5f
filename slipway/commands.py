"""What each command of `slipway` does. The first line of its docstring is its help.

Nothing heavy is imported before it is needed, so that `--help` is there at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.spec.load import Loaded

OK, FAILED, WRONG = 0, 1, 2
#: A plan has a finding at which it is to fail.
FOUND = 3
#: Where `slipway prices refresh` writes and `slipway plan` looks, in the config folder.
PRICES = "prices.json"


def _loaded(args: argparse.Namespace) -> Loaded:
    from slipway.spec.load import load

    loaded = load(args.config, args.env)
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    return loaded


# -- config


def _no_folder(path: Path) -> str:
    return f"{path}: is no folder: run this where `config/` is, or name it with --config"


def config_check(args: argparse.Namespace) -> int:
    """Check one environment, or all of them."""
    from slipway.spec.errors import ConfigError
    from slipway.spec.load import environments, load

    names = [args.env] if args.env else list(environments(args.config))
    if not names and not args.config.is_dir():
        print(_no_folder(args.config), file=sys.stderr)
        return WRONG
    if not names:
        print(
            f"{args.config}: there is no environment here: write {args.config}/dev.yaml",
            file=sys.stderr,
        )
        return WRONG
    lines: dict[str, None] = {}
    failed = False
    for name in names:
        try:
            loaded = load(args.config, name)
        except ConfigError as error:
            failed = True
            lines |= {str(problem): None for problem in error.problems}
        else:
            lines |= {str(warning): None for warning in loaded.warnings}
            endpoints = len(loaded.environment.endpoints)
            print(f"{name}: {endpoints} endpoint{'' if endpoints == 1 else 's'}, fine")
    for line in lines:
        print(line, file=sys.stderr)
    return WRONG if failed else OK


def config_show(args: argparse.Namespace) -> int:
    """Print an environment as it is after merging, defaults included."""
    import json

    import yaml

    environment = _loaded(args).environment
    data = environment.model_dump(mode="json", exclude_none=True)
    if args.json:
        print(json.dumps(data, indent=2))
    else:
        print(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), end="")
    return OK


def config_schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of the config files, or write it beside them."""
    from slipway.spec.schema import schema_text

    text = schema_text()
    if args.write and not args.config.is_dir():
        print(_no_folder(args.config), file=sys.stderr)
        return WRONG
    if args.write:
        (args.config / "schema.json").write_text(text, encoding="utf-8")
        print(args.config / "schema.json")
    else:
        print(text, end="")
    return OK


def config_images(args: argparse.Namespace) -> int:
    """List the frameworks whose images AWS publishes, with their repositories and recent tags."""
    from slipway.ops.table import show
    from slipway.spec import images

    rows = []
    for framework in images.frameworks():
        regions = images.regions(framework)
        _, repository = images.registry(framework, args.region if args.region in regions else regions[0])
        tags = images.newest_tags(framework)
        rows.append((framework, repository, f"{len(regions)} Regions", tags[0] if tags else ""))
    show(("framework", "repository", "known in", "a recent tag"), rows)
    return OK


# -- local AWS


def local_start(args: argparse.Namespace) -> int:
    """Start the local AWS."""
    from slipway.local import control

    running = control.start(port=args.port)
    print(f'local AWS at {running.url} (process {running.pid}); point a shell at it with: eval "$(slipway local env)"')
    return OK


def local_stop(args: argparse.Namespace) -> int:
    """Stop the local AWS; everything in it is gone then."""
    del args
    from slipway.local import control

    print("stopped" if control.stop() else "there was none to stop")
    return OK


def local_status(args: argparse.Namespace) -> int:
    """Say whether the local AWS runs."""
    del args
    from slipway.local import control

    running = control.status()
    print(f"local AWS at {running.url} (process {running.pid})" if running else "no local AWS runs here")
    return OK if running else FAILED


def local_env(args: argparse.Namespace) -> int:
    """Print the shell commands that point any AWS tool at the local AWS."""
    import os
    import shlex

    from slipway.local import control

    environment = _loaded(args).environment
    running = control.status()
    if running is None:
        print("no local AWS runs here: start it with `slipway local start`", file=sys.stderr)
        return FAILED
    for name in control.removed(os.environ):
        print(f"unset {name}")
    for name, value in control.environment(running.url, environment.account, environment.region).items():
        print(f"export {name}={shlex.quote(value)}")
    return OK


# -- models and deployments


def publish(args: argparse.Namespace) -> int:
    """Package a folder, upload it under its version, and record its hash."""
    from slipway.ops.publish import publish as run
    from slipway.ops.publish import published_models
    from slipway.ops.target import choose
    from slipway.spec.load import LOCK, load_unpublished
    from slipway.spec.lock import artifact_key

    try:
        artifact_key(args.model, args.version)
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG
    environment = load_unpublished(args.config, args.env)
    known = published_models(environment)
    if not any(args.model == model or (model.endswith("/") and args.model.startswith(model)) for model in known):
        print(f"note: {_unknown(f'no endpoint uses a model {args.model!r}', args.model, known)}", file=sys.stderr)
    target = choose(environment, args.target)
    print(target.where)
    done = run(
        args.folder,
        model=args.model,
        version=args.version,
        bucket=environment.names.bucket,
        lock_path=args.config / LOCK,
        s3=target.client("s3"),
    )
    print(f"{'uploaded' if done.uploaded else 'already there'}: {done.uri} ({done.size:,} bytes)")
    print(f"sha256 {done.sha256}, recorded in {args.config / LOCK}")
    return OK


def deploy(args: argparse.Namespace) -> int:
    """Bring an environment to what its config says."""
    from slipway.ops.deploy import Deployer
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    for name in args.wake:
        if name not in environment.endpoints:
            print(_no_endpoint(name, tuple(environment.endpoints)), file=sys.stderr)
            return WRONG
    target = choose(environment, args.target, start=True)
    print(target.where, flush=True)
    Deployer(environment, target, args.config, wake=args.wake).run()
    return _status(args, ask=True)


def diff(args: argparse.Namespace) -> int:
    """Show what a deployment would change."""
    from slipway.ops.deploy import Deployer
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    target = choose(environment, args.target)
    print(target.where, flush=True)
    return Deployer(environment, target, args.config).diff()


def idle(args: argparse.Namespace) -> int:
    """Show which endpoints the cleanup would remove and when, and why the others stay; change nothing."""
    import json

    from slipway.ops.idle import COLUMNS, look
    from slipway.ops.table import show
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr if args.json else sys.stdout, flush=True)
    cleanup = environment.cleanup
    if not cleanup:
        nothing = {"mode": "off", "endpoints": [], "revisions": {}, "failures": {}}
        print(json.dumps(nothing, indent=2) if args.json else f"`cleanup` is off in {args.env}: nothing goes")
        return OK
    found = look(environment, cleanup, target)
    if args.json:
        print(json.dumps(found.as_dict(), indent=2))
    else:
        how = "goes" if cleanup.mode == "delete" else "is only reported here"
        print(f"without traffic for {cleanup.window} an endpoint {how}; {cleanup.at}, {cleanup.timezone}\n")
        if found.rows:
            show(COLUMNS, [row.cells for row in found.rows])
        else:
            print("there is no endpoint with this environment's tags")
        revisions = found.revisions
        print(
            f"\nretired configs and models: {revisions['examined']} examined, {len(revisions['marked'])} to be marked, "
            f"{len(revisions['deleted'])} {'to go' if cleanup.mode == 'delete' else 'surplus'}"
        )
    for name, why in found.failures.items():
        print(f"{name}: {why}", file=sys.stderr)
    return FAILED if found.failures else OK


def status(args: argparse.Namespace) -> int:
    """Show every endpoint of an environment."""
    return _status(args, ask=args.ask)


def _status(args: argparse.Namespace, *, ask: bool) -> int:
    import json
    from dataclasses import fields

    from slipway.ops.inventory import MISSING, UNASKED, Inventory, Row
    from slipway.ops.table import show
    from slipway.ops.target import choose
    from slipway.spec.load import load

    environment = load(args.config, args.env).environment
    target = choose(environment, args.target)
    inventory = Inventory(environment, target)
    rows, undeclared = list(inventory.rows(ask=ask)), list(inventory.undeclared())
    if getattr(args, "json", False):
        print(json.dumps([row.as_dict() for row in [*rows, *undeclared]], indent=2))
    else:
        if ask:
            print()
        # What no endpoint here has, such as components, needs no column.
        names = [f.name for f in fields(Row) if f.name not in ("answer", "declared")]
        columns = [name for name in names if any(getattr(row, name) for row in rows)] or names
        show(columns, [[str(getattr(row, column)) for column in columns] for row in rows])
        for row in undeclared:
            print(inventory.remedy(row))
        if ask:
            print()
        for name, answer in {row.name: row.answer for row in rows if row.answer}.items():
            print(f"{name}: {answer}" if answer.startswith(UNASKED) else f"{name} answered: {answer}")
    return FAILED if any(row.status == MISSING or row.answer.startswith("error:") for row in rows) else OK


def invoke(args: argparse.Namespace) -> int:
    """Send an endpoint a request and print its answer."""
    from dataclasses import replace

    from slipway.ops.invoke import Invoker, Request, check, request_of, sample_of
    from slipway.ops.target import choose

    environment = _loaded(args).environment
    if args.endpoint not in environment.endpoints:
        print(_no_endpoint(args.endpoint, tuple(environment.endpoints)), file=sys.stderr)
        return WRONG
    endpoint = environment.endpoints[args.endpoint]
    sample = sample_of(endpoint, args.component)
    if args.body is not None:
        body = sys.stdin.buffer.read() if args.body == "-" else args.body.encode()
        request = Request(body, "application/json", component=args.component)
    elif sample is not None:
        request = request_of(endpoint, sample, args.component)
    else:
        request = Request(b"", "", component=args.component)
    said = {key: getattr(args, key) for key in ("content_type", "variant", "target_model", "container")}
    request = replace(request, **{key: value for key, value in said.items() if value is not None})
    check(args.endpoint, endpoint, request)
    if args.body is None and sample is None:
        print(f"{args.endpoint} declares no `sample`: give a body, or - for standard input", file=sys.stderr)
        return WRONG
    target = choose(environment, args.target)
    print(target.where, file=sys.stderr)
    answer = Invoker(environment, target).invoke(args.endpoint, request)
    if answer.location:
        print(f"answered in {answer.location}", file=sys.stderr)
    # As it came, since it may be binary and go to a file; only a terminal's prompt wants a line of its own.
    end = b"\n" if sys.stdout.isatty() and not answer.body.endswith(b"\n") else b""
    sys.stdout.buffer.write(answer.body + end)
    sys.stdout.buffer.flush()
    return OK


# -- before a deployment


def plan(args: argparse.Namespace) -> int:
    """Say what a deployment does: resources, rollout, instances, cost, and what the service would refuse."""
    from slipway.plan import outputs, prices
    from slipway.plan.planning import plan as run
    from slipway.plan.sides import sides
    from slipway.rollout.fleets import Pace
    from slipway.spec.cloudformation import NoSchemasError

    place = None
    if args.deployed:
        from slipway.ops.target import choose

        place = choose(_loaded(args).environment, args.target)
    found = sides(args.sides, environment=args.env, config=args.config, revision=args.against, place=place)
    file = args.prices or (args.config / PRICES if (args.config / PRICES).is_file() else None)
    known = prices.read(file) if file else None
    try:
        made = run(found.old, found.new, live=found.live, prices=known, pace=Pace(provision=args.provision))
    except NoSchemasError:
        print("the schemas of resources are not installed: `pip install 'slipway[local]'`", file=sys.stderr)
        return FAILED
    files = {"markdown": args.markdown, "json": args.json, "html": args.html}
    outputs.write(made, files, details=not args.brief)
    return FOUND if made.has(frozenset(args.fail_on)) else OK


def rehearse(args: argparse.Namespace) -> int:
    """Try an update with faults before it happens, and show what its alarms miss."""
    from slipway.rehearsal.command import run

    return run(args)


def prices_refresh(args: argparse.Namespace) -> int:
    """Fetch the prices of instances from the AWS Price List API into a file with its date."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from slipway.ops.target import aws_target
    from slipway.plan import outputs, prices
    from slipway.spec.load import environments, load_unpublished

    environment = load_unpublished(args.config, args.env)
    regions = [load_unpublished(args.config, name).region for name in environments(args.config)]
    target = aws_target(environment)
    print(target.where)
    client = replace(target, region=prices.API_REGION).client("pricing")
    found = prices.fetch(client, regions, datetime.now(UTC).date())
    file = args.out or args.config / PRICES
    outputs.save(file, prices.text(found))
    listed = ", ".join(f"{region} {len(hourly)}" for region, hourly in sorted(found.hourly.items()))
    print(f"{file}: instance types with a price: {listed}")
    return OK


def _no_endpoint(name: str, known: Sequence[str]) -> str:
    return _unknown(f"no endpoint is called {name!r}", name, known)


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    hint = f", did you mean {close[0]}?" if close else "."
    return f"{what}{hint} There is: {', '.join(known) or 'none'}"

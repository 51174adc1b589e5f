"""What a deployment would do: the difference between a request and what a stack has."""

from collections.abc import Callable, Mapping

from slipway.local.engine.documents import Document, Json, dependency_order
from slipway.local.engine.errors import TemplateError
from slipway.local.engine.intrinsics import Resolver, Surroundings
from slipway.local.engine.resource_type import Catalogue
from slipway.local.engine.schemas import needs_replacement, with_stack_tags
from slipway.local.engine.state import Change, Output, Request, Resource, Stack

_SSM_PARAMETER = "AWS::SSM::Parameter::Value<"


def parameter_values(
    template: Document, given: Mapping[str, str], stored_parameter: Callable[[str], str | None]
) -> dict[str, Json]:
    """Return the values of a template's parameters.

    Parameters
    ----------
    template
        The parsed template.
    given
        Values from the request; defaults fill what is missing.
    stored_parameter
        Reads a Systems Manager parameter.

    Raises
    ------
    TemplateError
        When a parameter has no value, does not exist, or is not among its AllowedValues.
    """
    declared = template.get("Parameters") or {}
    extra = sorted(set(given) - set(declared))
    if extra:
        raise TemplateError(f"Parameters: [{', '.join(extra)}] do not exist in the template")
    values: dict[str, Json] = {}
    for name, definition in declared.items():
        value: Json = given.get(name, definition.get("Default"))
        if value is None:
            raise TemplateError(f"Parameters: [{name}] must have values")
        allowed = definition.get("AllowedValues")
        if allowed and str(value) not in {str(item) for item in allowed}:
            raise TemplateError(f"Parameter '{name}' must be one of AllowedValues")
        kind = definition.get("Type", "String")
        if kind.startswith(_SSM_PARAMETER):
            key, value = value, stored_parameter(value)
            if value is None:
                raise TemplateError(f"Unable to fetch parameters [{key}] from parameter store for this account.")
            kind = kind.removeprefix(_SSM_PARAMETER).removesuffix(">")
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            value = [item.strip() for item in str(value).split(",")]
        values[name] = value
    return values


def resolver(
    stack: Stack,
    request: Request,
    resources: Mapping[str, Resource],
    surroundings: Surroundings,
    stored_parameter: Callable[[str], str | None],
    *,
    planning: bool = False,
) -> Resolver:
    """Return the resolver for a request to a stack."""
    pseudo: dict[str, Json] = {
        "AWS::AccountId": stack.account,
        "AWS::Region": stack.region,
        "AWS::StackId": stack.stack_id,
        "AWS::StackName": stack.name,
        "AWS::Partition": partition(stack.region),
        "AWS::URLSuffix": ("amazonaws.com.cn" if stack.region.startswith("cn-") else "amazonaws.com"),
        "AWS::NotificationARNs": list(request.notification_arns),
        "AWS::NoValue": None,
    }
    values = parameter_values(request.template, request.parameters, stored_parameter)
    return Resolver(
        template=request.template,
        pseudo=pseudo,
        parameters=values,
        resources=resources,
        surroundings=surroundings,
        planning=planning,
    )


def partition(region: str) -> str:
    """Return the partition of a Region."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def resolved_properties(stack: Stack, request: Request, resolving: Resolver, definition: Document) -> Document:
    """Return a resource's properties with functions answered and the stack's tags added."""
    properties = resolving.resolve(definition.get("Properties") or {})
    return with_stack_tags(definition["Type"], stack.region, properties, dict(request.tags))


def resolved_outputs(resolving: Resolver) -> dict[str, Output]:
    """Return the outputs of a template."""
    outputs = {}
    for key, definition in resolving.active("Outputs").items():
        export = definition.get("Export")
        outputs[key] = Output(
            key=key,
            value=_text(resolving.resolve(definition["Value"])),
            description=definition.get("Description"),
            export=_text(resolving.resolve(export["Name"])) if export else None,
        )
    return outputs


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def changes(stack: Stack, request: Request, resolving: Resolver, catalogue: Catalogue) -> list[Change]:
    """Return what a deployment of the request would do, in the order in which it would.

    Raises
    ------
    TemplateError
        When the template cannot be deployed: unknown types and names, a changed type, a circle.
    """
    wanted = resolving.active()
    found: list[Change] = []
    for name in dependency_order(wanted):
        definition = wanted[name]
        catalogue[definition["Type"]]
        properties = resolved_properties(stack, request, resolving, definition)
        change = _change(stack, name, definition, properties)
        if change is None:
            continue
        if change.action == "Add" or change.replacement:
            resolving.unknown.add(name)
        found.append(change)
    found.extend(
        Change("Remove", name, gone.type, gone.physical_id)
        for name, gone in stack.resources.items()
        if name not in wanted
    )
    return found


def _change(stack: Stack, name: str, definition: Document, properties: Document) -> Change | None:
    kind = definition["Type"]
    present = stack.resources.get(name)
    if present is None:
        return Change("Add", name, kind)
    check_same_type(present, definition)
    if properties == present.properties:
        if same_policies(present.definition, definition):
            return None
        return Change("Modify", name, kind, present.physical_id)
    return Change(
        action="Modify",
        logical_id=name,
        type=kind,
        physical_id=present.physical_id,
        replacement=needs_replacement(kind, stack.region, present.properties, properties),
        properties=changed_keys(present.properties, properties),
    )


def check_same_type(present: Resource, definition: Document) -> None:
    """Refuse an update that gives a logical id another type, as the service does."""
    if present.type != definition["Type"]:
        raise TemplateError(
            "Update of resource type is not permitted. The new template modifies resource type "
            f"of the following resources: [{present.logical_id}]"
        )


def same_policies(old: Document, new: Document) -> bool:
    """Tell whether what stands beside the properties is the same (the CDK's paths aside)."""
    return all(old.get(key) == new.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy"))


def changed_keys(old: Document, new: Document) -> tuple[str, ...]:
    """Return the top-level properties that differ."""
    return tuple(key for key in {**old, **new} if old.get(key) != new.get(key))

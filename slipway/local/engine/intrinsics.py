"""The intrinsic functions, as far as the CDK emits them."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slipway.local.engine.documents import SUBSTITUTION, Document, Json
from slipway.local.engine.errors import TemplateError

# Stands for the identity that a resource will only get when it is made. A text that holds it
# differs from any text that is known, so a plan sees dependents of a replacement as changed.
UNKNOWN = "{{known after apply}}"


class Identity(Protocol):
    """What Ref and Fn::GetAtt need to know of a resource."""

    @property
    def type(self) -> str:
        """The resource type."""

    @property
    def physical_id(self) -> str:
        """What Ref answers."""

    @property
    def attributes(self) -> Mapping[str, Json]:
        """What Fn::GetAtt answers."""


class Surroundings(Protocol):
    """What a template can see outside itself."""

    def exported(self, name: str) -> str:
        """Return the value of an export; raise TemplateError when there is none."""

    def output(self, stack_name: str, output: str, region: str | None) -> str:
        """Return an output of another stack; raise TemplateError when there is none."""


@dataclass
class Resolver:
    """Resolves values of one template.

    Attributes
    ----------
    template
        The parsed template.
    pseudo
        Values of the pseudo parameters (``AWS::Region`` and so on).
    parameters
        Values of the template's parameters.
    resources
        The resources that exist so far, by logical id; may change while resolving goes on.
    planning
        Whether resources that do not exist yet are answered with ``UNKNOWN``.
    unknown
        Logical ids whose present identity will change; only used while planning.
    """

    template: Document
    pseudo: Mapping[str, Json]
    parameters: Mapping[str, Json]
    resources: Mapping[str, Identity]
    surroundings: Surroundings
    planning: bool = False
    unknown: set[str] = field(default_factory=set)
    _conditions: dict[str, bool] = field(default_factory=dict)

    def active(self, section: str = "Resources") -> dict[str, Document]:
        """Return the members of a section whose Condition holds."""
        return {
            name: definition
            for name, definition in (self.template.get(section) or {}).items()
            if "Condition" not in definition or self.condition(definition["Condition"])
        }

    def condition(self, name: str) -> bool:
        """Evaluate a condition of the template.

        Raises
        ------
        TemplateError
            When the template has no such condition.
        """
        if name not in self._conditions:
            conditions = self.template.get("Conditions") or {}
            if name not in conditions:
                raise TemplateError(f"Template error: unresolved condition dependency {name}")
            self._conditions[name] = bool(self.resolve(conditions[name]))
        return self._conditions[name]

    def ref(self, name: str) -> Json:
        """Answer Ref."""
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if name in self.unknown:
            return UNKNOWN
        if name in self.resources:
            return self.resources[name].physical_id
        if self.planning and name in (self.template.get("Resources") or {}):
            return UNKNOWN
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
        )

    def attribute(self, name: str, attribute: str) -> Json:
        """Answer Fn::GetAtt."""
        if name in self.unknown:
            return UNKNOWN
        if name not in self.resources:
            if self.planning and name in (self.template.get("Resources") or {}):
                return UNKNOWN
            raise TemplateError("Template error: instance of Fn::GetAtt references undefined resource " + name)
        resource = self.resources[name]
        if attribute not in resource.attributes:
            raise TemplateError(
                f"Template error: resource {name} ({resource.type}) does not support attribute "
                f"type {attribute} in Fn::GetAtt; it has {sorted(resource.attributes) or 'none'}"
            )
        return resource.attributes[attribute]

    def resolve(self, value: Json) -> Json:
        """Return a value with every function in it answered; AWS::NoValue removes its place.

        Raises
        ------
        TemplateError
            When a name is unknown or a function is not supported.
        """
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name == "Ref":
                return self.ref(argument)
            if name.startswith("Fn::"):
                function = FUNCTIONS.get(name)
                if function is None:
                    raise TemplateError(
                        f"Template error: {name} is not supported by the local CloudFormation; "
                        f"it has {', '.join(sorted(FUNCTIONS))}"
                    )
                return function(self, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not None}


def _get_att(of: Resolver, argument: Json) -> Json:
    if isinstance(argument, str):
        name, _, attribute = argument.partition(".")
    else:
        name, attribute = argument[0], ".".join(str(of.resolve(part)) for part in argument[1:])
    return of.attribute(name, attribute)


def _join(of: Resolver, argument: Json) -> Json:
    parts = of.resolve(argument[1])
    if isinstance(parts, str):  # a list that is not known yet
        return UNKNOWN
    return argument[0].join(str(part) for part in parts)


def _split(of: Resolver, argument: Json) -> Json:
    return str(of.resolve(argument[1])).split(argument[0])


def _select(of: Resolver, argument: Json) -> Json:
    index, items = int(of.resolve(argument[0])), of.resolve(argument[1])
    if UNKNOWN in items if isinstance(items, str) else any(UNKNOWN in str(i) for i in items):
        return UNKNOWN
    if not 0 <= index < len(items):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[index]


def _if(of: Resolver, argument: Json) -> Json:
    return of.resolve(argument[1] if of.condition(argument[0]) else argument[2])


def _equals(of: Resolver, argument: Json) -> Json:
    left, right = of.resolve(argument)
    return str(left) == str(right)


def _find_in_map(of: Resolver, argument: Json) -> Json:
    name, first, second = (of.resolve(part) for part in argument[:3])
    try:
        return of.template["Mappings"][name][first][second]
    except KeyError:
        raise TemplateError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def _base64(of: Resolver, argument: Json) -> Json:
    return base64.b64encode(str(of.resolve(argument)).encode()).decode()


def _zones(of: Resolver, argument: Json) -> Json:
    region = of.resolve(argument) or of.pseudo["AWS::Region"]
    return [f"{region}{zone}" for zone in "abc"]


def _import_value(of: Resolver, argument: Json) -> Json:
    return of.surroundings.exported(of.resolve(argument))


def _stack_output(of: Resolver, argument: Json) -> Json:
    wanted = of.resolve(argument)
    return of.surroundings.output(wanted["StackName"], wanted["OutputName"], wanted.get("Region"))


def _sub(of: Resolver, argument: Json) -> Json:
    text, own = (argument, {}) if isinstance(argument, str) else argument
    own = of.resolve(own)

    def replacement(name: str) -> str:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in own:
            return str(own[name])
        resource, _, attribute = name.partition(".")
        return str(of.attribute(resource, attribute) if attribute else of.ref(name))

    return SUBSTITUTION.sub(lambda match: replacement(match.group(1)), text)


FUNCTIONS: Mapping[str, Callable[[Resolver, Json], Json]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::Not": lambda of, argument: not of.resolve(argument[0]),
    "Fn::And": lambda of, argument: all(of.resolve(part) for part in argument),
    "Fn::Or": lambda of, argument: any(of.resolve(part) for part in argument),
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _zones,
    "Fn::ToJsonString": lambda of, argument: json.dumps(of.resolve(argument)),
    "Fn::Length": lambda of, argument: len(of.resolve(argument)),
    "Fn::ImportValue": _import_value,
    "Fn::GetStackOutput": _stack_output,
    "Fn::Sub": _sub,
}

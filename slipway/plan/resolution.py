"""A template with its functions answered as far as that is possible before anything is deployed.

What only a deployment can tell stands as a name in brackets, such as ``⟨InferenceConfig.EndpointConfigName⟩``; two
sides that mean the same thing have the same name. The identity of a resource that is replaced gets another name, so
whoever refers to it is seen to change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.local.engine.documents import Document, Json, references
from slipway.local.engine.errors import TemplateError
from slipway.local.engine.intrinsics import FUNCTIONS, Resolver
from slipway.plan.assembly import Stack
from slipway.spec.cloudformation import schema

OPEN, CLOSE = "⟨", "⟩"
#: Pick something out of a value, which says nothing where the value is only a name.
_PICKING = frozenset({"Fn::Select", "Fn::Split", "Fn::Base64", "Fn::Length", "Fn::GetAZs", "Fn::FindInMap"})
#: What becomes of functions that are none, such as a Join without a list.
_MALFORMED = (TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError)
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True)
class Resource:
    """One resource of a side.

    Attributes
    ----------
    logical_id, type
        Its key in the template, and its type.
    properties
        With functions answered.
    deletion_policy, replace_policy
        DeletionPolicy and UpdateReplacePolicy; ``Delete`` by default.
    refers
        The logical ids that it refers to.
    """

    logical_id: str
    type: str
    properties: Document
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    refers: frozenset[str] = frozenset()


def unknown(value: object) -> bool:
    """Whether a value, or a part of it, is only known by deploying."""
    return OPEN in (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def plain(text: str) -> str:
    """A text for people: names that stand for values lose their brackets, and the mark of those that are replaced."""
    return text.replace(f" replaced{CLOSE}", "").replace(OPEN, "").replace(CLOSE, "")


class _Elsewhere:
    """What other stacks say, which nobody asks while planning."""

    def exported(self, name: str) -> str:
        return f"{OPEN}export {name}{CLOSE}"

    def output(self, stack_name: str, output: str, region: str | None) -> str:
        return f"{OPEN}output {output} of {stack_name}{' in ' + region if region else ''}{CLOSE}"


@dataclass
class Symbolic(Resolver):
    """Resolves one template without anything deployed.

    Attributes
    ----------
    replaced
        Logical ids whose identity will be another one.
    guessed
        Conditions that rest on what is not known: what stands under them may differ.
    """

    replaced: set[str] = field(default_factory=set)
    guessed: set[str] = field(default_factory=set)

    def condition(self, name: str) -> bool:
        """Evaluate a condition; one that cannot be told counts as it would with the names that stand for values."""
        definition = (self.template.get("Conditions") or {}).get(name)
        if definition is not None and name not in self._conditions and self._open(definition):
            self.guessed.add(name)
        return super().condition(name)

    def _open(self, value: Json) -> bool:
        """Whether a parameter without a known value is used, or what another stack says."""
        return any(unknown(self.ref(name)) for name in _references(value) if name in self.parameters)

    def ref(self, name: str) -> Json:
        """Answer Ref: a literal where the template gives one, else a name."""
        if name in self.pseudo or name in self.parameters:
            return super().ref(name)
        identifier = schema(self._type(name), self._region).get("primaryIdentifier") or []
        if len(identifier) == 1:
            literal = self._literal(name, identifier[0].removeprefix("/properties/"))
            if literal is not None:
                return literal
        return self._name(name)

    def attribute(self, name: str, attribute: str) -> Json:
        """Answer Fn::GetAtt: a literal where it is a property that the template gives, else a name."""
        literal = self._literal(name, attribute)
        return self._name(f"{name}.{attribute}", name) if literal is None else literal

    def resolve(self, value: Json) -> Json:
        """Return a value with every function in it answered, or named."""
        try:
            named = self._named(value)
            return super().resolve(value) if named is None else named
        except _MALFORMED:
            return f"{OPEN}{json.dumps(value, ensure_ascii=False, default=str)}{CLOSE}"

    def _named(self, value: Json) -> str | None:
        """The name of a function that cannot be answered; ``None`` where it can, and for anything else."""
        if not isinstance(value, dict) or len(value) != 1:
            return None
        ((name, argument),) = value.items()
        if not str(name).startswith("Fn::"):
            return None
        if name not in FUNCTIONS:
            return self._function(name, argument)
        if name in _PICKING and unknown(resolved := self.resolve(argument)):
            return self._function(name, resolved)
        if name == "Fn::Join" and isinstance(parts := self.resolve(argument[1]), str):
            return self._function(name, [argument[0], parts])
        return None

    @property
    def _region(self) -> str:
        return str(self.pseudo["AWS::Region"])

    def _type(self, name: str) -> str:
        return str(((self.template.get("Resources") or {}).get(name) or {}).get("Type", ""))

    def _literal(self, name: str, attribute: str) -> Json | None:
        definition = (self.template.get("Resources") or {}).get(name) or {}
        given = (definition.get("Properties") or {}).get(attribute)
        if given is None or not isinstance(given, str | dict):
            return None
        resolved = self.resolve(given)
        return resolved if isinstance(resolved, str) and not unknown(resolved) else None

    def _name(self, what: str, logical_id: str | None = None) -> str:
        return f"{OPEN}{what}{' replaced' if (logical_id or what) in self.replaced else ''}{CLOSE}"

    def _function(self, name: str, argument: Json) -> str:
        text = json.dumps(argument, ensure_ascii=False, default=str, sort_keys=True)
        return f"{OPEN}{name} {text.replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"


def symbolic(stack: Stack) -> Symbolic:
    """Return the resolver of a stack's template.

    Parameters
    ----------
    stack
        The stack.

    Returns
    -------
    Symbolic
        For ``resources``.
    """
    region = stack.region or f"{OPEN}region{CLOSE}"
    partition = next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")
    pseudo: dict[str, Json] = {
        "AWS::AccountId": stack.account or f"{OPEN}account{CLOSE}",
        "AWS::Region": region,
        "AWS::StackId": f"{OPEN}stack{CLOSE}",
        "AWS::StackName": stack.name,
        "AWS::Partition": partition,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        "AWS::NotificationARNs": [],
        "AWS::NoValue": None,
    }
    return Symbolic(stack.template, pseudo, _parameters(stack), {}, _Elsewhere(), planning=True)


def _parameters(stack: Stack) -> Mapping[str, Json]:
    values: dict[str, Json] = {}
    for name, definition in (stack.template.get("Parameters") or {}).items():
        kind = str(definition.get("Type", "String"))
        value: Json = stack.parameters.get(name, definition.get("Default"))
        if value is None or definition.get("NoEcho"):
            value = f"{OPEN}parameter {name}{CLOSE}"
        elif kind.startswith("AWS::SSM::Parameter::Value<"):
            value = f"{OPEN}SSM parameter {value}{CLOSE}"
        if kind == "CommaDelimitedList" or "List<" in kind:
            value = [item.strip() for item in str(value).split(",")]
        values[name] = value
    return values


def resource(resolver: Symbolic, logical_id: str, definition: Document) -> Resource:
    """Resolve one resource.

    Parameters
    ----------
    resolver
        Of its template; knows by now which of the others are replaced.
    logical_id, definition
        The resource.

    Returns
    -------
    Resource
        With functions answered.
    """
    given = definition.get("Properties") or {}
    resolved = resolver.resolve(given)
    return Resource(
        logical_id,
        str(definition["Type"]),
        resolved if isinstance(resolved, dict) else {},
        str(resolver.resolve(definition.get("DeletionPolicy", "Delete"))),
        str(resolver.resolve(definition.get("UpdateReplacePolicy", "Delete"))),
        frozenset(references(given)),
    )


def _references(value: Json) -> list[str]:
    """The names that a value refers to; none where its functions are none."""
    try:
        return [name for name in references(value) if isinstance(name, str)]
    except _MALFORMED:
        return []

"""The CloudFormation API, answered by the project's own engine instead of moto's."""

from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import unquote, urlparse

import moto.cloudformation.models
import moto.cloudformation.urls
from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from slipway.local.engine.documents import Document, Json, parse
from slipway.local.engine.errors import TemplateError
from slipway.local.engine.planning import partition
from slipway.local.engine.resource_type import Catalogue
from slipway.local.engine.service import CloudFormation
from slipway.local.engine.state import Request, Stack
from slipway.local.mends import cloudformation_answers as answers
from slipway.local.mends.answers import ApiError
from slipway.local.mends.patching import replace
from slipway.local.resources import catalogue
from slipway.local.resources.calls import Calls

_catalogue: Catalogue | None = None


def apply(url: str) -> None:
    """Install the engine in place of moto's.

    Parameters
    ----------
    url
        Where this server answers.
    """
    global _catalogue
    _catalogue = catalogue(Calls(url))
    moto.cloudformation.urls.url_paths = {"{0}/$": CloudFormationApi.dispatch}
    # The tagging API asks the backend, whose own list of stacks stays empty now.
    backend = moto.cloudformation.models.CloudFormationBackend
    replace(backend, iter_tagged_resources=_tagged_stacks)


@cache
def engine(account: str, region: str) -> CloudFormation:
    """Return CloudFormation of an account and Region."""
    if _catalogue is None:
        raise RuntimeError("apply() has to come before the first request")
    # The tagging API only asks backends that exist.
    _ = moto.cloudformation.models.cloudformation_backends[account][region]
    return CloudFormation(
        account,
        region,
        _catalogue,
        stored_parameter=lambda name: _stored_parameter(account, region, name),
        sibling=lambda other: engine(account, other),
    )


def _stored_parameter(account: str, region: str, name: str) -> str | None:
    parameter = ssm_backends[account][region].get_parameter(name)
    return parameter.value if parameter else None


def _tagged_stacks(
    self: moto.cloudformation.models.CloudFormationBackend,
) -> list[TaggedResource]:
    stacks = engine(self.account_id, self.region_name).stacks.values()
    return [
        TaggedResource(
            arn=stack.stack_id,
            tags=dict(stack.request.tags),
            resource_type="cloudformation:stack",
        )
        for stack in list(stacks)
    ]


def _refusing(action: Callable[["CloudFormationApi"], ActionResult]) -> Json:
    """Turn what the engine refuses into errors of the API."""

    def answer(self: "CloudFormationApi") -> ActionResult:
        try:
            return action(self)
        except TemplateError as error:
            raise ApiError(error.code, error.message) from error

    answer.__name__ = action.__name__
    return answer


class CloudFormationApi(BaseResponse):
    """The operations that the CDK CLI, boto3 and the project's own tools use."""

    def __init__(self) -> None:
        super().__init__(service_name="cloudformation")
        self.automated_parameter_parsing = True

    @property
    def engine(self) -> CloudFormation:
        """CloudFormation of the caller's account and Region."""
        return engine(self.current_account, self.region)

    def _stack(self) -> Stack:
        return self.engine.find(self._get_param("StackName"))

    def _flag(self, name: str) -> bool:
        return bool(self._get_bool_param(name, if_none=False))

    def _request(self, present: Stack | None) -> Request:
        text = self._get_param("TemplateBody")
        if self._flag("UsePreviousTemplate") and present is not None:
            text = present.request.text
        elif self._get_param("TemplateURL"):
            text = self._template_at(self._get_param("TemplateURL"))
        if not text:
            raise TemplateError("Either Template URL or Template Body must be specified.")
        tags = self._get_param("Tags")
        if tags is None and present is not None:
            own: Mapping[str, str] = present.request.tags
        else:
            own = {tag["Key"]: tag["Value"] for tag in tags or []}
        return Request(
            text=text,
            template=parse(text),
            parameters=self._parameters(present),
            tags=own,
            role_arn=self._get_param("RoleARN") or (present.request.role_arn if present else None),
            notification_arns=tuple(self._get_param("NotificationARNs", [])),
            capabilities=tuple(self._get_param("Capabilities", [])),
            disable_rollback=self._flag("DisableRollback"),
            delete_new_on_rollback=self._flag("RetainExceptOnCreate"),
            import_existing=self._flag("ImportExistingResources"),
        )

    def _parameters(self, present: Stack | None) -> dict[str, str]:
        values: dict[str, str] = {}
        for given in self._get_param("Parameters", []):
            key = given["ParameterKey"]
            if not given.get("UsePreviousValue"):
                values[key] = given["ParameterValue"]
            elif present is not None and key in present.request.parameters:
                values[key] = present.request.parameters[key]
        return values

    def _template_at(self, url: str) -> str:
        """Read a template that was uploaded; moto only knows virtual-hosted S3 addresses."""
        where = urlparse(url)
        host, _, path = (where.hostname or ""), "", unquote(where.path).lstrip("/")
        if ".s3." in host or ".s3-" in host:
            bucket, key = host.split(".s3")[0], path
        else:
            bucket, _, key = path.partition("/")
        found = s3_backends[self.current_account][partition(self.region)].get_object(bucket, key)
        if found is None:
            raise TemplateError(f"S3 error: The specified key does not exist: {url}")
        text: str = found.value.decode()
        return text

    # -- stacks

    @_refusing
    def create_stack(self) -> ActionResult:
        """CreateStack."""
        request = self._request(None)
        if self._get_param("OnFailure") == "DO_NOTHING":
            request = answers.without_rollback(request)
        stack = self.engine.create_stack(
            self._get_param("StackName"),
            request,
            termination_protection=self._flag("EnableTerminationProtection"),
        )
        return ActionResult({"StackId": stack.stack_id})

    @_refusing
    def update_stack(self) -> ActionResult:
        """UpdateStack."""
        stack = self.engine.update_stack(self._get_param("StackName"), self._request(self._stack()))
        return ActionResult({"StackId": stack.stack_id})

    @_refusing
    def delete_stack(self) -> ActionResult:
        """DeleteStack."""
        keep = frozenset(self._get_param("RetainResources", []))
        self.engine.delete_stack(self._get_param("StackName"), keep)
        return EmptyResult()

    @_refusing
    def describe_stacks(self) -> ActionResult:
        """DescribeStacks."""
        name = self._get_param("StackName")
        stacks = [self.engine.find(name)] if name else list(self.engine.stacks.values())
        page, token = answers.page(stacks, self._get_param("NextToken"), 50)
        return ActionResult({"Stacks": [answers.stack(s) for s in page], "NextToken": token})

    @_refusing
    def list_stacks(self) -> ActionResult:
        """ListStacks."""
        statuses = self._get_param("StackStatusFilter", [])
        stacks = [*self.engine.stacks.values(), *self.engine.deleted.values()]
        chosen = [s for s in stacks if not statuses or s.status in statuses]
        page, token = answers.page(chosen, self._get_param("NextToken"), 100)
        return ActionResult({"StackSummaries": [answers.stack(s) for s in page], "NextToken": token})

    @_refusing
    def update_termination_protection(self) -> ActionResult:
        """UpdateTerminationProtection."""
        stack = self._stack()
        stack.termination_protection = self._flag("EnableTerminationProtection")
        return ActionResult({"StackId": stack.stack_id})

    @_refusing
    def get_template(self) -> ActionResult:
        """GetTemplate, of a stack or of one of its change sets."""
        change_set = self._get_param("ChangeSetName")
        if change_set:
            _, found = self.engine.find_change_set(change_set, self._get_param("StackName"))
            text = found.request.text
        else:
            text = self._stack().request.text
        return ActionResult({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]})

    @_refusing
    def get_template_summary(self) -> ActionResult:
        """GetTemplateSummary."""
        name = self._get_param("StackName")
        template: Document = self._stack().template if name else self._request(None).template
        return ActionResult(answers.template_summary(template))

    @_refusing
    def validate_template(self) -> ActionResult:
        """ValidateTemplate."""
        return ActionResult(answers.template_summary(self._request(None).template))

    # -- resources and events

    @_refusing
    def describe_stack_resource(self) -> ActionResult:
        """DescribeStackResource."""
        stack, name = self._stack(), self._get_param("LogicalResourceId")
        if name not in stack.resources:
            raise TemplateError(f"Resource {name} does not exist for stack {stack.name}")
        detail = answers.resource(stack, stack.resources[name])
        return ActionResult({"StackResourceDetail": detail})

    @_refusing
    def describe_stack_resources(self) -> ActionResult:
        """DescribeStackResources, by stack or by a physical id, which moto ignores."""
        physical = self._get_param("PhysicalResourceId")
        stack = self.engine.owner_of(physical)[0] if physical else self._stack()
        logical = self._get_param("LogicalResourceId")
        found = [
            answers.resource(stack, r) for r in list(stack.resources.values()) if not logical or r.logical_id == logical
        ]
        return ActionResult({"StackResources": found})

    @_refusing
    def list_stack_resources(self) -> ActionResult:
        """ListStackResources."""
        stack = self._stack()
        page, token = answers.page(list(stack.resources.values()), self._get_param("NextToken"), 100)
        return ActionResult(
            {
                "StackResourceSummaries": [answers.resource(stack, r) for r in page],
                "NextToken": token,
            }
        )

    @_refusing
    def describe_stack_events(self) -> ActionResult:
        """DescribeStackEvents, newest first."""
        stack = self._stack()
        page, token = answers.page(stack.events[::-1], self._get_param("NextToken"), 100)
        return ActionResult({"StackEvents": [answers.event(stack, e) for e in page], "NextToken": token})

    @_refusing
    def describe_events(self) -> ActionResult:
        """DescribeEvents: the CLI asks it for the findings of early validation; there are none."""
        return ActionResult({"OperationEvents": []})

    # -- change sets

    @_refusing
    def create_change_set(self) -> ActionResult:
        """CreateChangeSet."""
        name = self._get_param("StackName")
        kind = self._get_param("ChangeSetType", "UPDATE")
        stack, change_set = self.engine.create_change_set(
            name,
            self._get_param("ChangeSetName"),
            kind,
            self._request(self.engine.named(name) if kind == "UPDATE" else None),
            self._get_param("Description"),
        )
        return ActionResult({"Id": change_set.change_set_id, "StackId": stack.stack_id})

    @_refusing
    def describe_change_set(self) -> ActionResult:
        """DescribeChangeSet; moto looks for the name alone and finds other stacks' change sets."""
        stack, found = self.engine.find_change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))
        page, token = answers.page(found.changes, self._get_param("NextToken"), 100)
        return ActionResult(
            {
                **answers.change_set(stack, found),
                "Changes": [answers.change(c) for c in page],
                "NextToken": token,
            }
        )

    @_refusing
    def list_change_sets(self) -> ActionResult:
        """ListChangeSets of one stack."""
        stack = self._stack()
        return ActionResult({"Summaries": [answers.change_set(stack, c) for c in stack.change_sets.values()]})

    @_refusing
    def execute_change_set(self) -> ActionResult:
        """ExecuteChangeSet."""
        self.engine.execute_change_set(
            self._get_param("ChangeSetName"),
            self._get_param("StackName"),
            disable_rollback=self._flag("DisableRollback"),
            delete_new=self._flag("RetainExceptOnCreate"),
        )
        return EmptyResult()

    @_refusing
    def delete_change_set(self) -> ActionResult:
        """DeleteChangeSet; nothing happens when there is none, as at the service."""
        try:
            stack, found = self.engine.find_change_set(self._get_param("ChangeSetName"), self._get_param("StackName"))
        except TemplateError:
            return EmptyResult()
        stack.change_sets.pop(found.change_set_id, None)
        return EmptyResult()

    # -- exports

    @_refusing
    def list_exports(self) -> ActionResult:
        """ListExports."""
        exports = [
            {"ExportingStackId": stack.stack_id, "Name": name, "Value": value}
            for stack in list(self.engine.stacks.values())
            for name, value in stack.exports.items()
        ]
        page, token = answers.page(exports, self._get_param("NextToken"), 100)
        return ActionResult({"Exports": page, "NextToken": token})

    @_refusing
    def list_imports(self) -> ActionResult:
        """ListImports."""
        name = self._get_param("ExportName")
        users = self.engine.importers(name)
        if not users:
            raise TemplateError(f"Export '{name}' is not imported by any stack.")
        return ActionResult({"Imports": users})

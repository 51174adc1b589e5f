"""The tagging API's pages.

moto ends a page of GetResources after a hundred tags, though only TagsPerPage asks for that: pages of a hundred
resources would hold a dozen. A token of its is good for one request, so one that is sent again finds nothing.
"""

from collections.abc import Sequence

from moto.core.resource_tagging import TaggedResource
from moto.resourcegroupstaggingapi.exceptions import ResourceGroupsTaggingAPIError
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

from slipway.local.engine.documents import Document
from slipway.local.mends.patching import replace

_KEPT_LISTS = 20


def apply() -> None:
    """Install the mend."""
    replace(ResourceGroupsTaggingAPIBackend, get_resources=get_resources)


def get_resources(
    self: ResourceGroupsTaggingAPIBackend,
    pagination_token: str | None = None,
    resources_per_page: int = 50,
    tags_per_page: int = 100,
    tag_filters: list[Document] | None = None,
    resource_type_filters: list[str] | None = None,
    resource_arn_list: list[str] | None = None,
) -> tuple[str | None, list[TaggedResource]]:
    """GetResources in pages of so many resources; ``tags_per_page`` is not heeded, even where it was asked for."""
    del tags_per_page
    lists: dict[str, Sequence[TaggedResource]] = vars(self).setdefault("listed", {})
    if pagination_token:
        number, _, position = pagination_token.partition("-")
        if number not in lists:
            raise ResourceGroupsTaggingAPIError("PaginationTokenExpiredException", "The token has expired.")
        found, start = lists[number], int(position)
    else:
        chosen = self._get_resources_generator(
            tag_filters=tag_filters, resource_type_filters=resource_type_filters, resource_arn_list=resource_arn_list
        )
        found, start = list(chosen), 0
    end = start + resources_per_page
    if end >= len(found):
        return None, list(found[start:])
    if not pagination_token:
        number = str(int(next(reversed(lists), "0")) + 1)
        lists[number] = found
        for oldest in list(lists)[:-_KEPT_LISTS]:
            del lists[oldest]
    return f"{number}-{end}", list(found[start:end])

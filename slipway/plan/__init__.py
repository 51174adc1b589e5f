"""What a change does to endpoints before it is deployed: resources, rollout, instances, cost, and what fails.

The core is pure: two sets of templates in, one ``story.Plan`` out. ``deployed`` and ``revision`` fetch templates.
"""

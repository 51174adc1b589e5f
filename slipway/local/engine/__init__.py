"""CloudFormation, run for real against the local AWS.

moto's own engine reports success for work it did not do (it skips unknown types, loses updates,
never rolls back), so this package replaces it. Nothing here imports moto: resources are made
through the interface in ``resource_type``.
"""

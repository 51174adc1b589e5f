"""The local AWS: moto's server on loopback, extended in process until the project deploys to it.

``control`` starts and stops it and is cheap to import; ``server`` is the process itself.
"""

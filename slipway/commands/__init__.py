"""The commands of `slipway`, one module each: its arguments, and what it does with them.

A module's ``register`` says how the command is called; the first line of what it runs is its help. Nothing heavy is
imported before it is needed, so that `--help` is there at once.
"""

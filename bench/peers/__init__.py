"""The contestants, one module each; adding one means adding a module. Its parts:

``NAME``        what the table shows.
``SLOW_START``  True where compiling takes long, so that ``--quick`` leaves it out unless it is named.
``measure``     (seconds, work) to a `Measurement`; called several times in one process.
``check``       (work) to a `Check`, trained afresh.

A module loads its library inside its functions: each contestant runs in a process of its own.
"""

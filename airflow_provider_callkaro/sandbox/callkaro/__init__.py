"""The stand-in for CallKaro. Begin with `vendor`; `reading` checks its bodies."""

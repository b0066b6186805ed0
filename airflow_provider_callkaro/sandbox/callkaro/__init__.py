"""The stand-in for CallKaro; begin with `vendor`, which holds its routes."""

"""The stand-in for Callaro; begin with `vendor`, which holds its routes."""

"""The stand-in for MrAssistant; begin with `vendor`, which holds its routes."""

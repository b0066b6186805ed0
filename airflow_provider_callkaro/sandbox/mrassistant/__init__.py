"""The stand-in for MrAssistant. Begin with `vendor`; `bodies` has the models of its bodies.

`calls` says how far each call is, `tokens` which token is good, `outbound` when an agent may call.
"""

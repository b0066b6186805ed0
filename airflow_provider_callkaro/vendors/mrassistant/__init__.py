"""MrAssistant's API: campaigns that ring as they are created, single calls, and the hours of an agent.

Begin with `api`, which has the campaigns and the tokens; `calls` and `outbound` are its other routes. `campaigns` takes
a long list as campaigns, `settings` and `fields` check what a campaign and a call may be given, `outbound_config` reads
an agent's configuration.
"""

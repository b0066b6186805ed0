"""The operators: what a DAG imports.

`callkaro`, `callaro` and `mrassistant` hold the public names. Behind them stand one file per operator, with its whole
signature, and `placing`: what every operator that places calls does with its arguments. Its three kinds are `fan_out`,
`preflight` and `single_call`. What a task does beyond that is in the room `tasks`.
"""

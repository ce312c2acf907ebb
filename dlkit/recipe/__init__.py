"""The recipe language: from a YAML file to a checked recipe, without TensorFlow.

The way through the room, in the order in which things happen (`load` walks it):

    yaml_source, yaml_syntax      text into nodes that know their place (`nodes`, `diagnostics`)
    library, compose, merge       what a recipe extends, and what the file itself says over it
    settings, paths               values by path: `set`, `quick.set`, `--set`
    references, fact_references   `$path`: other values, arguments of blocks, facts of the data (`facts`, `declared_facts`)
    networks, layers, calls       layers, blocks, `from`, `reuse`, `repeat`, opened into a `graph`
    check, values                 components against what is known of them
    sections, usage, stages       dlkit's own keys (`keys`) against pydantic, and against one another
    outputs, supervision          losses and metrics, inferred or held against the output (`contradictions`, `measured`)
    search_space                  every value of `tune.space` that is written
    reading                       the last five for one variant of a recipe: a `Recipe`, or diagnostics

What recipes may name: `catalogue` (Keras's), `registry` and `declarations` (dlkit's own, installed packages', and those of
`plugins`), joined in `components`; `slots` tells what may stand where. What comes out: `dump`, `origin`, `json_schema`,
`durations`. `bounds` holds against recipes that would take too long.
"""

"""What there is to look at in a model besides its metrics, one file each.

A view is given the `Subject`, and gives what it finds as plain values for JSON, by name: nothing where it finds nothing. All
of it stands in evaluation.json, among the details of the first target; a figure that `needs` it draws it.
"""

"""Pictures of a result: rendered teeth with their numbers, slices of the scan."""

"""What examples that a pattern generates are measured by, held against real ones; one file each."""

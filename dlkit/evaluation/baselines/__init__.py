"""What a model is held against: answers that need no learning, one file each."""

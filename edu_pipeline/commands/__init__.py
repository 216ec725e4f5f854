"""The groups of commands that `cli` mounts; what they do stands in other rooms."""

"""Where images come from: the publishers' files, the built-in sample, photographs."""

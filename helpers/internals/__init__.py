"""What the front door leans on: Keras made ready, checks with their errors, whole files, claims."""

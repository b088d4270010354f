"""Ways to build and train networks that some notebooks need: one idea a file."""

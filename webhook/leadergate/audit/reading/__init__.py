"""Records of files, pipes and standard input as one relation that is queried where it stands."""

"""The steps of the path, a file each, named by its verb."""

"""What an operator may write: the shape of the configuration file, how it is read, and what is wrong with it."""

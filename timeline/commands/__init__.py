"""The commands of `timeline`, one file each: the file's name is the command's name, its function `command` does it."""

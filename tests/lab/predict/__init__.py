"""The prediction of the next boot, compared with what sysfs shows after it."""

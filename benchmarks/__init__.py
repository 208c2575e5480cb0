"""Measurements, run by hand (`make bench`): each prints a table and says on what machine. None of them is a test."""

"""Tests of the project that runs it all: its environment, its processes and their supervisor."""

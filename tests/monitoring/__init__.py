"""Tests of the signs of life and of what they say."""

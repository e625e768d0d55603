"""Tests of the futures protocol."""

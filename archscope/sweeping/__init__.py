"""Runs many variants of a network: axes become variants, workers answer, a store keeps it all."""

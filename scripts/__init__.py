"""Programs of the house: benchmarks, generated documents, synthetic machines."""

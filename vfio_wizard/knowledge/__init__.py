"""Floor 1: what is known of models, boards, kernels and parameters, as data with sources."""

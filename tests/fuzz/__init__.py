"""Every parser against arbitrary bytes: what runs, the seeds, and how inputs are made from them."""

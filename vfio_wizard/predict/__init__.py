"""Which driver will claim each PCI function at the next boot: pure, from facts and images."""

"""Machines that never existed, made for the purpose: each module describes one and can make its tree."""

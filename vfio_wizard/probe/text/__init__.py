"""Text about a machine: listings and reports, one module per form."""

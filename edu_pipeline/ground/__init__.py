"""What every room uses and no room owns: the warehouse, templates, whole files, addresses, wording."""

"""Stand-ins for services, made from the vendors' own contracts: strict on what they take and on what they answer."""

"""The bus between service and relays: in memory on one machine, Redis between several."""

"""How the service keeps what it knows: engine, transactions, base types, migrations. Tables live with their feature."""

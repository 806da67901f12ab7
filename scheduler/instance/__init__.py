"""Planning instances: what is to be paired with whom, as frozen values, as JSON, and drawn from a seed."""

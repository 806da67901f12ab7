"""What people and schools are told: changes of their lessons, answers, sign-ups."""

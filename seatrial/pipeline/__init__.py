"""How steps are carried out: plan, apply, plan again; the world they see, outcomes, retries, saved state, ledger."""

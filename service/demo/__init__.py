"""The demonstration county: invented schools and people, a week of lessons, and one lesson that is live right now."""

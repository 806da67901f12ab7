"""Re-planning after a change: events, proposals as diffs that are applied once, the dated lessons they touch."""

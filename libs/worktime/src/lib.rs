//! Working-time calendars and budgets to due instants, and why; pure.

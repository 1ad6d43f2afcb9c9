//! Rules, schedules and their targets at work.

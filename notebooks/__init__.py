"""Pages that ask one question each: `timeline notebook NAME` opens one."""

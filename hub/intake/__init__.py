"""Departments' files on their way in: opened, recognised, read row by row, judged, and handed to the commands."""

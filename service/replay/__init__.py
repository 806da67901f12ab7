"""What a replay needs beside the recording's files: thumbnails, who spoke when, and how much was really watched."""

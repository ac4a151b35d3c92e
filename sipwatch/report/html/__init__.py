"""The report as one file in HTML: for people who want to read it in a browser, print it, or get it by mail."""
